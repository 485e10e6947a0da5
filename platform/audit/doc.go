// Package audit is a tamper-evident log in a service's own database: who did
// what to what, when and from where, written in the same transaction as what
// it records.
//
// The rows are the leaves of a Merkle tree (RFC 6962 hashes, by
// golang.org/x/mod/sumdb/tlog). The head of the tree, its size and root hash,
// is a note signed with Ed25519 in the checkpoint format of C2SP
// (tlog-checkpoint, signed-note). Verify reads the whole log again and names
// each row that was changed, removed, inserted or renumbered, a tail that was
// cut off and a head that was rewritten.
//
// What it withstands, and what not:
//
//   - Somebody with the database but without the key can change nothing unseen.
//     Hashes need no key, so each row also carries a seal (HMAC, under a key
//     derived from the signing key): when the rows and all hashes are rewritten
//     together, the signature says that something is wrong and the seals say
//     where.
//   - Somebody who puts back the whole database of last week shows a log that
//     is good, and shorter. Against that an administrator keeps a head
//     elsewhere (Head) and gives it to Verify, which proves that today's log
//     continues it.
//   - Somebody with the signing key can write another history; again a kept
//     head tells.
//
// Append must be the first statement of its transaction. It locks the head row
// until the commit, which puts the appends of several nodes in a row, and since
// everybody takes that lock first, no two transactions wait for each other.
//
// A service writes through a Journal, which knows who asked (Caller) and what
// becomes of refusals, and has a package internal/journal that names its actions.
package audit
