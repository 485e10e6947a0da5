package offline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
	"guildhall/sdk/go/license/offline/clock"
)

// site is a machine with an install key and a licence for it.
type site struct {
	folder, text string
	now          time.Time
	options      offline.CheckOptions
}

func openSite(t *testing.T) *site {
	t.Helper()
	s := &site{folder: t.TempDir(), now: issued.Add(time.Hour)}
	path := filepath.Join(s.folder, "install.key")
	key, err := offline.LoadInstallKey(path)
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := fingerprint.Digest("meter", fingerprint.InstallKey, key.Public())
	components := fingerprint.Components{fingerprint.InstallKey: digest}
	c := claims()
	c.Deployment = offline.Deployment{Nodes: []offline.Node{{Name: "plant", Components: components}}}
	c.Restrictions = offline.Restrictions{}
	if err := c.SealTo("plant", key.Public(), []byte("unpack")); err != nil {
		t.Fatal(err)
	}
	s.text = issue(t, c, "new")
	s.options = offline.CheckOptions{
		Keys: offline.NewKeySet("meter", public("old"), public("new")), Version: "2.4", InstallKey: path, Components: components,
		Clock: clock.Options{Files: [2]string{filepath.Join(s.folder, "a"), filepath.Join(s.folder, "b")}, Secret: []byte("a constant of the program"),
			Now: func() time.Time { return s.now }, Boot: func() (string, time.Duration) { return "", 0 }},
	}
	return s
}

func TestCheckIsTheWholeQuestion(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	standing, reading, err := offline.Check(t.Context(), s.text, s.options)
	if err != nil || reading.Level != clock.OK || standing.Node != "plant" || !standing.Has("export") {
		t.Fatalf("%+v, %+v, %v", standing, reading, err)
	}
	if secret, err := standing.Secret(); err != nil || string(secret) != "unpack" {
		t.Errorf("the confidential part is %q, %v", secret, err)
	}
	s.now = expires
	if _, err := standing.Again(clock.Evidence{}); offline.CodeOf(err) != offline.Expired {
		t.Errorf("after its end: %v", err)
	}
	standing.Close()

	s.now = issued.Add(time.Hour) // set back by a year: the mark stays where it was
	if _, reading, err := offline.Check(t.Context(), s.text, s.options); offline.CodeOf(err) != offline.Expired || reading.Code != "clock_back" {
		t.Errorf("with the clock set back: %+v, %v", reading, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for code, differs := range map[offline.Code]func(*site){
		offline.KeyUnknown:      func(s *site) { s.options.Keys = offline.NewKeySet("meter", public("thief")) },
		offline.ModuleMissing:   func(s *site) { s.options.Module = "none" },
		offline.MachineOther:    func(s *site) { s.options.Components = parts("z") },
		offline.StateUnwritable: func(s *site) { s.options.Clock.Files = [2]string{"/proc/none/a", "/proc/none/b"} },
		offline.ClockBack: func(s *site) {
			s.now = issued.AddDate(0, 0, -30)
			s.options.Clock.Grace, s.options.Clock.Warn = 1, 1
		},
		offline.KeyFile: func(s *site) {
			if err := os.Chmod(s.options.InstallKey, 0o644); err != nil {
				panic(err)
			}
		},
	} {
		s := openSite(t)
		differs(s)
		if standing, _, err := offline.Check(t.Context(), s.text, s.options); standing != nil || offline.CodeOf(err) != code {
			t.Errorf("%s: %+v, %v", code, standing, err)
		}
	}
	s := openSite(t)
	s.options.InstallKey = ""
	standing, _, err := offline.Check(t.Context(), s.text, s.options)
	if err != nil {
		t.Fatal(err)
	}
	defer standing.Close()
	if _, err := standing.Secret(); offline.CodeOf(err) != offline.SecretMissing {
		t.Errorf("without an install key: %v", err)
	}
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	set := offline.NewKeySet("meter", public("new"), public("old"))
	text, err := set.Text()
	if err != nil {
		t.Fatal(err)
	}
	read, err := offline.ParseKeySet(text)
	if err != nil || read.Product != "meter" || len(read.Trusted()) != 2 || !read.Trusted()[1].Equal(public("old")) {
		t.Errorf("%+v, %v", read, err)
	}
	good := string(text)
	for _, bad := range []string{"", "[]", `{"v":2,"product":"meter","keys":[]}`, `{"v":1,"product":"meter","keys":[]}`, good + good,
		strings.Replace(good, set.Keys[0].ID, set.Keys[1].ID, 1), strings.Replace(good, set.Keys[0].Public[:4], "____", 1), strings.Replace(good, "meter", "", 1)} {
		if read, err := offline.ParseKeySet([]byte(bad)); read != nil || offline.CodeOf(err) != offline.KeyFile {
			t.Errorf("%.60q: %+v, %v", bad, read, err)
		}
	}
}
