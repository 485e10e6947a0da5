// Package session knows who makes a request. Every service asks it, and none
// knows how the person signed in: From gives the Principal, Require guards a
// handler, StepUp one that wants it shown again.
//
// # Desk
//
// People sign in at the service identity, once for all services. A Desk is the
// part of it at one service: it sends browsers to identity and takes them back
// (OpenID Connect, code flow with PKCE), and keeps who is signed in in the
// service's own database, so that each service has its own session and cookie.
//
// The service needs no secret for it: its certificate on the internal listener
// shows identity which application it is, and there its code becomes a grant. What
// a session says is never older than a minute: then identity is asked again whether
// the grant lives, who its person is and what his roles here are. A use of any
// service so is a use of identity's session. When identity cannot be asked for two
// minutes, nobody is signed out, and nothing is open that needs somebody: it is not
// known who it is, and that is what is answered.
//
// Signing out at a service ends the session at identity, and with it all others.
//
// # BreakGlass
//
// The other way in needs no identity: one-time links for the pages and tokens for
// the API, both made by whoever controls the data directory. It is the emergency
// entrance, and can be turned off. Every use of it is recorded in the audit log.
package session
