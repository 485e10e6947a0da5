// Package limit slows callers down: each key (an address, an account, a token)
// has a steady rate and a burst, by the generic cell rate algorithm. The state
// of a key is one instant, its memory is bounded, and a key at rest costs
// nothing. The counts are those of this process (Embedded), or those of all nodes
// of an installation (Shared).
package limit
