package file_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/file"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/blob"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
)

const here = "198.51.100.7"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World, r store.Release)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		test(t, w, release(t, w, licensetest.Version))
	})
}

func release(t *testing.T, w *licensetest.World, version string) store.Release {
	t.Helper()
	p, err := w.Store.Product(t.Context(), licensetest.Product)
	must(t, err)
	r, err := w.Store.Release(t.Context(), p.ID, version)
	must(t, err)
	return r
}

func always() error { return nil }

func add(t *testing.T, w *licensetest.World, r store.Release, name, content string) store.File {
	t.Helper()
	f, err := w.Files.Add(t.Context(), r, file.Draft{Name: name}, strings.NewReader(content), always, licensetest.By)
	must(t, err)
	return f
}

// code is that of an error, or of its first field.
func code(err error) string {
	if err == nil {
		return ""
	}
	f := fault.As(err)
	if len(f.Fields) > 0 {
		return f.Fields[0].Name + " " + f.Fields[0].Code
	}
	return f.Code
}

func content(t *testing.T, w *licensetest.World, f store.File) string {
	t.Helper()
	r, err := w.Files.Content(t.Context(), f)
	must(t, err)
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

func TestFilesAreKept(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		f, err := w.Files.Add(t.Context(), r, file.Draft{Name: "zażółć.zip", Note: "for testers", MediaType: "application/zip; q=1", SHA256: strings.ToUpper(sum("content"))},
			strings.NewReader("content"), always, licensetest.By)
		must(t, err)
		add(t, w, r, "a.txt", "content")
		all, err := w.Store.Files(t.Context(), r.ID)
		must(t, err)
		if len(all) != 2 || all[0].Name != "a.txt" || all[0].MediaType != file.Unknown || all[1].ID != f.ID || all[1].Size != 7 || all[1].SHA256 != sum("content") ||
			all[1].MediaType != "application/zip" || all[1].Note != "for testers" || all[1].Product != licensetest.Product || all[1].Version != licensetest.Version {
			t.Errorf("the files are %+v", all)
		}
		if got := content(t, w, all[0]); got != "content" {
			t.Errorf("the content is %q", got)
		}
		must(t, w.Files.Remove(t.Context(), r, f.ID, licensetest.By))
		if err := w.Files.Remove(t.Context(), r, f.ID, licensetest.By); code(err) != "file_not_found" {
			t.Errorf("removed again: %v", err)
		}
		add(t, w, r, "zażółć.zip", "another") // the name is free
		if got := w.Actions(t); strings.Join(got[len(got)-4:], " ") != "file.added file.added file.removed file.added" {
			t.Errorf("the log has %v", got)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		add(t, w, r, "taken", "x")
		_, err := w.Catalogue.CreateRelease(t.Context(), licensetest.Product, "2.0", "", licensetest.By)
		must(t, err)
		other := add(t, w, release(t, w, "2.0"), "taken", "x")
		if err := w.Files.Remove(t.Context(), r, other.ID, licensetest.By); code(err) != "file_not_found" {
			t.Errorf("removed from another release: %v", err)
		}
		gone := fault.New(fault.Forbidden, "role_gone", "No more.")
		for _, c := range []struct {
			draft   file.Draft
			content io.Reader
			allowed error
			want    string
		}{
			{file.Draft{}, strings.NewReader("x"), nil, "name required"},
			{file.Draft{Name: "taken"}, strings.NewReader("x"), nil, "name file_exists"},
			{file.Draft{Name: "a/b"}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: `a\b`}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: ".."}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: "a\r\nb"}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: "a\u202eexe.txt"}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: "\xff"}, strings.NewReader("x"), nil, "name file_name"},
			{file.Draft{Name: strings.Repeat("公", 61)}, strings.NewReader("x"), nil, "name too_long"},
			{file.Draft{Name: "a", MediaType: "zip"}, strings.NewReader("x"), nil, "media_type form"},
			{file.Draft{Name: "a", MediaType: "a/b\r\nX: y"}, strings.NewReader("x"), nil, "media_type form"},
			{file.Draft{Name: "a", Note: "\x00"}, strings.NewReader("x"), nil, "note not_text"},
			{file.Draft{Name: "a", SHA256: "abc"}, strings.NewReader("x"), nil, "sha256 form"},
			{file.Draft{Name: "a", SHA256: sum("y")}, strings.NewReader("x"), nil, "sha256 sum_differs"},
			{file.Draft{Name: "a"}, strings.NewReader(strings.Repeat("x", 1<<20+1)), nil, "file_too_large"},
			{file.Draft{Name: "a"}, io.MultiReader(strings.NewReader("x"), errReader{}), nil, "file_broken_off"},
			{file.Draft{Name: "a"}, strings.NewReader("x"), gone, "role_gone"},
		} {
			_, err := w.Files.Add(t.Context(), r, c.draft, c.content, func() error { return c.allowed }, licensetest.By)
			if got := code(err); got != c.want {
				t.Errorf("%+v: %s (%v), want %s", c.draft, got, err, c.want)
			}
		}
		if all, err := w.Store.Files(t.Context(), r.ID); err != nil || len(all) != 1 {
			t.Errorf("the files are %+v, %v", all, err)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("the line is cut") }

func sum(content string) string { return blob.Sum(sha256.Sum256([]byte(content))).String() }

// A content stays for a day after the last file that needs it, and after the last upload
// that wanted it.
func TestContentsThatNobodyNeedsGo(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		ctx := t.Context()
		there := func(content string) bool {
			_, err := w.Files.Content(ctx, store.File{SHA256: sum(content)})
			if err != nil && !errors.Is(err, blob.ErrMissing) {
				t.Fatal(err)
			}
			return err == nil
		}
		one, two := add(t, w, r, "one", "shared"), add(t, w, r, "two", "shared")
		add(t, w, r, "kept", "kept")
		w.Clock.Advance(48 * time.Hour)
		must(t, w.Files.Remove(ctx, r, one.ID, licensetest.By))
		w.Clock.Advance(48 * time.Hour)
		must(t, w.Files.Clean(ctx))
		if !there("shared") {
			t.Fatal("a content that a file needs is gone")
		}
		must(t, w.Files.Remove(ctx, r, two.ID, licensetest.By))
		w.Clock.Advance(23 * time.Hour)
		must(t, w.Files.Clean(ctx))
		if !there("shared") {
			t.Fatal("a content is gone before a day has passed")
		}
		w.Clock.Advance(2 * time.Hour)
		// An upload of the same content has begun, and waits for its last bytes.
		begun, end := io.Pipe()
		done := make(chan error)
		go func() {
			_, err := w.Files.Add(context.WithoutCancel(ctx), r, file.Draft{Name: "three"}, begun, func() error { return w.Files.Clean(ctx) }, licensetest.By)
			done <- err
		}()
		_, err := io.WriteString(end, "shared")
		must(t, err)
		must(t, end.Close())
		must(t, <-done) // the content went while it came, and is there again
		if !there("shared") || !there("kept") {
			t.Fatal("a content that an upload brought is gone")
		}
	})
}

// What is marked, but not yet gone, is nothing that an upload could rely on.
func TestAnUploadOfWhatIsBeingRemovedWaits(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		f := add(t, w, r, "one", "content")
		must(t, w.Files.Remove(t.Context(), r, f.ID, licensetest.By))
		w.Clock.Advance(48 * time.Hour)
		must(t, w.DB.Group(t.Context(), func(tx *sql.Tx) error { // a process ends between marking and removing
			return w.Store.CondemnContents(t.Context(), tx, w.Clock.Now(), w.Clock.Now())
		}))
		if _, err := w.Files.Add(t.Context(), r, file.Draft{Name: "two"}, strings.NewReader("content"), always, licensetest.By); !errors.Is(err, file.ErrRemoving) {
			t.Errorf("an upload meanwhile: %v", err)
		}
		must(t, w.Files.Clean(t.Context()))
		add(t, w, r, "two", "content")
	})
}

func TestContentsWithoutARowGo(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		drafts, err := blob.OpenDrafts(t.TempDir())
		must(t, err)
		d, err := drafts.Receive(t.Context(), strings.NewReader("left by a restore"), 100)
		must(t, err)
		must(t, w.Blobs.Put(t.Context(), d))
		f := add(t, w, r, "one", "content")
		for _, wait := range []time.Duration{0, 25 * time.Hour} {
			w.Clock.Advance(wait)
			if _, err := w.Blobs.Open(t.Context(), d.Sum); err != nil {
				t.Fatalf("it is gone after %s: %v", wait, err)
			}
			must(t, w.Files.Adopt(t.Context()))
			must(t, w.Files.Clean(t.Context()))
		}
		if _, err := w.Blobs.Open(t.Context(), d.Sum); !errors.Is(err, blob.ErrMissing) {
			t.Errorf("it is still there: %v", err)
		}
		if got := content(t, w, f); got != "content" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func TestProgramsListFilesAndRedeemTickets(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		ctx := t.Context()
		w.Clock.Advance(time.Minute)
		_, err := w.Catalogue.CreateRelease(ctx, licensetest.Product, "2.0", "", licensetest.By)
		must(t, err)
		old, b, a := add(t, w, r, "old", "old"), add(t, w, release(t, w, "2.0"), "b", "bb"), add(t, w, release(t, w, "2.0"), "a", "a")
		key := w.CardKey(t, func(p *policy.Policy) { p.Files, p.Time.Days = true, 30 })
		m := w.Machine(t, "mine", here)
		every := func(r *license.Request) { r.Version = "" }
		m.Want(t, "refused files_not_allowed", license.CallFiles, w.CardKey(t, nil))
		answer := m.Want(t, "activated ok", license.CallFiles, key, every)
		if got := answer.Files; len(got) != 3 || answer.FilesMore || got[0].ID != a.ID || got[1].ID != b.ID || got[2].ID != old.ID || got[1].Name != "b" || got[1].Version != "2.0" ||
			got[1].Size != 2 || got[1].SHA256 != sum("bb") || !got[1].TicketUntil.Equal(w.Clock.Now().Add(time.Hour)) {
			t.Fatalf("the files are %+v", got)
		}
		if only := m.Want(t, "ok ok", license.CallFiles, key).Files; len(only) != 1 || only[0].ID != old.ID {
			t.Errorf("those of one version are %+v", only)
		}
		w.Machine(t, "stranger", "203.0.113.9").Want(t, "refused environment_mismatch", license.CallFiles, key)

		ticket := answer.Files[1].Ticket
		what, err := w.Files.Redeem(ctx, ticket)
		must(t, err)
		if what.ID != b.ID || what.Card != w.Card(t, key).ID || what.Environment != answer.Environment {
			t.Errorf("the ticket opens %+v", what)
		}
		must(t, w.Files.Log(ctx, what, netip.MustParseAddr(here), 0, 1))
		must(t, w.Files.Log(ctx, what, netip.MustParseAddr(here), 1, 1))
		if log := w.Events(t, key, card.Downloaded); len(log) != 2 || log[0].Detail["complete"] != false || log[1].Detail["complete"] != true || log[1].IP != here ||
			log[1].Environment != answer.Environment || log[1].Detail["name"] != "b" || log[1].Detail["from"] != 1.0 {
			t.Errorf("the time line has %+v", log)
		}

		redeem := func(ticket, want string) {
			t.Helper()
			if _, err := w.Files.Redeem(ctx, ticket); code(err) != want || want != "file_not_found" && fault.As(err).Kind != fault.Forbidden {
				t.Errorf("the ticket is refused with %v, want %s", err, want)
			}
		}
		raw, err := base64.RawURLEncoding.DecodeString(ticket)
		must(t, err)
		for i := range raw {
			changed := append([]byte(nil), raw...)
			changed[i] ^= 1
			redeem(base64.RawURLEncoding.EncodeToString(changed), "ticket_wrong")
		}
		for _, text := range []string{"", "x", ticket + "A", ticket[1:], strings.Repeat("A", 60)} {
			redeem(text, "ticket_wrong")
		}
		// Whatever is done to the card holds for tickets that are out.
		_, err = w.Cards.Suspend(ctx, what.Card, "", licensetest.By)
		must(t, err)
		redeem(ticket, "card_suspended")
		_, err = w.Cards.Resume(ctx, what.Card, licensetest.By)
		must(t, err)
		_, err = w.Files.Redeem(ctx, ticket)
		must(t, err)
		must(t, w.Files.Remove(ctx, release(t, w, "2.0"), b.ID, licensetest.By))
		redeem(ticket, "file_not_found")
		redeem(w.Files.Ticket(a.ID, "nosuchenvironment", w.Clock.Now().Add(time.Hour)), "card_not_active")
		_, err = w.Cards.Bin(ctx, what.Card, licensetest.By)
		must(t, err)
		redeem(answer.Files[0].Ticket, "card_unknown")
		_, err = w.Cards.Restore(ctx, what.Card, licensetest.By)
		must(t, err)
		_, err = w.Cards.Revoke(ctx, what.Card, "", licensetest.By)
		must(t, err)
		redeem(answer.Files[0].Ticket, "card_revoked")
		w.Clock.Advance(time.Hour)
		redeem(answer.Files[0].Ticket, "ticket_over")
	})
}

func TestDownloadsAreListed(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, r store.Release) {
		a, b := add(t, w, r, "a.zip", "content"), add(t, w, r, "b%.zip", "other")
		c := w.Card(t, w.CardKey(t, nil))
		from := netip.MustParseAddr(here)
		must(t, w.Files.Log(t.Context(), file.Download{File: a, Card: c.ID, Environment: "env_1"}, from, 0, 7))
		w.Clock.Advance(time.Hour)
		must(t, w.Files.Log(t.Context(), file.Download{File: b, Card: c.ID, By: "usr_1"}, from, 2, 1))
		for name, q := range map[string]struct {
			query store.DownloadQuery
			want  string
		}{
			"all":           {store.DownloadQuery{}, "b%.zip a.zip"},
			"a page":        {store.DownloadQuery{Limit: 1, Offset: 1}, "a.zip"},
			"a file by id":  {store.DownloadQuery{File: a.ID}, "a.zip"},
			"one by name":   {store.DownloadQuery{File: "b%.zip"}, "b%.zip"},
			"no pattern":    {store.DownloadQuery{File: "%"}, ""},
			"a card":        {store.DownloadQuery{Prefix: c.Prefix}, "b%.zip a.zip"},
			"a product":     {store.DownloadQuery{Product: c.Product}, "b%.zip a.zip"},
			"no product":    {store.DownloadQuery{Product: "none"}, ""},
			"no customer":   {store.DownloadQuery{Customer: "none"}, ""},
			"the last half": {store.DownloadQuery{From: w.Clock.Now().Add(-time.Minute)}, "b%.zip"},
		} {
			if q.query.Limit == 0 {
				q.query.Limit = 10
			}
			all, total, err := w.Store.Downloads(t.Context(), q.query)
			must(t, err)
			var names []string
			for _, d := range all {
				names = append(names, d.Detail["name"].(string))
			}
			if got := strings.Join(names, " "); got != q.want || name != "a page" && total != len(all) || name == "a page" && total != 2 {
				t.Errorf("%s: %q of %d", name, got, total)
			}
			if name == "all" && (all[0].Prefix != c.Prefix || all[0].Detail["by"] != "usr_1" || all[0].Detail["complete"] != false || all[1].Environment != "env_1") {
				t.Errorf("they are %+v", all)
			}
		}
	})
}
