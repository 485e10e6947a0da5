// Package crl publishes certificate revocation lists (RFC 5280, section 5): one
// for what the issuing certificate signed and one for what the root signed.
//
// Its invariants:
//
//   - A list is never built inside a revocation. A revocation enqueues a job,
//     which comes a moment later and takes all that was revoked meanwhile, so
//     revoking costs the same however long the list is.
//   - Building takes a twentieth of one processor at most: after a list that took
//     long the next one waits for twenty times as long, up to Options.MaxDelay.
//     Each node counts its own lists. OCSP and the feed do not wait.
//   - A list names everything that was revoked until its thisUpdate.
//   - Numbers only grow, over restarts and nodes, and a list never takes the
//     place of one that knows more.
//   - No transaction is open while a list is signed.
//   - A revoked certificate stays on the list until one list issued after its
//     end has named it (RFC 5280, section 3.3).
//   - A new list comes long before nextUpdate, and what was missed is made up
//     for within a minute: a periodic job looks for lists that are stale or
//     behind.
//
// The newest list of each name stands in the database, and in memory for
// serving. What it names is kept encoded in memory, too, for the next one. A name other than Issuing and Root, for a shard or a delta, would be
// another row.
package crl
