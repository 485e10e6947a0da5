// Package session knows who makes a request. Every service asks it, and none
// knows how the person signed in: From gives the Principal, Require guards a
// handler.
//
// Today there is one way in, BreakGlass: one-time links for the pages and
// tokens for the API, both made by whoever controls the data directory. It
// stays as the emergency entrance when single sign-on comes, and can be turned
// off. Every use of it is recorded in the audit log.
package session
