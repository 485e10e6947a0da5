// Package ca is the certificate authority: it gives machines, programs and
// people certificates, says at any time which are still good, and gives
// guildhall's own services the identities by which they know each other.
//
// # Words
//
//	root           signs the issuing certificate and its own revocation list;
//	               its key is offline most of the time
//	issuing        signs everything else, day to day
//	profile        a kind of certificate: server, client, user; service, ocsp
//	certificate    a record with a serial number; it is renewed by a successor
//	revocation     final, and numbered: the sequence has no gaps and only grows
//	join token     a single-use permission for one service to enrol
//	enrolment      how a service gets its first certificate, by a join token
//	audit log      who did what; a signed Merkle tree in the same database
//
// # What always holds
//
//   - A certificate leaves the authority only after the commit that recorded
//     it; the record, its audit entry and its jobs are one transaction.
//   - Every transaction that writes appends to the audit log first. That puts
//     the writers of several nodes in a row.
//   - Nothing is signed while the clock is behind what was signed before.
//     Revoking works all the same.
//   - A revoked certificate opens no way to another one: it cannot be renewed,
//     and its service needs a new join token, also after a restart.
//   - Private keys rest sealed: the authority's own under seal.key, the root's
//     under a passphrase. A key made for somebody is handed over once and not
//     kept, unless the configuration and the request both ask for it.
//   - A form issues once: it brings the id of what it is to make, and that id is
//     a primary key. So it holds on every node and across restarts.
//   - revoke answers when every connected service has acknowledged it, or may
//     accept no more connections because its lease ended.
//
// # Where things are
//
//	internal/keys         root, issuing, status and audit key
//	internal/passphrase   the root key under a passphrase
//	internal/profile      names, keys, lifetimes: what is refused is refused here
//	internal/certificate  issue, renew, revoke, verify, download
//	internal/token        join tokens
//	internal/enrol        certificates for guildhall's services
//	internal/crl, ocsp    revocation for everybody, over plain HTTP
//	internal/feed         revocation for guildhall's services, within a second
//	internal/journal      the names of what goes into the audit log
//	internal/clock        the clock's high-water mark
//	internal/store        the SQL
//
// It calls no other service. The others call it: over the internal listener for
// enrolment, renewal and the feed; administrators over the REST API and the
// pages.
package ca
