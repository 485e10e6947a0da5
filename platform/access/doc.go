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
// # What is asked of a token and of a session
//
// An access token ends by itself within an hour. Before that it ends when it, its
// grant, its application or its account was revoked. That the session in which it was
// granted ended says nothing of it: what was granted for offline use outlives the
// session, and what ends with it is told of as a grant. A session that a service
// keeps for a browser ends with identity's session, or with its account: CheckSession.
//
// # What the lease means
//
// Identity signs a line at least every second. It is believed for half a minute, or
// less if it says so. Within that time identity may be down: nobody notices. After it
// nothing is known about revocations, so checks return ErrStale (503,
// "revocations_unknown"). What is privileged is refused then. A page that only shows a
// person his own things may go on by what is known, which is for its service to
// decide; Verify gives the claims together with ErrStale for this. After a start the
// state is stale until all that is revoked has come.
//
// # The protocol
//
// GET /peer/v1/revocations?after=N, on identity's internal listener, answers with one
// Line a line, each a JWS of the type TypeRevocations, for as long as the connection
// lasts. The first ones hold all revocations that still matter, those that follow
// what was added. after is the number that the caller has reached, at any node of
// identity: one that lags behind catches up first, and one whose database was
// restored from a backup refuses. GET /peer/v1/keys answers with the JWK set; each
// line has its hash, so that new keys are known within a second. Neither has a
// counterpart outside: applications of others verify by sdk/go/identity, and ask
// identity's introspection whether a token was revoked.
package access
