package session_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
)

var errOnPurpose = errors.New("on purpose")

// story is what was recorded: who, from where, what, and to which.
func (w *world) story() (lines []string) {
	for _, e := range w.entries {
		lines = append(lines, strings.TrimSpace(strings.Join([]string{e.by.Actor, e.by.Name, e.by.From, e.action, e.subject}, "|")))
	}
	return lines
}

func (w *world) wants(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.story()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryChangeIsRecorded(t *testing.T) {
	w := setup(t)
	token, secret := w.issue(t, session.Token, time.Hour)
	link, text := w.issue(t, session.Link, session.LinkLife)
	browser, cookie, err := w.b.Redeem(t.Context(), "192.0.2.7", "", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.b.Redeem(t.Context(), "192.0.2.8", "", text); !errors.Is(err, session.ErrLinkSpent) {
		t.Fatalf("twice: %v", err)
	}
	p, _ := w.b.Identify(session.Browser, "", cookie)
	if err := w.b.Leave(t.Context(), p, "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	if err := w.b.Leave(t.Context(), p, "192.0.2.7"); !errors.Is(err, session.ErrNoCredential) {
		t.Fatalf("left twice: %v", err)
	}
	if err := w.b.EndAll(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if err := w.b.EndAll(t.Context(), root); err != nil {
		t.Fatalf("nothing to end: %v", err)
	}
	w.wants(t, "local:root||local|break_glass.created|"+token.ID, "local:root||local|break_glass.created|"+link.ID,
		"break-glass:"+browser.ID+"|test|192.0.2.7|break_glass.entered|"+browser.ID, "||192.0.2.8|break_glass.refused|link",
		"break-glass:"+browser.ID+"|test|192.0.2.7|break_glass.left|"+browser.ID, "local:root||local|break_glass.ended|"+token.ID)
	want := map[string]any{"kind": session.Browser, "name": "test", "expires": browser.Expires.Format(time.RFC3339), "link": link.ID}
	if diff := cmp.Diff(want, w.entries[2].detail); diff != "" {
		t.Error(diff)
	}
	for _, e := range w.entries {
		for _, s := range []string{secret, text, cookie} {
			if line := cmp.Diff(nil, e.detail) + e.subject; strings.Contains(line, strings.TrimPrefix(s, "ghb_")) {
				t.Errorf("a secret is in %s", line)
			}
		}
	}
}

func TestWhatCannotBeRecordedOpensNothing(t *testing.T) {
	w := setup(t)
	link, text := w.issue(t, session.Link, session.LinkLife)
	w.refuse = errOnPurpose
	if _, secret, err := w.b.Issue(t.Context(), root, session.Token, "x", time.Hour); !errors.Is(err, errOnPurpose) || secret != "" {
		t.Errorf("a token: %q, %v", secret, err)
	}
	if _, secret, err := w.b.Redeem(t.Context(), "192.0.2.7", "", text); !errors.Is(err, errOnPurpose) || secret != "" {
		t.Errorf("entered: %q, %v", secret, err)
	}
	for range 2 { // in memory, then in the file
		if list := w.b.List(); len(list) != 1 || list[0].ID != link.ID {
			t.Errorf("what lives: %+v", list)
		}
		w.open(t)
	}
	w.refuse = nil
	if _, _, err := w.b.Redeem(t.Context(), "192.0.2.7", "", text); err != nil {
		t.Errorf("the link afterwards: %v", err)
	}
}

func TestAnEndThatCannotBeRecordedIsAnEnd(t *testing.T) {
	w := setup(t)
	c, token := w.issue(t, session.Token, time.Hour)
	second, _ := w.issue(t, session.Token, time.Hour)
	third, _ := w.issue(t, session.Token, time.Hour)
	w.refuse = errOnPurpose
	if err := w.b.End(t.Context(), root, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.b.Identify(session.Token, "", token); ok {
		t.Error("the token works")
	}
	w.tried = 0
	if err := w.b.EndAll(t.Context(), root); err != nil || len(w.b.List()) != 0 {
		t.Fatalf("end all: %v, %v", err, w.b.List())
	}
	if w.tried != 1 {
		t.Errorf("a log that is away is tried %d times", w.tried)
	}
	for _, want := range []string{"not recorded", c.ID, second.ID, third.ID, "local:root", "on purpose"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log does not say %s: %s", want, &w.log)
		}
	}
}

// Anybody may be refused: that must not fill the disk of the audit log.
func TestRefusalsAreRecordedWithinBounds(t *testing.T) {
	w := setup(t)
	try := func(n int, link string) {
		for range n {
			if _, _, err := w.b.Redeem(t.Context(), "192.0.2.8", "", link); !errors.Is(err, session.ErrLinkSpent) {
				t.Fatal(err)
			}
		}
	}
	try(10, "") // no link, no attempt
	if len(w.entries) != 0 {
		t.Errorf("%d entries of nothing", len(w.entries))
	}
	try(1000, "ghb_x")
	if len(w.entries) != 60 {
		t.Errorf("%d refusals at once are recorded", len(w.entries))
	}
	w.time = w.time.Add(10 * time.Minute)
	try(1000, "ghb_x")
	if len(w.entries) != 70 {
		t.Errorf("after ten minutes it is %d", len(w.entries))
	}
	if e := w.entries[0]; e.detail["code"] != "link_spent" || e.detail["why"] != session.ErrLinkSpent.Detail || e.by != (audit.Caller{From: "192.0.2.8"}) {
		t.Errorf("the entry: %+v", e)
	}
}

func TestCallerIsNamed(t *testing.T) {
	for _, c := range []struct {
		p    session.Principal
		want audit.Caller
	}{
		{session.Principal{ID: "break-glass:bgc_1", Name: "nightly"}, audit.Caller{Actor: "break-glass:bgc_1", Name: "nightly", From: "192.0.2.7"}},
		{session.Principal{ID: "local:root", Name: "root"}, audit.Caller{Actor: "local:root", From: "192.0.2.7"}},
		{session.Principal{}, audit.Caller{From: "192.0.2.7"}},
	} {
		for _, address := range []string{"192.0.2.7", "192.0.2.7:4711"} {
			if got := session.Caller(session.With(t.Context(), c.p), address); got != c.want {
				t.Errorf("%+v from %s: %+v", c.p, address, got)
			}
		}
	}
}

func TestAFullDiskMakesNothingAndEndsEverything(t *testing.T) {
	guildtest.OnSmallDisk(t, 64<<10, func(t *testing.T, dir string) {
		w := &world{path: filepath.Join(dir, "admin.json"), time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		w.open(t)
		first, token := w.issue(t, session.Token, time.Hour)
		w.issue(t, session.Link, time.Hour)
		ballast, err := os.Create(filepath.Join(dir, "ballast"))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = ballast.Write(make([]byte, 4096))
		}
		if err := ballast.Close(); err != nil {
			t.Fatal(err)
		}
		_, secret, err := w.b.Issue(t.Context(), root, session.Token, "x", time.Hour)
		if got := fault.As(err); got.Code != "disk_full" || got.Kind.Status() != http.StatusServiceUnavailable || !strings.Contains(got.Detail, w.path) || secret != "" {
			t.Errorf("a token on a full disk: %q, %v", secret, err)
		}
		if err := w.b.End(t.Context(), root, first.ID); err != nil {
			t.Fatalf("end: %v", err)
		}
		for range 2 { // in memory, then in the file
			if _, ok := w.b.Identify(session.Token, "", token); ok || len(w.b.List()) != 1 {
				t.Errorf("the token lives: %+v", w.b.List())
			}
			w.open(t)
		}
		if err := w.b.EndAll(t.Context(), root); err != nil {
			t.Fatalf("end all: %v", err)
		}
		if w.open(t); len(w.b.List()) != 0 {
			t.Errorf("what lives: %+v", w.b.List())
		}
	})
}
