package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// picks chooses what a list of the form calls so.
func (p person) picks(field, label string) {
	p.t.Helper()
	list := `document.querySelector(` + quote(`main select[name="`+field+`"]`) + `)`
	option := `[...` + list + `.options].find(o => o.text.trim() === ` + quote(label) + `)`
	p.sees(option)
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](list+`.value = `+option+`.value`))
}

// downloads clicks what sends a file, and is where the file is once it is whole.
func (p person) downloads(selector string) (file string) {
	p.t.Helper()
	dir := p.t.TempDir()
	if _, err := chromedp.Call(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
		p.t.Fatal(err)
	}
	p.clicks(selector)
	await(p.t, "a file", func() bool {
		entries, err := os.ReadDir(dir)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".crdownload") && !strings.HasPrefix(e.Name(), ".") {
				file = filepath.Join(dir, e.Name())
			}
		}
		return file != ""
	})
	return file
}

// TestFromThePolicyToTheRevokedCard is the life of a card: a vendor makes it in the browser,
// the example program is licensed by it, another installation is not, and it ends.
func TestFromThePolicyToTheRevokedCard(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	license := s.service("license")
	must(t, "license", "product", "add", "--data", s.data, "materials", "Materials")
	must(t, "license", "release", "add", "--data", s.data, "materials", "1.0")
	home := packed(t, s)
	p := person{typist{t, enter(t, s)}, s, nil}
	still(t, p.ctx, 1600)

	visit(t, p.ctx, license+"/policies/new")
	p.picks("product", "Materials")
	p.types("name", "A month")
	p.types("time.days", "30")
	p.clicks(`main form button[type="submit"]:not([name])`)
	p.opens("/policies/pol_")

	visit(t, p.ctx, license+"/batches/new")
	p.picks("policy", "Materials – A month")
	p.types("count", "3")
	p.sends()
	p.opens("/batches/bat_")
	batch := p.values(`[location.pathname.split("/").pop()]`)[0]
	exported := rows(t, p.downloads(`button[name="format"][value="csv"]`))
	p.reads("They were exported already")
	if len(exported) != 4 {
		t.Fatalf("the export has %d rows for 3 cards: %q", len(exported), exported[0])
	}
	key := exported[1][slices.Index(exported[0], "key")]

	says(t, home, 0, "activated good until", "activate", key)
	says(t, home, 0, "12.5 cm3 of copper weigh 112.00 g", "mass", "copper", "12.5")
	visit(t, p.ctx, license+"/cards?batch="+batch+"&state=active")
	p.clicks(`main table a[href^="/cards/crd_"]`)
	p.reads("First used")

	other := t.TempDir()
	for _, name := range []string{"kit.json", "materials.dat"} {
		if err := os.WriteFile(filepath.Join(other, name), held(t, filepath.Join(home, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says(t, other, 1, "(device_mismatch)", "activate", key)
	do(t, p.ctx, chromedp.Reload())
	p.reads("Another machine was refused")

	p.clicks(`[data-dialog="revoke"]`)
	p.clicks(`#revoke form [type="submit"]`)
	p.reads("Revoked")
	says(t, home, 1, "(card_revoked)", "mass", "copper", "12.5")
	says(t, home, 1, "is not good", "--no-network", "mass", "copper", "12.5")
}

// packed is an installation of the Python example, which a vendor packed.
func packed(t *testing.T, s *server) (home string) {
	t.Helper()
	home = t.TempDir()
	at := func(name string) string { return filepath.Join(home, name) }
	var releases []struct {
		Keys []struct{ ID string } `json:"handshake_keys"`
	}
	if err := json.Unmarshal([]byte(must(t, "license", "release", "list", "--data", s.data, "materials", "--json")), &releases); err != nil {
		t.Fatal(err)
	}
	must(t, "license", "kit", "--data", s.data, "materials", "--out", at("kit.json"))
	must(t, "license", "release", "key", "--data", s.data, "materials", "1.0", "--out", at("handshake.key"))
	runs(t, 0, "pack.py", at("handshake.key"), releases[0].Keys[0].ID, "../examples/materials.csv", at("materials.dat"))
	return home
}

// says runs the program, which must end so and say that.
func says(t *testing.T, home string, code int, want string, args ...string) {
	t.Helper()
	if said := runs(t, code, "materials.py", append([]string{"--home", home}, args...)...); !strings.Contains(said, want) {
		t.Fatalf("%q says %q and not %q", args, said, want)
	}
}

// runs runs a script of the Python example.
func runs(t *testing.T, code int, script string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"-B", "../examples/licensed-app-python/" + script}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../sdk/python")
	said, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s %q ends with %d: %v\n%s", script, args, got, err, said)
	}
	return string(said)
}
