// Package identity is who people are: their accounts, how they show that it is
// them, and where they are signed in.
//
// # Words
//
//	account        a person, by an e-mail address that he has proved to be his
//	challenge      a question to an address: a code goes to it by letter, and is
//	               worth something only in the browser that asked
//	factor         what shows who somebody is: password, authenticator, passkey;
//	               a recovery code stands in for the last two, once
//	session        a sign-in in one browser; its token is known to that alone
//	level          how surely a session knows who it is: pending (a second factor
//	               is due), password, strong
//	application    what people sign in to and what calls services: an OAuth client
//	gate           counts tries before they are looked at, and slows guessing down
//
// # What always holds
//
//   - Nobody who is not signed in learns whether an address has an account:
//     answers and work are the same, the difference is in the letters.
//   - Nothing is an account before the code came back from its address.
//   - Codes, tokens and recovery codes are kept as hashes, and work once.
//     Secrets of authenticators and what a registration typed rest sealed.
//   - Whatever raises a session gives it a new token; the old one is dead.
//   - A new password ends every other session.
//   - What weakens or changes the protection of an account asks who it is again,
//     unless that was shown a moment ago.
//   - Every action and its letters, its sessions and its audit entry are one
//     transaction. The audit log names accounts by their ids alone.
//   - A code and a refresh token are good for one application, once. Whatever
//     ends a session, an account or an application ends its tokens with it, in
//     the same transaction.
//
// # Where things are
//
//	internal/account     register, sign in, reset, change, delete
//	internal/code        challenges and their codes
//	internal/password    hashes, and which passwords are refused
//	internal/throttle    the gate
//	internal/session     sessions
//	internal/factor      authenticator, passkeys, recovery codes
//	internal/client      applications: what they may, their secrets and redirect URIs
//	internal/clientauth  which application makes a request
//	internal/dpop        proofs that somebody has the key that a token is bound to
//	internal/jws         signed tokens of others
//	internal/signing     the keys that sign tokens
//	internal/mint        access tokens and ID tokens
//	internal/logout      applications are told that sessions ended, and ask for it
//	internal/token       tokens are exchanged, looked at and taken back
//	internal/feed        the services are told what was revoked
//	internal/directory   people who come from Active Directory or LDAP by themselves
//	internal/journal     the audit log, and the names of what goes into it
//	internal/store       the SQL
//	web                  what the pages show, and web/mails the letters
//
// It calls no other service.
package identity
