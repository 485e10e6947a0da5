// Package ocsp answers status requests (RFC 6960, in the light-weight profile
// of RFC 5019) for the certificates of one issuer.
//
// Its invariants:
//
//   - The status comes from the database with every request; only the
//     signature over an unchanged status is kept. So a revocation shows in the
//     next response, on every node, without anything being told.
//   - Responses are signed by a delegated certificate (EKU OCSPSigning with
//     id-pkix-ocsp-nocheck) whose key lives in this process's memory alone.
//     Anyone on the network can make a responder sign, so the key that
//     certifies must not be the one that answers; the issuing key can move
//     into hardware, or be busy, without the status service noticing; and a
//     stolen responder key tells lies for days, not for years.
//   - An error response is never signed and never cached.
//
// The codec is ours because golang.org/x/crypto/ocsp reads only the first
// certificate of a request and has no place for response extensions, where a
// nonce will go. The tests read our responses with that package.
package ocsp
