// Package license is what programs and guildhall's service license say to each other:
// the messages. Package sealed carries them, fingerprint tells machines apart, offline
// verifies licences without a server. It uses the standard library alone.
package license
