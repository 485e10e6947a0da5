// Package revocation judges access tokens of guildhall's identity service without a
// call for each, by what identity says of revocations: a program follows a feed of
// signed lines and knows within a second that a token, its grant, its application or
// its account was revoked. It uses the standard library alone.
//
//	verifier := revocation.NewVerifier(revocation.Options{
//		Issuer: "https://identity.guildhall.example", Audience: "https://reports.example.com",
//		ClientID: "app_...", Secret: secret, HTTP: client,
//	})
//	go verifier.Run(ctx)
//	claims, err := verifier.Verify(token)
//
// # What is asked of a token
//
// An access token ends by itself within an hour. Before that it ends when it, its
// grant, its application or its account was revoked. That the session in which it was
// granted ended says nothing of it: what was granted for offline use outlives the
// session, and what ends with it is told of as a grant.
//
// # What the lease means
//
// Identity signs a line at least every second. It is believed for half a minute, or
// less if it says so. Within that time identity may be down: nobody notices. After it
// nothing is known about revocations, so checks return ErrStale, together with the
// claims of a token with which all else is well: who goes on by them goes on without
// knowing of revocations, which only what shows people their own things should do.
// After a start the state is stale until all that is revoked has come.
//
// # The protocol
//
// POST /oauth2/revocations at identity's address, with the application's credentials
// as at the token endpoint and the form value "after" (the number that was reached, 0
// at first), waits until there is news, a second at most, and answers with JSON:
// {"lines": ["..."]}. Each line is a JWS (RFC 7515) of the type TypeRevocations that
// holds a Line; it follows the number that was asked for, or the line before it. A line
// that says "more" is a part: nothing counts before the last part, for which one asks
// again if it is not there. Each line has the hash of identity's key set, so that new
// keys are known within a second. Answers to somebody who has reached more than
// identity knows have the code "revocations_went_back": its database was restored from
// a backup.
//
// The services of the installation follow the same lines over their own connection.
package revocation
