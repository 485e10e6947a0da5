// Package authorize is the authorization endpoint without its HTTP: it reads what
// an application asks for, keeps it while its person signs in and decides, and
// makes the answer.
//
//	Push     keeps a request that an application sent by itself (RFC 9126)
//	Begin    reads a request of a browser and keeps it for ten minutes
//	Decide   says what its person has to do next, or has the answer
//	Choose   goes on as who is signed in (prompt=select_account)
//	Approve  allows it, which makes the answer
//	Deny     refuses it
//
// A request whose application or redirect_uri is not known is never answered to
// the application: its error is a fault, shown as a page. All others are *Refused,
// which has the answer that carries the error.
package authorize
