// Package sealed carries the messages of the service license between a client
// and the server, in three modes that carry the same bytes: https (JSON in the
// open, inside TLS), psk (sealed under a key that both sides hold) and hpke
// (sealed to a public key of the server). Both sides use this package; what it
// writes is described byte by byte in docs/formats/license-transport.md, and by
// example in sdk/vectors/license-transport.json.
//
// A client seals a request and opens the one answer to it:
//
//	proof, err := sealed.SignProof(device, params, body)
//	wire, exchange, err := client.SealRequest(params, proof, body)
//	...
//	answer, err := exchange.Open(answerWire, configuration.AnswersAt(now))
//
// The server opens it and seals its answer, which it always signs:
//
//	request, err := sealed.OpenRequest(lookup, params, wire)
//	err = request.VerifyProof(device)
//	answerWire, err := request.Seal(signer, answer)
//
// An answer that does not verify is never returned. Whether a request comes in
// time and for the first time is for the server to judge, by what stands in the
// message and by Request.Salt.
package sealed
