// Package license is what programs and guildhall's service license say to each other:
// the messages, and a client that sends them. Package sealed carries them, fingerprint
// tells machines apart, offline verifies licences without a server. It uses the standard
// library alone.
//
// A program that is licensed:
//
//	kit, err := license.ParseKit(embedded) // what the server exported
//	client, err := license.Open(license.Options{Kit: kit, Dir: dir, Version: "2.1", Components: components, Trouble: log})
//	_, err = client.Activate(ctx, card)       // once; the card is kept
//	standing, err := client.Validate(ctx)     // may the program run, and how?
//	key, _, err := client.OpenKey(ctx, keyID) // decrypts the product's core data, beside which the id stands
//	go client.Run(ctx)                        // heartbeats
//
// While the server cannot be reached its last answer counts: it was kept with its
// signature, which is verified anew each time, and is good on the same machine until the
// lease in it ends. A refusal ends it at once. The state is a file that only its owner
// reads; it is as safe as that: whoever can read it has the installation's keys, and whoever
// can write it can put back a copy that is older than a refusal, for what is left of the
// lease. Package offline/clock holds more against a clock that is set back.
//
// Errors are those of this package, told apart by errors.Is: ErrRefused (a *RefusedError
// with a code), ErrUnreachable (perhaps a *TryLaterError), ErrAnswer, ErrState,
// ErrFile and ErrKit. None of them ends the
// program: what it does without a licence is its own decision.
package license
