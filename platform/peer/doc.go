// Package peer connects guildhall's services: mutual TLS 1.3 with certificates
// of guildhall's own authority, and revocations that cut a service off within a
// second.
//
// # Who trusts whom
//
// A service is known by a name, "bank.guildhall.internal", and proves it by a
// certificate of the service profile: that one name, a fresh P-256 key, 24
// hours. It gets the first one for a join token, which is good once and for one
// name; the token also carries the fingerprint of the authority's root, by which
// the newcomer knows the authority before it trusts anything. Later ones it gets
// for the last one, at two thirds of its life. A revoked certificate opens no
// way to another: that takes an operator and a new token. In the authority's own
// process no token is needed, until a revocation.
//
// A process has one internal listener for all its services. The client names the
// service that it wants (SNI), and sees that service's certificate; the server
// demands one too. Both ends check, on a resumed connection as well, that the
// chain ends in a root they enrolled under, that the name and profile are a
// service's, that no certificate of the chain is revoked, and that their news of
// revocations are fresh; and they ask the authority, once for each certificate
// they meet, whether it has a record of it. Then each route admits the services
// on its allow-list.
// The only name behind which no client certificate is asked for is
// enrol.guildhall.internal, and nothing but enrolment stands behind it.
//
// # Revocations
//
// The authority numbers revocations without gaps and chains them by hashes. A
// status key of its own signs a Head {base, sequence, hash, issued, stale-after}
// at least every second. A process follows one stream: a snapshot, then each
// revocation with its head. A revocation counts once a signed head covers it, so
// what comes twice, out of order, or from a liar changes nothing; a gap is asked
// for again; a head that takes something back is refused. The set stands behind
// an atomic pointer, and Check costs well under a microsecond. When a revocation
// counts, all connections of that certificate are closed, accepted and dialled,
// and only then does the process acknowledge it.
//
// # What the lease means
//
// A head is believed until its stale-after, the lease (30 seconds by default) at
// most. Within it the authority may be down: nobody notices. After it nothing is
// known about revocations, so both ends refuse: new connections, requests on
// kept ones, and those under way. They say so in the log, in the error of the
// call, and, on a connection that still stands, in a problem document. When the
// authority is heard again all goes on by itself. Only the way to the authority
// stays open while the news are stale, since that is where fresh ones come from,
// and they are signed.
//
// So a revocation is complete when each process acknowledged it or its lease
// ended, and the authority answers then and not before: under any partition, a
// revoked certificate is refused everywhere after the answer, and the answer
// comes after a lease at most. This rests on clocks that agree within Skew. A
// head from further in the future is refused, which is how a process finds out
// that its own clock is behind; a clock that is set back or a host that slept
// prolongs no lease.
//
// A process whose own certificate is revoked is told before it is cut off: the
// connection that carries the news outlives the revocation by half a second, for
// nothing but the acknowledgement.
//
// # The protocol
//
// HTTP on the service "ca", JSON, bounded in size: POST /peer/v1/enrol (on the
// enrolment name), renew, server-certificate, knows, ack and leave; GET
// /peer/v1/follow?after=N answers with one Update a line for as long as the
// connection lasts. Registrar is the server's side, Remote the client's.
//
// # Use
//
// NewNode, Serve for each service, Join, then Run beside Server; calls are made
// by As("shop").Client("bank"), under URL("bank"). Services get all of this from
// platform/app and see an Identity and Routes only.
package peer
