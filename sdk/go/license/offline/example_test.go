package offline_test

import (
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

func must(err error) {
	if err != nil {
		panic(err)
	}
}
