package offline_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"guildhall/sdk/go/license/offline"
)

func installKey(t testing.TB) *offline.InstallKey {
	t.Helper()
	key, err := offline.LoadInstallKey(filepath.Join(t.TempDir(), "install.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verify(t testing.TB, c offline.Claims, o offline.Options) *offline.Licence {
	t.Helper()
	l, err := offline.Verify(issue(t, c, "new"), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSecretOpensOnItsNodeAlone(t *testing.T) {
	t.Parallel()
	c := claims()
	keys := map[string]*offline.InstallKey{}
	for _, n := range c.Deployment.Nodes {
		keys[n.Name] = installKey(t)
		if err := c.SealTo(n.Name, keys[n.Name].Public(), []byte("unpack "+n.Name)); err != nil {
			t.Fatal(err)
		}
	}
	if text := issue(t, c, "new"); strings.Contains(text, "unpack") {
		t.Error("the secret can be read")
	}
	l := verify(t, c, options())
	for name, key := range keys {
		secret, err := l.Secret(key)
		if own := name == l.Node; own && string(secret) != "unpack node-2" || !own && (secret != nil || offline.CodeOf(err) != offline.SecretClosed) {
			t.Errorf("%s: %q, %v", name, secret, err)
		}
	}
	for name, change := range map[string]func(*offline.Claims){
		"another licence": func(c *offline.Claims) { c.LicenseID = "lic_2" },
		"another node": func(c *offline.Claims) {
			c.Sealed[0], c.Sealed[1] = c.Sealed[1], c.Sealed[0]
			c.Sealed[0].Node, c.Sealed[1].Node = "node-1", "node-2"
		},
		"cut":     func(c *offline.Claims) { c.Sealed[1].Data = c.Sealed[1].Data[:40] },
		"garbled": func(c *offline.Claims) { c.Sealed[1].Data = "AA" + c.Sealed[1].Data[2:] },
	} {
		moved := c
		moved.Sealed = append([]offline.Sealed{}, c.Sealed...)
		change(&moved)
		if secret, err := verify(t, moved, options()).Secret(keys["node-2"]); secret != nil || offline.CodeOf(err) != offline.SecretClosed {
			t.Errorf("%s: %q, %v", name, secret, err)
		}
	}
	if _, err := verify(t, claims(), options()).Secret(keys["node-2"]); offline.CodeOf(err) != offline.SecretMissing {
		t.Errorf("without part: %v", err)
	}
}

func TestSecretByCode(t *testing.T) {
	t.Parallel()
	c := claims()
	code, err := c.SealToCode([]byte("unpack"))
	if err != nil || !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) {
		t.Fatalf("%q, %v", code, err)
	}
	l := verify(t, c, options())
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " – ") + "\n", strings.NewReplacer("0", "o", "1", "l").Replace(code)} {
		if secret, err := l.SecretByCode(typed); err != nil || string(secret) != "unpack" {
			t.Errorf("%q: %q, %v", typed, secret, err)
		}
	}
	other := claims()
	otherCode, err := other.SealToCode([]byte("other"))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(l *offline.Licence, code string, want offline.Code) {
		t.Helper()
		if secret, err := l.SecretByCode(code); secret != nil || offline.CodeOf(err) != want {
			t.Errorf("%q: %q, %v", code, secret, err)
		}
	}
	refused(l, otherCode, offline.SecretClosed)
	refused(verify(t, claims(), options()), code, offline.SecretMissing)
	for _, typo := range []string{"", code[1:], code + "0", "*" + code[1:], "é" + code[2:], strings.Repeat("0", 1000)} {
		refused(l, typo, offline.CodeTypo)
	}
	c.LicenseID = "lic_2"
	refused(verify(t, c, options()), code, offline.SecretClosed)
}

// A wrong character is found at once, but for one in thousands.
func TestMistypedCodes(t *testing.T) {
	t.Parallel()
	c := claims()
	code, err := c.SealToCode([]byte("unpack"))
	if err != nil {
		t.Fatal(err)
	}
	l := verify(t, c, options())
	tried, passed := 0, 0
	for i := range code {
		for _, r := range "0123456789ABCDEFGHJKMNPQRSTVWXYZ" {
			if code[i] == '-' || byte(r) == code[i] {
				continue
			}
			tried++
			_, err := l.SecretByCode(code[:i] + string(r) + code[i+1:])
			switch offline.CodeOf(err) {
			case offline.CodeTypo:
			case offline.SecretClosed:
				passed++
			default:
				t.Fatalf("a mistyped code: %v", err)
			}
		}
	}
	if tried != 28*31 || passed > 12 { // 0.2 are expected
		t.Errorf("of %d mistyped codes %d were not noticed", tried, passed)
	}
}

func TestWhatCannotBeSealed(t *testing.T) {
	t.Parallel()
	key := installKey(t).Public()
	for name, c := range map[string]struct {
		claims      offline.Claims
		public, say string
		secret      int
	}{
		"no id":        {offline.Claims{Product: "meter"}, key, "id and product", 1},
		"no product":   {offline.Claims{LicenseID: "lic_1"}, key, "id and product", 1},
		"no secret":    {claims(), key, "0 bytes", 0},
		"a long one":   {claims(), key, "4097 bytes", 4097},
		"no key":       {claims(), "", "X25519", 1},
		"a short key":  {claims(), key[:40], "X25519", 1},
		"no base64url": {claims(), "*" + key[1:], "X25519", 1},
	} {
		if err := c.claims.SealTo("node-1", c.public, make([]byte, c.secret)); err == nil || !strings.Contains(err.Error(), c.say) || len(c.claims.Sealed) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInstallKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "install.key")
	publics := make([]string, 8)
	var wg sync.WaitGroup
	for i := range publics {
		wg.Go(func() {
			if key, err := offline.LoadInstallKey(path); err == nil {
				publics[i] = key.Public()
			}
		})
	}
	wg.Wait()
	for _, p := range publics {
		if p == "" || p != publics[0] {
			t.Fatalf("several keys: %q", publics)
		}
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

func TestInstallKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "install.key")
	for text, says := range map[string]string{
		"":                           "does not hold",
		"guildhall-install-key:":     "0 bytes instead of 32",
		"guildhall-install-key:AAAA": "3 bytes instead of 32",
		"guildhall-install-key:*":    "does not hold",
		string(bytes.Repeat([]byte("guildhall-install-key:"), 100)): "does not hold",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := offline.LoadInstallKey(path); key != nil || offline.CodeOf(err) != offline.KeyFile || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := offline.LoadInstallKey(path); offline.CodeOf(err) != offline.KeyFile || !strings.Contains(err.Error(), "chmod 600 "+path) {
		t.Errorf("readable by others: %v", err)
	}
	if _, err := offline.LoadInstallKey(filepath.Join(path, "below", "a", "file")); err == nil || offline.CodeOf(err) != "" {
		t.Errorf("nowhere: %v", err)
	}
}
