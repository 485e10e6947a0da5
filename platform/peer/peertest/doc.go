// Package peertest is an authority with real certificates and real signatures
// for tests of internal connections. Only tests import it.
package peertest
