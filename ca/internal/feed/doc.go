// Package feed tells every process of revocations, and knows who has heard.
//
// The hub reads the sequence of revocations from the database, signs a head
// over it at least every second, and sends both to all subscribers. Sending a
// head lends the subscriber a lease: until the head's end it serves its peers
// without us. So a revocation is complete when every subscriber acknowledged
// it or its lease ended, and Announce returns then and not before. Leases are
// in the database before the head that lends them leaves; an authority that
// was restarted waits out the leases of subscribers it has not seen.
//
// Several nodes of the authority can work on one PostgreSQL (Options.Shared):
// each reads the sequence several times a second, all sign with the same key,
// and acknowledgements are exchanged through the database.
package feed
