// Package access lets a service judge identity's access tokens, and the sessions
// that its own pages keep, without a call for each: by identity's keys and by what
// identity revoked, which it follows over the internal listener.
//
// # Who does what
//
//	Set       what was revoked: an immutable view behind a pointer
//	Follower  keeps a Set, its keys and its issuer up to date
//	Verifier  verifies a token by them: signature, audience, time, revocations
//
// What is asked of a token, what the lease means and what a line says is told in
// sdk/go/identity/revocation, by which programs elsewhere follow the same lines. Here
// are the errors with codes, what browsers' sessions need, and the services' own way.
// A session that a service keeps for a browser ends with identity's session, or with
// its account: CheckSession.
//
// GET /peer/v1/revocations?after=N, on identity's internal listener, answers with one
// line a line for as long as the connection lasts. The first ones hold all revocations
// that still matter, those that follow what was added. after is the number that the
// caller has reached, at any node of identity: one that lags behind catches up first,
// and one whose database was restored from a backup refuses. GET /peer/v1/keys answers
// with the JWK set.
package access
