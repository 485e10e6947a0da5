// Package transport opens the requests of clients and signs and seals the answers, by
// package sealed of the sdk, with keys that it makes for each product and replaces in
// time.
//
// A product has one root key, for ever: vendors build its public half into their
// programs, and it signs the configuration that lists the other public keys. Answers
// are signed by an answer key, of which the next stands in the configuration before it
// signs. Requests are sealed under a shared key (psk) or to a public one (hpke); each is
// followed by another after a week and opens requests for two weeks more, in which a
// client that has it is told the next. What is over is deleted: what it sealed opens
// for nobody any more.
//
// The shared key in a kit (kind kit) is none of these: it is good until somebody ends it,
// because the program that it is built into may be started after years. It opens the first
// requests of an installation, until an answer has told the key of the week.
//
// Private halves are sealed at rest. A node keeps the keys in memory and reads them
// again every ten seconds, and within a second when a key is named that it does not
// know.
package transport
