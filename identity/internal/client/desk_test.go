package client_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

const day = 24 * time.Hour

func TestApplications(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, kind := range client.Kinds() {
			m := preset(t, kind)
			m.AccessTokenLife, m.Audiences = 5*time.Minute, []string{"https://api.example.org"}
			c, secret := w.create(t, m)
			if !strings.HasPrefix(c.ID, "app_") || !c.Active() || !c.MadeAt.Equal(w.clock.Now()) || (secret != "") != m.HasSecret() {
				t.Fatalf("%s: %+v, %q", kind, c, secret)
			}
			got, err := w.Get(t.Context(), c.ID)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("%s: %+v, want %+v, %v", kind, got, c, err)
			}
			if got := w.actions(t, c.ID); !slices.Equal(got, []string{"application.created"}) {
				t.Errorf("%s: %v", kind, got)
			}
		}
		if _, err := w.Get(t.Context(), "app_none"); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("no such application: %v", err)
		}
	})
}

// The audit log holds all of the largest application that Check lets through.
func TestTheLargestApplication(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := preset(t, client.Web)
		m.RedirectURIs, m.Scopes = nil, nil
		for i := range 20 {
			uri := fmt.Sprintf("https://shop.example.org/%02d?", i)
			m.RedirectURIs = append(m.RedirectURIs, uri+strings.Repeat("&", 500-len(uri)))
		}
		for i := range 50 {
			m.Scopes = append(m.Scopes, fmt.Sprintf("%02d", i)+strings.Repeat("<", 198))
		}
		m.PostLogoutURIs, m.Audiences, m.Method = m.RedirectURIs, m.RedirectURIs, oauth.MethodPrivateKeyJWT
		set := keySet(t, public(t, "k1"))
		m.JWKS = append(set, strings.Repeat(" ", 16<<10-len(set))...)
		c, _ := w.create(t, m)
		m.JWKS, m.Scopes = keySet(t, public(t, "k2")), nil
		m.RedirectURIs, m.PostLogoutURIs, m.Audiences = []string{"https://shop.example.org/"}, nil, nil
		_, err := w.Update(t.Context(), c.ID, m, time.Time{}, by)
		must(t, err)
	})
}

func TestListOfApplications(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ids []string
		for _, name := range []string{"Łódź", "100% Shop", "alpha", "beta_1", "betaX1"} {
			m := preset(t, client.Web)
			m.Name = name
			c, _ := w.create(t, m)
			ids = append(ids, c.ID)
		}
		must(t, w.Disable(t.Context(), ids[2], by))
		for _, test := range []struct {
			query client.Query
			total int
			names []string
		}{
			{client.Query{Text: "łó"}, 1, []string{"Łódź"}},
			{client.Query{Text: "%"}, 1, []string{"100% Shop"}},
			{client.Query{Text: "A_1"}, 1, []string{"beta_1"}},
			{client.Query{Text: "!"}, 0, nil},
			{client.Query{Text: strings.ToUpper(ids[4])}, 1, []string{"betaX1"}},
			{client.Query{State: client.Disabled}, 1, []string{"alpha"}},
			{client.Query{State: client.Active, Text: "beta"}, 2, []string{"betaX1", "beta_1"}},
			{client.Query{Text: "beta", Limit: 1}, 2, nil},
			{client.Query{Text: "beta", Limit: 1, Offset: 2}, 2, []string{}},
			{client.Query{Limit: 99999, Offset: -1}, 5, nil},
		} {
			all, total, err := w.List(t.Context(), test.query)
			must(t, err)
			var names []string
			for _, c := range all {
				names = append(names, c.Name)
			}
			slices.Sort(names)
			if total != test.total || test.names != nil && !slices.Equal(names, test.names) {
				t.Errorf("%+v: %d, %q", test.query, total, names)
			}
		}
		page, _, err := w.List(t.Context(), client.Query{Text: "beta", Limit: 1, Offset: 1})
		first, _, err2 := w.List(t.Context(), client.Query{Text: "beta", Limit: 1})
		if err = errors.Join(err, err2); err != nil || len(page) != 1 || len(first) != 1 || page[0].ID == first[0].ID {
			t.Errorf("pages: %v, %v, %v", first, page, err)
		}
	})
}

func TestUpdate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.create(t, preset(t, client.Web))
		m := c.Metadata
		m.Name, m.RedirectURIs = "New Shop", append(slices.Clone(m.RedirectURIs), "https://shop.example.org/other")
		w.clock.Advance(time.Hour)
		changed, err := w.Update(t.Context(), c.ID, m, time.Time{}, by)
		must(t, err)
		got, err := w.Get(t.Context(), c.ID)
		if err != nil || !reflect.DeepEqual(got, changed) || got.Name != "New Shop" || !got.ChangedAt.Equal(w.clock.Now()) || !got.MadeAt.Equal(c.MadeAt) {
			t.Fatalf("%+v, want %+v, %v", got, changed, err)
		}
		_, err = w.Update(t.Context(), c.ID, m, time.Time{}, by) // changes nothing
		must(t, err)
		entries := w.entries(t, c.ID)
		if len(entries) != 2 || entries[1].Action != "application.changed" {
			t.Fatalf("the audit log: %+v", entries)
		}
		what, _ := entries[1].Detail["changed"].(map[string]any)
		if len(what) != 2 || what["client_name"] != "New Shop" || !strings.Contains(fmt.Sprint(what["redirect_uris"]), "/other") {
			t.Errorf("the audit log says %v", entries[1].Detail)
		}
		if !w.works(t, c.ID, secret) {
			t.Error("the secret was lost")
		}

		bad := m
		bad.RedirectURIs = []string{"http://shop.example.org/"}
		if _, err := w.Update(t.Context(), c.ID, bad, time.Time{}, by); !slices.Equal(fields(err), []string{"redirect_uris[0]"}) {
			t.Errorf("a bad URI: %v", err)
		}
		other := m
		other.Kind = client.Native
		if _, err := w.Update(t.Context(), c.ID, other, time.Time{}, by); !slices.Equal(fields(err), []string{"kind"}) {
			t.Errorf("another kind: %v", err)
		}
		if _, err := w.Update(t.Context(), "app_none", m, time.Time{}, by); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("no such application: %v", err)
		}
	})
}

func TestSecretsFollowTheMethod(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.create(t, preset(t, client.Web))
		public := c.Metadata
		public.Method = oauth.MethodNone
		_, err := w.Update(t.Context(), c.ID, public, time.Time{}, by)
		must(t, err)
		if w.works(t, c.ID, secret) {
			t.Error("a public application has a secret")
		}
		if _, err := w.RotateSecret(t.Context(), c.ID, client.Rotation{}, by); !errors.Is(err, client.ErrNoSecret) {
			t.Errorf("a new secret for a public application: %v", err)
		}
		_, err = w.Update(t.Context(), c.ID, c.Metadata, time.Time{}, by)
		must(t, err)
		if w.works(t, c.ID, secret) || w.works(t, c.ID, "") {
			t.Error("the old secret is back")
		}
		next, err := w.RotateSecret(t.Context(), c.ID, client.Rotation{}, by)
		must(t, err)
		if !w.works(t, c.ID, next) {
			t.Error("the new secret is no good")
		}
	})
}

func TestRotateSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.create(t, preset(t, client.Service))
		other, theirs := w.create(t, preset(t, client.Service))
		if len(first) != 43 || first == theirs || w.works(t, c.ID, theirs) || w.works(t, c.ID, first[1:]) || w.works(t, "app_none", first) || w.works(t, c.ID, "") {
			t.Fatal("secrets are mistaken for each other")
		}
		rotate := func(r client.Rotation) string {
			t.Helper()
			secret, err := w.RotateSecret(t.Context(), c.ID, r, by)
			must(t, err)
			return secret
		}
		second := rotate(client.Rotation{Overlap: 2 * day})
		w.clock.Advance(2*day - time.Microsecond)
		if !w.works(t, c.ID, first) || !w.works(t, c.ID, second) {
			t.Error("no overlap")
		}
		w.clock.Advance(time.Microsecond)
		if w.works(t, c.ID, first) || !w.works(t, c.ID, second) {
			t.Error("the overlap does not end")
		}
		third := rotate(client.Rotation{Overlap: client.MaxOverlap})
		fourth := rotate(client.Rotation{Overlap: client.MaxOverlap})
		if w.works(t, c.ID, second) || !w.works(t, c.ID, third) || !w.works(t, c.ID, fourth) {
			t.Error("more than one old secret works on")
		}
		fifth := rotate(client.Rotation{})
		if w.works(t, c.ID, third) || w.works(t, c.ID, fourth) || !w.works(t, c.ID, fifth) {
			t.Error("an old secret works without overlap")
		}
		if len(w.revoked) != 0 {
			t.Errorf("revoked: %v", w.revoked)
		}
		sixth := rotate(client.Rotation{Compromised: true})
		if w.works(t, c.ID, fifth) || !w.works(t, c.ID, sixth) || !slices.Equal(w.revoked, []string{c.ID}) {
			t.Errorf("compromised: revoked %v", w.revoked)
		}
		if !w.works(t, other.ID, theirs) {
			t.Error("another application lost its secret")
		}
		for _, r := range []client.Rotation{{Overlap: -1}, {Overlap: client.MaxOverlap + 1}, {Overlap: 1, Compromised: true}} {
			if _, err := w.RotateSecret(t.Context(), c.ID, r, by); !slices.Equal(fields(err), []string{"overlap"}) {
				t.Errorf("%+v: %v", r, err)
			}
		}
		if _, err := w.RotateSecret(t.Context(), "app_none", client.Rotation{}, by); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("no such application: %v", err)
		}
	})
}

func TestNoSecretLeavesTheDesk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, first := w.create(t, preset(t, client.Web))
		second, err := w.RotateSecret(t.Context(), c.ID, client.Rotation{Overlap: day}, by)
		must(t, err)
		var seen strings.Builder
		fmt.Fprint(&seen, w.entries(t, c.ID), w.log.String())
		rows, err := w.db.Read.QueryContext(t.Context(), `SELECT hash FROM client_secrets`)
		must(t, err)
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var hash []byte
			must(t, rows.Scan(&hash))
			if len(hash) != 32 {
				t.Errorf("a hash of %d bytes", len(hash))
			}
			seen.Write(hash)
		}
		must(t, rows.Err())
		for _, secret := range []string{first, second} {
			if strings.Contains(seen.String(), secret) {
				t.Errorf("the secret %s stands in %s", secret, seen.String())
			}
		}
	})
}

func TestDisableEnableRemove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.create(t, preset(t, client.Web))
		must(t, w.Disable(t.Context(), c.ID, by))
		must(t, w.Disable(t.Context(), c.ID, by)) // is already
		if got, err := w.Get(t.Context(), c.ID); err != nil || got.Active() {
			t.Errorf("disabled: %+v, %v", got, err)
		}
		must(t, w.Enable(t.Context(), c.ID, by))
		if got, err := w.Get(t.Context(), c.ID); err != nil || !got.Active() || !w.works(t, c.ID, secret) {
			t.Errorf("enabled: %+v, %v", got, err)
		}
		must(t, w.Remove(t.Context(), c.ID, by))
		if _, err := w.Get(t.Context(), c.ID); !errors.Is(err, client.ErrNotFound) || w.works(t, c.ID, secret) {
			t.Errorf("removed: %v", err)
		}
		want := []string{"application.created", "application.disabled", "application.enabled", "application.removed"}
		if got := w.actions(t, c.ID); !slices.Equal(got, want) {
			t.Errorf("the audit log: %v", got)
		}
		if !slices.Equal(w.revoked, []string{c.ID, c.ID}) {
			t.Errorf("revoked: %v", w.revoked)
		}
		for name, err := range map[string]error{"disable": w.Disable(t.Context(), c.ID, by), "enable": w.Enable(t.Context(), c.ID, by), "remove": w.Remove(t.Context(), c.ID, by)} {
			if !errors.Is(err, client.ErrNotFound) {
				t.Errorf("%s what is gone: %v", name, err)
			}
		}
	})
}

func TestInsecureGrantsAreNoted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		noted := func(c client.Client) int {
			n := 0
			for _, a := range w.actions(t, c.ID) {
				if a == "application.insecure_allowed" {
					n++
				}
			}
			return n
		}
		plain, _ := w.create(t, preset(t, client.Web))
		if noted(plain) != 0 || strings.Contains(w.log.String(), "insecure") {
			t.Error("a good application is noted")
		}
		m := preset(t, client.Web)
		m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword)
		c, _ := w.create(t, m)
		if noted(c) != 1 || strings.Count(w.log.String(), "level=WARN") != 1 {
			t.Errorf("password: %v, %s", w.actions(t, c.ID), w.log.String())
		}
		m.GrantTypes, m.ResponseTypes = append(m.GrantTypes, oauth.GrantImplicit), []string{"code", "id_token"}
		_, err := w.Update(t.Context(), c.ID, m, time.Time{}, by)
		must(t, err)
		m.Name = "Other"
		_, err = w.Update(t.Context(), c.ID, m, time.Time{}, by) // opens nothing more
		must(t, err)
		if noted(c) != 2 || strings.Count(w.log.String(), "level=WARN") != 2 || !strings.Contains(w.log.String(), "grant_type=implicit") {
			t.Errorf("implicit: %v, %s", w.actions(t, c.ID), w.log.String())
		}
	})
}

func TestChangesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.create(t, preset(t, client.Service))
		secrets := make([]string, 8)
		errs := make([]error, len(secrets))
		var all sync.WaitGroup
		for i := range secrets {
			all.Go(func() {
				secrets[i], errs[i] = w.RotateSecret(t.Context(), c.ID, client.Rotation{Overlap: day}, by)
			})
		}
		all.Wait()
		must(t, errors.Join(errs...))
		good := 0
		for _, s := range secrets {
			if w.works(t, c.ID, s) {
				good++
			}
		}
		if good != 2 {
			t.Errorf("%d secrets work, not the current and the last", good)
		}
	})
}
