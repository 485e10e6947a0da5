// Package license sells the right to run a program: cards with keys that a customer's
// program shows online.
//
// # Words
//
//	product        what licences are for; its code stands in what clients send
//	release        a version of a product
//	handshake key  decrypts the core data of a release; only a licensed client gets it
//	policy         how long a card is good, how strictly it is bound, what it allows
//	card           the right of one customer; its key has 32 characters
//	batch          cards that were made together, and exported once
//	environment    the customer's machine that a card is bound to, one to one
//	fingerprint    the digests of a machine's components
//	call           what a client asks for: activate, validate, heartbeat, open ...
//	file           what licensed programs download of a release
//	ticket         lets one environment download one file for an hour
//	function       a WebAssembly module of the vendor that a licensed client calls
//	signing key    signs the offline licences of a product
//	licence        an offline one: a signed text, verified without a server
//	mismatch       another machine came with a bound card
//	alarm          something that somebody should look at
//	drift          the machine's hardware or address changed, one of them
//
// # What always holds
//
//   - The key of a card is stored nowhere: its SHA-256 is. The keys of a new batch wait
//     sealed for their export, and are gone a quarter of an hour after it.
//   - A card is bound to one environment: a unique index keeps a second one out.
//   - What a request gets is decided by one pure function (internal/decide); the card,
//     its environment, its time line and the answer are one transaction.
//   - Handshake keys are sealed at rest, and to the client's own key on their way.
//   - The content of a file is in its place before the row that needs it, and for a day
//     after the last one.
//   - What administrators do is in the audit log, which holds no card key and nothing
//     personal; what clients do is on the card's time line.
//
// # Where things are
//
//	internal/cardid     keys of cards: random, with check characters
//	internal/policy     policies as data
//	internal/decide     what a request gets
//	internal/catalogue  products, releases, handshake keys, policies, customers
//	internal/card       batches, export, and what is done to cards
//	internal/file       files of releases, their tickets and their contents
//	internal/portal     invitations, and the accounts of customers
//	internal/call       answers clients
//	internal/alarm      what somebody should look at
//	internal/function   functions on the server: versions and limits
//	internal/sandbox    runs their modules
//	internal/transport  opens requests and signs answers, by keys that it keeps
//	internal/issuer     signing keys, and offline licences from requests
//	internal/journal    the actions in its audit log
//	internal/store      SQL
//	sdk/go/license      the messages; sealed: how they travel; offline: licences without
//	                    a server; fingerprint: machines
package license
