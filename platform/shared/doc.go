// Package shared reaches the Valkey or Redis server in which the nodes of one
// installation keep what all of them have to know at once, and which may be lost:
// how often somebody came, not what somebody owns.
//
// The server may be away at any time. Whoever asks it for something gets an answer
// within the time-out or an error, and does without it then: while the server is
// known to be away nobody waits for it. It is looked for every second.
package shared
