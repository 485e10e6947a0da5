package offline_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
	"guildhall/sdk/go/license/offline/clock"
)

// The whole way: a machine asks, the vendor issues, the machine opens its part; a year
// later it is over, and the clock cannot be set back.
func Example() {
	folder, err := os.MkdirTemp("", "meter")
	must(err)
	defer os.RemoveAll(folder)

	// The customer's machine.
	key, err := offline.LoadInstallKey(filepath.Join(folder, "install.key"))
	must(err)
	components := fingerprint.Components{}
	digest, _ := fingerprint.Digest("meter", fingerprint.InstallKey, key.Public())
	components.Add(fingerprint.InstallKey, digest)
	request := offline.NewRequest("meter", issued, offline.RequestNode{Name: "plant", PublicKey: key.Public(), Components: components})
	request.Company, request.Contact, request.Modules = "Żuraw", "anna@zuraw.example", []string{"export"}

	// The vendor.
	fmt.Println("problems:", request.Check())
	claims := request.Claims()
	claims.LicenseID, claims.IssuedAt, claims.ExpiresAt = "lic_1", issued, issued.AddDate(1, 0, 0)
	must(claims.SealTo("plant", request.Nodes[0].PublicKey, []byte("the unpack key")))
	text, err := offline.Issue(claims, issuer("new"))
	must(err)

	// The customer's machine again.
	o := offline.Options{Keys: []ed25519.PublicKey{public("new")}, Product: "meter", Module: "export", Components: components}
	genuine, err := offline.Genuine(text, o)
	must(err)
	now := issued.Add(time.Hour)
	guard, err := clock.Open(clock.Options{
		Files:  [2]string{filepath.Join(folder, "data.t"), filepath.Join(folder, "config.t")},
		Secret: []byte("a constant of the program"), Product: "meter", IssuedAt: genuine.IssuedAt,
		Now: func() time.Time { return now },
	})
	must(err)
	defer guard.Close()
	o.Now = guard.Check(clock.Evidence{}).Time
	licence, err := offline.Verify(text, o)
	must(err)
	secret, err := licence.Secret(key)
	fmt.Printf("%s opens %q, %v\n", licence.Node, secret, err)

	now = issued.AddDate(1, 0, 1)
	guard.Check(clock.Evidence{})
	now = issued.AddDate(0, 1, 0)
	reading := guard.Check(clock.Evidence{})
	o.Now = reading.Time
	_, err = offline.Verify(text, o)
	fmt.Println(reading.Level, reading.Code)
	fmt.Println(offline.CodeOf(err), err)
	// Output:
	// problems: []
	// plant opens "the unpack key", <nil>
	// warned clock_back
	// expired The licence expired on 2032-03-04 05:06 UTC.
}

// One call at the start, and Again every minute: the licence, the machine and the clock.
func ExampleCheck() {
	folder, err := os.MkdirTemp("", "meter")
	must(err)
	defer os.RemoveAll(folder)
	installKey := filepath.Join(folder, "install.key")
	key, err := offline.LoadInstallKey(installKey)
	must(err)
	digest, _ := fingerprint.Digest("meter", fingerprint.InstallKey, key.Public())
	machine := fingerprint.Components{fingerprint.InstallKey: digest}

	// The vendor issues a licence of a month for this machine.
	c := claims()
	c.IssuedAt, c.ExpiresAt, c.Restrictions = issued, issued.AddDate(0, 1, 0), offline.Restrictions{}
	c.Deployment = offline.Deployment{Nodes: []offline.Node{{Name: "plant", Components: machine}}}
	must(c.SealTo("plant", key.Public(), []byte("the unpack key")))
	text, err := offline.Issue(c, issuer("new"))
	must(err)

	// The program. A real one leaves out Components and Now: the machine is asked.
	now := issued.Add(time.Hour)
	standing, reading, err := offline.Check(context.Background(), text, offline.CheckOptions{
		Keys: offline.NewKeySet("meter", public("new")), Version: "2.4", InstallKey: installKey, Components: machine,
		Clock: clock.Options{
			Files:  [2]string{filepath.Join(folder, "data.t"), filepath.Join(folder, "config.t")},
			Secret: []byte("a constant of the program"),
			Now:    func() time.Time { return now },
		},
	})
	must(err)
	defer standing.Close()
	secret, err := standing.Secret()
	fmt.Printf("%s, %s: %q, %v\n", standing.Node, reading.Level, secret, err)

	now = issued.AddDate(0, 0, 20)
	_, err = standing.Again(clock.Evidence{})
	must(err)
	now = issued.AddDate(0, 0, 2) // set back: it runs, and the operator is told
	reading, err = standing.Again(clock.Evidence{})
	fmt.Println(reading.Level, reading.Code, err)
	now = issued.AddDate(0, 1, 0)
	_, err = standing.Again(clock.Evidence{})
	fmt.Println(offline.CodeOf(err), err)
	// Output:
	// plant, ok: "the unpack key", <nil>
	// warned clock_back <nil>
	// expired The licence expired on 2031-04-04 05:06 UTC.
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
