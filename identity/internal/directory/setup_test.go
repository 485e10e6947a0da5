package directory_test

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/mail"
)

var (
	by     = identitytest.By
	admin  = audit.Caller{Actor: "break-glass:test", From: "192.0.2.1"}
	secret = "Quiet-River-77" // of everybody in the directory
)

// office is a world whose people come from a unit of a real Active Directory.
type office struct {
	*identitytest.World
	*directory.Service
	Accounts *account.Service
	Unit     *directorytest.Unit
	options  directory.Options
}

func offices(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	t.Parallel()
	samba := directorytest.Shared(t)
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { test(t, open(t, samba, d)) })
}

// oneOffice is for what does not depend on the database.
func oneOffice(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	t.Parallel()
	test(t, open(t, directorytest.Shared(t), guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations"))))
}

func open(t *testing.T, samba *directorytest.Samba, d *db.DB) *office {
	t.Helper()
	o := &office{World: identitytest.New(t, d), Unit: samba.Unit(t)}
	o.Service, o.Accounts = o.Directory(func(opt *directory.Options) {
		opt.Pages, opt.Ranges = 3, 2 // so that everything takes several pages
		opt.Roots = func() *x509.CertPool { return pool(samba.CA) }
		o.options = *opt
	})
	return o
}

func pool(ca string) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM([]byte(ca))
	return p
}

// settings are those for the office's unit.
func (o *office) settings() directory.Settings {
	s := directory.DefaultSettings()
	s.Servers, s.BindDN = []string{"ldaps://" + o.Unit.Samba.Address}, directorytest.AdminDN
	s.BaseDN, s.GroupDN = o.Unit.DN, o.Unit.Group
	return s
}

// save keeps settings with the right password.
func (o *office) save(t *testing.T, change func(s *directory.Settings)) {
	t.Helper()
	st, err := o.State(t.Context())
	check(t, err)
	s := o.settings()
	if change != nil {
		change(&s)
	}
	check(t, o.Save(t.Context(), st.Version, s, directorytest.Password, admin))
}

// on saves, tries and switches the import on.
func (o *office) on(t *testing.T, change func(s *directory.Settings)) {
	t.Helper()
	o.save(t, change)
	o.dry(t)
	check(t, o.Switch(t.Context(), true, admin))
}

func (o *office) dry(t *testing.T) *directory.Report {
	t.Helper()
	r, err := o.Run(t.Context(), directory.Order{Dry: true, By: admin})
	check(t, err)
	return r
}

// run runs the import, which has to end as it is expected to.
func (o *office) run(t *testing.T, outcome string) *directory.Report {
	t.Helper()
	r, err := o.Run(t.Context(), directory.Order{})
	check(t, err)
	if r.Outcome != outcome {
		t.Fatalf("the run is %s, not %s: %s %s (%s)", r.Outcome, outcome, r.Code, r.Detail, r.Exact)
	}
	return r
}

// staff are members of the group, by name.
func (o *office) staff(names ...string) (dns []string) {
	for _, name := range names {
		dns = append(dns, o.Unit.NewUser(name, secret))
	}
	o.Unit.Join(o.Unit.Group, dns...)
	return dns
}

// account is that of somebody's address.
func (o *office) account(t *testing.T, name string) *account.Account {
	t.Helper()
	a, err := o.Accounts.Find(t.Context(), o.Unit.Email(name))
	check(t, err)
	return a
}

// told is what a report names: "added anna", "disabled ben removed".
func (o *office) told(r *directory.Report) (lines []string) {
	for _, e := range r.Entries {
		name, _, _ := strings.Cut(e.Email, "@")
		if name == "" {
			name = e.Name
		}
		lines = append(lines, strings.Join(append([]string{e.What, name}, e.Why...), " "))
	}
	slices.Sort(lines)
	return lines
}

func (o *office) tells(t *testing.T, r *directory.Report, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := o.told(r); !slices.Equal(got, want) {
		t.Errorf("the report says %q, not %q", got, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%s)", err, directory.Exact(err))
	}
}

func expect(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v (%s), not %v", what, err, directory.Exact(err), want)
	}
}

// wrong expects that err stands beside the fields, and why.
func wrong(t testing.TB, what string, err error, want ...string) {
	t.Helper()
	var got []string
	for _, f := range fault.As(err).Fields {
		got = append(got, f.Name+" "+f.Code)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q (%v), not %q", what, got, err, want)
	}
}

// broken is the import with a mailbox that refuses every letter.
func (o *office) broken(t *testing.T) *directory.Service {
	t.Helper()
	s, _ := o.Directory(func(opt *directory.Options) {
		opt.Roots = o.options.Roots
		opt.Mail = func(context.Context, *sql.Tx, mail.Message) error { return errors.New("no mailbox") }
	})
	return s
}
