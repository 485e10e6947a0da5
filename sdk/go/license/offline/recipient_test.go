package offline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

func TestRecipientsAreNamedWithoutWhatTheyGet(t *testing.T) {
	t.Parallel()
	c := claims()
	key := installKey(t)
	digest, _ := fingerprint.Digest(c.Product, fingerprint.InstallKey, key.Public())
	c.Deployment.Nodes[0].Components.Add(fingerprint.InstallKey, digest)
	node := c.Deployment.Nodes[0].Name
	if err := c.SealTo(node, key.Public(), []byte("very secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SealToCode([]byte("very secret")); err != nil {
		t.Fatal(err)
	}
	got := c.Recipients()
	if len(got) != 2 || got[0] != (offline.Recipient{Node: node, Key: digest[:16]}) || got[1] != (offline.Recipient{Code: true}) {
		t.Errorf("%+v", got)
	}
	u, err := offline.Inspect(issue(t, c, "new"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{digest[:16], "under a code"} {
		if !strings.Contains(u.String(), want) {
			t.Errorf("%q is not in\n%s", want, u)
		}
	}
	if strings.Contains(u.String(), c.Sealed[0].Data) {
		t.Error("what is sealed is shown")
	}
}

// Whoever mixes up files is told which one it is.
func TestAnotherFileIsNamed(t *testing.T) {
	t.Parallel()
	licence := issue(t, claims(), "new")
	for text, want := range map[string]string{
		"guildhall-install-key:" + strings.Repeat("A", 43): "secret of one machine",
		"-----BEGIN PRIVATE KEY-----\nAA\n":                "private key",
		licence:                                            "a licence",
		armour(t, licence):                                 "a licence",
		`{"v":1,"nonce":"AA"}`:                             "a request",
		`{"version":1,"server":"a.de"}`:                    "no file of public keys",
	} {
		if _, err := offline.ParseKeySet([]byte(text)); offline.CodeOf(err) != offline.KeyFile || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
	set, err := offline.NewKeySet("meter", public("new")).Text()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, set, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := offline.LoadInstallKey(path); offline.CodeOf(err) != offline.KeyFile || !strings.Contains(err.Error(), "public keys") {
		t.Errorf("public keys for an install key: %v", err)
	}
	if _, _, err := offline.Check(t.Context(), licence, offline.CheckOptions{}); offline.CodeOf(err) != offline.NotSaid {
		t.Errorf("without keys: %v", err)
	}
	for text, want := range map[string]string{`{"v":1,"keys":[]}`: "public keys", "guildhall-install-key:AA": "secret of one machine"} {
		if _, err := offline.Inspect(text); offline.CodeOf(err) != offline.Malformed || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
