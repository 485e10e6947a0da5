// Package offline is the offline licence: one text that a vendor signs and a program
// verifies on a machine without network. docs/formats/offline-licence.md has every
// byte of it, docs/guides/offline-threats.md what it stops and what it cannot. It uses
// the standard library alone.
//
// On the customer's machine, with package clock for the time:
//
//	o := offline.Options{Keys: keys, Product: "meter", Version: "2.4.1", Components: components}
//	genuine, err := offline.Genuine(text, o)
//	guard, err := clock.Open(clock.Options{IssuedAt: genuine.IssuedAt, ...})
//	o.Now = guard.Check(clock.Evidence{}).Time
//	licence, err := offline.Verify(text, o)
//	key, err := offline.LoadInstallKey("/var/lib/meter/install.key") // made when it is not there
//	secret, err := licence.Secret(key)
//
// At the vendor's:
//
//	claims := offline.Claims{LicenseID: "lic_1", Product: "meter", ...}
//	err := claims.SealTo("node-1", public, unpackKey)
//	text, err := offline.Issue(claims, private)
//
// What is refused is an *Error: its Code is stable, its text is for the operator.
package offline
