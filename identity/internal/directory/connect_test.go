package directory_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
)

func TestEachStepSaysWhatIsWrong(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		u := o.Unit
		dns := o.staff("anna", "ben", "cleo")
		u.Set(dns[1], "userAccountControl", directorytest.Disabled)
		u.Set(dns[2], "mail", "")
		reader := u.NewUser("reader", secret)
		closed := closedPort(t)
		good := []string{"connect", "tls", "bind", "group", "members"}
		for _, test := range []struct {
			what   string
			change func(s *directory.Settings)
			// password of the account that reads; empty: the right one.
			password string
			want     error
			// upTo is how many steps go well.
			upTo int
		}{
			{"all is well", nil, "", nil, 5},
			{"nobody listens", func(s *directory.Settings) { s.Servers = []string{"ldaps://" + closed} }, "", directory.ErrReach, 0},
			{"no such name", func(s *directory.Settings) { s.Servers = []string{"ldaps://nowhere.invalid"} }, "", directory.ErrReach, 0},
			{"another authority", func(s *directory.Settings) { s.Trust, s.CA = directory.TrustGiven, otherCA(t) }, "", directory.ErrUntrusted, 1},
			{"the certificate has another name", func(s *directory.Settings) { s.Servers = []string{"ldaps://" + proxy(t, u.Samba.Address+":636", 0)} }, "", directory.ErrWrongName, 1},
			{"another authority behind STARTTLS", func(s *directory.Settings) {
				s.Servers, s.Trust, s.CA = []string{"ldap://" + u.Samba.Address}, directory.TrustGiven, otherCA(t)
			}, "", directory.ErrUntrusted, 1},
			{"no TLS there", func(s *directory.Settings) { s.Servers = []string{"ldaps://" + u.Samba.Address + ":389"} }, "", directory.ErrNoTLS, 1},
			{"a wrong password", nil, "wrong", directory.ErrPassword, 2},
			{"nobody of that name", func(s *directory.Settings) { s.BindDN = "CN=Nobody," + u.DN }, "", directory.ErrPassword, 2},
			{"no such group", func(s *directory.Settings) { s.GroupDN = "CN=Nothing," + u.DN }, "", directory.ErrNoGroup, 3},
			{"no group at all", func(s *directory.Settings) { s.GroupDN = dns[0] }, "", directory.ErrNotGroup, 3},
			{"no such base", func(s *directory.Settings) { s.BaseDN = "OU=Nothing," + directorytest.BaseDN }, "", directory.ErrNoBase, 4},
			{"a base of another domain", func(s *directory.Settings) { s.BaseDN = "DC=elsewhere,DC=test" }, "", directory.ErrNoBase, 4},
			{"nobody under the base", func(s *directory.Settings) { s.BaseDN = u.NewUnit("Empty") }, "", directory.ErrEmpty, 4},
		} {
			settings := o.settings()
			if test.change != nil {
				test.change(&settings)
			}
			password := directorytest.Password
			if test.password != "" {
				password = test.password
			}
			st, err := o.State(t.Context())
			check(t, err)
			check(t, o.Save(t.Context(), st.Version, settings, password, admin))
			steps, err := o.Test(t.Context())
			check(t, err)
			var names []string
			for i, s := range steps {
				if names = append(names, s.Name); s.OK != (i < test.upTo) {
					t.Errorf("%s: step %s: %+v", test.what, s.Name, s)
				}
			}
			if !slices.Equal(names, good) {
				t.Fatalf("%s: steps %q", test.what, names)
			}
			if test.upTo < 5 {
				expect(t, test.what, steps[test.upTo].Err, test.want)
				if steps[test.upTo].Exact() == "" {
					t.Errorf("%s: it does not say what the server said", test.what)
				}
				continue
			}
			facts := steps[4].Facts
			if !steps[3].Facts.Active || steps[3].Facts.Group != "Staff" || facts.People != 3 || facts.Off != 1 || facts.NoEmail != 1 || steps[1].Facts.Protocol != "TLS 1.3" {
				t.Errorf("%s: %+v", test.what, steps)
			}
		}

		for attribute, test := range map[string]struct {
			value string
			want  error
		}{"userAccountControl": {directorytest.Disabled, directory.ErrBindOff}, "pwdLastSet": {"0", directory.ErrBindChange}, "accountExpires": {"130000000000000000", directory.ErrBindExpired}} {
			was := map[string]string{"userAccountControl": directorytest.Normal, "pwdLastSet": "-1", "accountExpires": "0"}[attribute]
			u.Set(reader, attribute, test.value)
			st, err := o.State(t.Context())
			check(t, err)
			s := o.settings()
			s.BindDN = reader
			check(t, o.Save(t.Context(), st.Version, s, secret, admin))
			steps, err := o.Test(t.Context())
			check(t, err)
			expect(t, "the reader's "+attribute, steps[2].Err, test.want)
			u.Set(reader, attribute, was)
		}
	})
}

// Servers are tried in their order; a run needs one.
func TestAnotherServerIsTried(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		o.staff("anna")
		o.on(t, func(s *directory.Settings) { s.Servers = []string{"ldaps://" + closedPort(t), s.Servers[0]} })
		o.tells(t, o.run(t, directory.Done), "added anna")
		steps, err := o.Test(t.Context())
		check(t, err)
		if len(steps) != 7 || steps[0].OK || !steps[2].OK || !steps[6].OK {
			t.Errorf("%+v", steps)
		}
	})
}

// Whatever breaks off while it is read changes nothing.
func TestAHalfBrokenRunChangesNothing(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		dns := o.staff("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
		o.on(t, nil)
		o.run(t, directory.Done)
		o.Unit.Leave(o.Unit.Group, dns[0])
		o.Unit.Set(dns[7], "displayName", "Another Name")
		before := o.Rows(t)
		// The connection is cut after so many answers: at the group, amid the pages, at
		// the last of them.
		failed := 0
		for answers := 1; ; answers++ {
			address := proxy(t, o.Unit.Samba.Address+":389", answers)
			r, err := o.through(t, address)
			check(t, err)
			if r.Outcome == directory.Done {
				break
			}
			failed++
			if r.Changed+r.Disabled+r.Added+r.Enabled != 0 || o.account(t, "a1").Disabled || o.account(t, "a8").Name == "Another Name" {
				t.Fatalf("cut after %d answers, it changed something: %+v", answers, r)
			}
		}
		if failed < 6 {
			t.Errorf("only %d answers were cut", failed)
		}
		got := slices.DeleteFunc(o.Actions(t, before), func(a string) bool { return a == "directory.changed" })
		if want := append(slices.Repeat([]string{"directory.run"}, failed), "account.disabled", "account.profile_changed", "directory.run"); !slices.Equal(got, want) {
			t.Errorf("the audit log has %q, not %q", got, want)
		}
		if !o.account(t, "a1").Disabled || o.account(t, "a8").Name != "Another Name" {
			t.Error("the run that was not cut changed nothing")
		}
	})
}

// through runs the import over another address, which is at loopback and without TLS.
func (o *office) through(t *testing.T, address string) (*directory.Report, error) {
	t.Helper()
	st, err := o.State(t.Context())
	check(t, err)
	s := st.Settings
	s.Servers, s.Plain = []string{"ldap://" + address}, true
	check(t, o.Save(t.Context(), st.Version, s, directorytest.Password, admin))
	check(t, o.ForceOn(t.Context()))
	return o.Run(t.Context(), directory.Order{})
}

// proxy leads to another address, and cuts the connection after so many chunks of
// answers; 0: never.
func proxy(t *testing.T, to string, answers int) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var open sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); open.Wait() })
	open.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { pass(t.Context(), in, to, answers) })
		}
	})
	return l.Addr().String()
}

func pass(ctx context.Context, in net.Conn, to string, answers int) {
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		_ = in.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })
	defer stop()
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	buffer := make([]byte, 64<<10)
	for n := 1; ; n++ {
		read, err := out.Read(buffer)
		if answers > 0 && n > answers {
			read /= 2 // half an answer
		}
		if _, werr := in.Write(buffer[:read]); werr != nil || err != nil || answers > 0 && n > answers {
			_, _ = in.Close(), out.Close()
			return
		}
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close())
	return l.Addr().String()
}

// otherCA is an authority that signed nothing here.
func otherCA(t *testing.T) string {
	t.Helper()
	ca, err := directorytest.Certify(t.TempDir(), "other.example.com", "127.0.0.1")
	check(t, err)
	return ca
}

// Nobody's certificate is believed after its time.
func TestAStaleCertificate(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		o.staff("anna")
		o.save(t, nil)
		o.Clock.Advance(100 * 365 * 24 * hour)
		r := o.dry(t)
		if r.Outcome != directory.Failed || r.Code != directory.ErrStale.Code || r.Exact == "" {
			t.Errorf("%+v", r)
		}
	})
}

// A password is not sent to a server without TLS.
func TestPlainIsForLoopbackInDevelopment(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		s := o.settings()
		s.Servers, s.Plain = []string{"ldap://" + o.Unit.Samba.Address}, true
		production, _ := o.Directory(func(opt *directory.Options) { opt.Roots, opt.Production = x509.NewCertPool, true })
		wrong(t, "in production", production.Save(t.Context(), 0, s, directorytest.Password, admin), "plain directory_plain")
		check(t, o.Save(t.Context(), 0, s, directorytest.Password, admin))
		r, err := production.Run(t.Context(), directory.Order{Dry: true})
		check(t, err)
		if r.Code != directory.ErrNoTLS.Code {
			t.Errorf("settings of development in production: %+v", r)
		}
		if r := o.dry(t); r.Code != directory.ErrEmpty.Code {
			t.Errorf("in development: %+v", r)
		}
		s.Servers = []string{"ldap://dc1.example.com"}
		wrong(t, "beyond loopback", o.Save(t.Context(), 1, s, directorytest.Password, admin), "plain directory_plain")
	})
}

// counting leads to another address and counts the requests.
func counting(t *testing.T, to string) (*atomic.Int64, string) {
	t.Helper()
	var count atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var open sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); open.Wait() })
	open.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { passCounted(t.Context(), in, to, &count) })
		}
	})
	return &count, l.Addr().String()
}

func passCounted(ctx context.Context, in net.Conn, to string, count *atomic.Int64) {
	defer func() { _ = in.Close() }()
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })()
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := in.Read(buffer) // the client waits for each answer, so that a read is a request
		if err != nil {
			_ = out.Close()
			return
		}
		count.Add(1)
		if _, err := out.Write(buffer[:n]); err != nil {
			return
		}
	}
}
