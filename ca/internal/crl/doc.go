// Package crl publishes certificate revocation lists (RFC 5280, section 5): one
// for what the issuing certificate signed and one for what the root signed.
//
// Its invariants:
//
//   - A list is never built inside a revocation. A revocation enqueues a job,
//     which comes a moment later and takes all that was revoked meanwhile, so
//     revoking costs the same however long the list is.
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
// serving. A name other than Issuing and Root, for a shard or a delta, would be
// another row.
package crl
