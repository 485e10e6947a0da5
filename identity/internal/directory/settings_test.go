package directory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
	"guildhall/platform/audit"
)

const hour = time.Hour

func TestWrongSettingsAreNamed(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		for what, test := range map[string]struct {
			change func(s *directory.Settings)
			want   []string
		}{
			"no server":        {func(s *directory.Settings) { s.Servers = nil }, []string{"servers directory_servers"}},
			"six servers":      {func(s *directory.Settings) { s.Servers = slices.Repeat([]string{"ldaps://a"}, 6) }, []string{"servers directory_servers"}},
			"a web address":    {func(s *directory.Settings) { s.Servers = []string{"https://dc1.example.com"} }, []string{"servers directory_server"}},
			"a password in it": {func(s *directory.Settings) { s.Servers = []string{"ldaps://a:b@dc1.example.com"} }, []string{"servers directory_server"}},
			"a path in it":     {func(s *directory.Settings) { s.Servers = []string{"ldaps://dc1.example.com/dc=x"} }, []string{"servers directory_server"}},
			"no authority":     {func(s *directory.Settings) { s.Trust, s.CA = directory.TrustGiven, "what?" }, []string{"ca directory_ca"}},
			"no trust":         {func(s *directory.Settings) { s.Trust = "all" }, []string{"trust not_offered"}},
			"nothing typed": {func(s *directory.Settings) { *s = directory.Settings{} }, []string{"servers directory_servers", "trust not_offered", "bind_dn required", "base_dn directory_dn",
				"group_dn directory_dn", "minutes out_of_range", "limit out_of_range", "welcome not_offered", "language not_offered"}},
			"no DN":          {func(s *directory.Settings) { s.BaseDN, s.GroupDN = "example.com", "" }, []string{"base_dn directory_dn", "group_dn directory_dn"}},
			"too often":      {func(s *directory.Settings) { s.Minutes = 4 }, []string{"minutes out_of_range"}},
			"more than all":  {func(s *directory.Settings) { s.Limit = 101 }, []string{"limit out_of_range"}},
			"far too long":   {func(s *directory.Settings) { s.BindDN = strings.Repeat("x", 1001) }, []string{"bind_dn required"}},
			"what it speaks": {func(s *directory.Settings) { s.Language = "tlh" }, []string{"language not_offered"}},
		} {
			s := o.settings()
			test.change(&s)
			wrong(t, what, o.Save(t.Context(), 0, s, "x", admin), test.want...)
		}
		wrong(t, "no password", o.Save(t.Context(), 0, o.settings(), "", admin), "password directory_password")
		if st, err := o.State(t.Context()); err != nil || st.SetUp {
			t.Errorf("something was kept: %+v, %v", st, err)
		}
		_, err := o.Run(t.Context(), directory.Order{Dry: true})
		expect(t, "a run of nothing", err, directory.ErrNotSetUp)
		_, err = o.Test(t.Context())
		expect(t, "a test of nothing", err, directory.ErrNotSetUp)
		expect(t, "switch nothing on", o.Switch(t.Context(), true, admin), directory.ErrNotSetUp)
	})
}

func TestSettingsAreKept(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		o.staff("anna")
		o.on(t, nil)
		st, err := o.State(ctx)
		check(t, err)
		if !st.SetUp || !st.Tried || !st.Enabled || st.GroupDN != o.Unit.Group || st.Version != 1 {
			t.Errorf("%+v", st)
		}
		row, err := o.Store.Directory(ctx)
		check(t, err)
		if strings.Contains(string(row.Password)+row.Settings, directorytest.Password) {
			t.Error("the password is there for everybody to read")
		}

		s := st.Settings
		s.Limit = 30
		expect(t, "settings of another version", o.Save(ctx, 0, s, "", admin), directory.ErrChanged)
		check(t, o.Save(ctx, 1, s, "", admin)) // the password stays
		if st, err = o.State(ctx); err != nil || !st.Enabled || !st.Tried || st.Limit != 30 {
			t.Errorf("another limit: %+v, %v", st, err)
		}
		o.run(t, directory.Done)
		page, err := o.Journal.Audit.List(ctx, audit.Filter{Action: "directory.changed", Limit: 1})
		check(t, err)
		if got := string(page.Records[0].Detail); got != `{"limit":{"new":30,"old":20}}` {
			t.Errorf("the audit log has %s", got)
		}

		s.Servers = []string{"ldaps://another.example.com"}
		wrong(t, "another server without the password", o.Save(ctx, 2, s, "", admin), "password directory_password")
		s.Servers, s.GroupDN = o.settings().Servers, o.Unit.NewGroup("Others")
		check(t, o.Save(ctx, 2, s, "", admin))
		if st, err = o.State(ctx); err != nil || st.Enabled || st.Tried {
			t.Errorf("another group must be tried first: %+v, %v", st, err)
		}
		o.dry(t) // it is empty
		expect(t, "an empty group", o.Switch(ctx, true, admin), directory.ErrUntried)
	})
}
