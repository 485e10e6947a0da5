// Package obs is how the process is seen from outside: its log, its metrics
// and the trace that a request carries from service to service.
//
// The log keeps secrets out by four nets, each for what the others miss: an
// attribute whose name says secret ("password", "session_token") loses its
// value; a config.Secret masks itself wherever it is buried; values that know
// how to be logged (slog.LogValuer) are asked; and texts, messages and errors
// included, lose passwords in addresses, credentials after "Bearer", private
// keys in PEM and "token=..." pairs. Bytes are logged as their number. The nets
// are no licence: do not log secrets.
//
// Names are compared by words, and the word "key" at the end of a name means a
// secret: log a public key as "public_key", a lookup key under
// what it is ("name", "serial").
package obs
