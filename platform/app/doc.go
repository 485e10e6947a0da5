// Package app is the process: it opens the services that were asked for, each
// on its own database, puts them behind three listeners and stops them in
// order.
//
// The life of a process:
//
//	lock the data directory     one process per directory
//	bind the listeners          a port in use is known before anything is written
//	for each service            open its database, back it up, migrate, New
//	certificates                each service enrols; the public hosts get theirs
//	serve                       then "ready https://..." is printed
//	SIGHUP                      what may change is read again, as by "guildhall reload"
//	SIGTERM                     /readyz says 503, requests finish, jobs are released
//	close                       in the reverse order of opening
//
// The listeners: plain HTTP (revocation lists, OCSP; everything else is sent to
// HTTPS), public HTTPS (one host per service, the portal at the bare domain),
// and the internal one, where services meet over mutual TLS and where /metrics
// is. The control socket in the data directory serves the command line: who can
// open it controls the directory anyway.
package app
