package certificate_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
)

// populate issues certificates of every state.
func populate(t *testing.T, w *catest.World) (all []*store.Record) {
	t.Helper()
	for i := range 40 {
		r := certificate.IssueRequest{CommonName: fmt.Sprintf("h%02d.example.com", 39-i), Lifetime: time.Duration(1+i%5) * time.Hour}
		if i%4 == 1 {
			r.Profile = profile.Client
		}
		issued := w.Issue(t, r)
		if i%7 == 0 {
			_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: issued.Record.ID, By: catest.Admin})
			must(t, err)
		}
		// Several share a moment: the order must be total all the same.
		if i%3 == 0 {
			w.Clock.Advance(time.Minute)
		}
	}
	w.Clock.Advance(90 * time.Minute)
	page, err := w.Service.List(t.Context(), store.Filter{Limit: store.MaxLimit})
	must(t, err)
	return page.Records
}

func ids(records []*store.Record) (all []string) {
	for _, r := range records {
		all = append(all, r.ID)
	}
	return all
}

func TestListPagesWhatAFilterSelects(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		all := populate(t, w)
		if len(all) != 40 {
			t.Fatalf("%d certificates", len(all))
		}
		now := w.Clock.Now()
		rapid.Check(t, func(t *rapid.T) {
			f := store.Filter{
				Status:    rapid.SampledFrom([]string{"", store.Valid, store.Expiring, store.Expired, store.Revoked, "bogus"}).Draw(t, "status"),
				Profile:   rapid.SampledFrom([]string{"", profile.Server, profile.Client}).Draw(t, "profile"),
				Sort:      rapid.SampledFrom([]string{"", store.ByIssue, store.ByEnd, store.ByName, store.ByState}).Draw(t, "sort"),
				Text:      rapid.SampledFrom([]string{"", "H1", "example", "%", "_", `\`, all[3].Serial[4:9]}).Draw(t, "text"),
				Ascending: rapid.Bool().Draw(t, "ascending"),
				Limit:     rapid.IntRange(1, 50).Draw(t, "limit"),
			}
			var got []*store.Record
			for {
				page, err := w.Service.List(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Records...)
				if f.Cursor = page.Next; f.Cursor == "" {
					break
				}
			}
			want := expected(all, f, now)
			if !slices.Equal(ids(got), ids(want)) {
				t.Fatalf("%+v: got %d, want %d certificates, or another order", f, len(got), len(want))
			}
		})
		for _, bad := range []string{"x", "e30", strings.Repeat("A", 5000)} {
			if _, err := w.Service.List(t.Context(), store.Filter{Cursor: bad}); !errors.Is(err, store.ErrCursor) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}

// expected is the list by other means.
func expected(all []*store.Record, f store.Filter, now time.Time) (want []*store.Record) {
	if f.Sort == store.ByState {
		f.Status = store.Revoked
	}
	if f.Sort == "" {
		f.Sort = map[string]string{store.Revoked: store.ByState, store.Expired: store.ByEnd, store.Expiring: store.ByEnd}[f.Status]
		f.Ascending = f.Ascending || f.Status == store.Expiring
	}
	for _, r := range all {
		ended := now.After(r.NotAfter)
		states := map[string]bool{"": true, store.Revoked: r.Revoked(), store.Expired: ended && !r.Revoked(), store.Valid: !ended && !r.Revoked(),
			store.Expiring: !ended && !r.Revoked() && !now.Before(r.RenewAt)}
		text := strings.ToLower(strings.Join(append([]string{r.Serial, r.CommonName, r.Profile}, r.Names...), " "))
		if states[f.Status] && (f.Profile == "" || r.Profile == f.Profile) && strings.Contains(text, strings.ToLower(f.Text)) {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(a, b *store.Record) int {
		c := order(f.Sort, a, b)
		if c == 0 {
			c = strings.Compare(a.ID, b.ID)
		}
		if !f.Ascending {
			c = -c
		}
		return c
	})
	return want
}

func order(sort string, a, b *store.Record) int {
	switch sort {
	case store.ByName:
		return strings.Compare(a.CommonName, b.CommonName)
	case store.ByEnd:
		return a.NotAfter.Compare(b.NotAfter)
	case store.ByState:
		return a.RevokedAt.Compare(b.RevokedAt)
	}
	return a.IssuedAt.Compare(b.IssuedAt)
}

func TestCountsAgreeWithTheLists(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		all := populate(t, w)
		now := w.Clock.Now()
		counts, err := w.Store.Counts(t.Context(), now)
		must(t, err)
		for status, got := range map[string]int64{store.Valid: counts.Valid, store.Expiring: counts.Expiring, store.Expired: counts.Expired, store.Revoked: counts.Revoked} {
			if want := len(expected(all, store.Filter{Status: status}, now)); got != int64(want) || want == 0 {
				t.Errorf("%s: counted %d, listed %d", status, got, want)
			}
		}
		days, err := w.Store.IssuedByDay(t.Context(), now, 3)
		must(t, err)
		var sum int64
		for _, d := range days {
			sum += d.Issued
		}
		if len(days) != 3 || sum != int64(len(all)) {
			t.Errorf("by day: %+v", days)
		}
		ending, err := w.Service.Ending(t.Context(), 24*time.Hour, 100)
		must(t, err)
		if want := len(expected(all, store.Filter{Status: store.Valid}, now)); len(ending) != want {
			t.Errorf("%d certificates end within a day, want %d", len(ending), want)
		}
	})
}
