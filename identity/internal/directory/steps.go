package directory

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/fault"
)

// The steps of a test, in their order.
const (
	StepConnect = "connect"
	StepTLS     = "tls"
	StepBind    = "bind"
	StepGroup   = "group"
	StepMembers = "members"
)

// Step is one step of a test.
type Step struct {
	Name string
	// Server is the one that it is about.
	Server string
	// OK says that it went well; else Err tells why not, unless it was not tried
	// because one before it failed.
	OK  bool
	Err *fault.Error
	// Facts is what was found.
	Facts Facts
}

// Facts is what a step found; each has some.
type Facts struct {
	// Address is what answered.
	Address string
	// Protocol, Subject and Until are of TLS and the server's certificate. Plain
	// says that there is none.
	Protocol, Subject string
	Until             time.Time
	Plain             bool
	// BindDN is who reads; Active says that the server is Active Directory.
	BindDN string
	Active bool
	// Group is the group's name.
	Group string
	// People is how many members there are, Off how many of them are disabled there,
	// NoEmail how many of the others have no address.
	People, Off, NoEmail int
}

// Exact is what a server or a library said of the error, or "".
func (s Step) Exact() string {
	if s.Err == nil {
		return ""
	}
	return Exact(s.Err)
}

// Test tries the settings that are kept, step by step: every server is reached, and
// the first that is good is read.
func (s *Service) Test(ctx context.Context) ([]Step, error) {
	_, settings, password, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var t trial
	var good *link
	for _, server := range settings.Servers {
		l := s.tryServer(ctx, settings, server, &t)
		if l != nil && good == nil {
			good = l
			defer good.Close()
		} else if l != nil {
			l.Close()
		}
	}
	s.tryReading(good, password, &t)
	return t.steps, nil
}

// trial gathers steps.
type trial struct{ steps []Step }

// note adds a step and says whether it went well.
func (t *trial) note(name, server string, err error, facts Facts) bool {
	step := Step{Name: name, Server: server, OK: err == nil, Facts: facts}
	if err != nil {
		step.Err = fault.As(err)
	}
	t.steps = append(t.steps, step)
	return err == nil
}

// skip adds steps that cannot be tried.
func (t *trial) skip(server string, names ...string) {
	for _, name := range names {
		t.steps = append(t.steps, Step{Name: name, Server: server})
	}
}

func (s *Service) tryServer(ctx context.Context, settings Settings, server string, t *trial) *link {
	conn, u, err := s.dial(ctx, server)
	if err != nil {
		t.note(StepConnect, server, err, Facts{})
		t.skip(server, StepTLS)
		return nil
	}
	t.note(StepConnect, server, nil, Facts{Address: conn.RemoteAddr().String()})
	l, err := s.secure(ctx, settings, u, conn)
	if err != nil {
		t.note(StepTLS, server, err, Facts{})
		return nil
	}
	t.note(StepTLS, server, nil, tlsFacts(l.tls))
	return l
}

func tlsFacts(c tls.ConnectionState) Facts {
	if len(c.PeerCertificates) == 0 {
		return Facts{Plain: true}
	}
	cert := c.PeerCertificates[0]
	name := cert.Subject.CommonName
	if len(cert.DNSNames) > 0 {
		name = strings.Join(cert.DNSNames, ", ")
	}
	return Facts{Protocol: tls.VersionName(c.Version), Subject: name, Until: cert.NotAfter}
}

func (s *Service) tryReading(l *link, password string, t *trial) {
	if l == nil {
		t.skip("", StepBind, StepGroup, StepMembers)
		return
	}
	if !t.note(StepBind, l.server, l.bind(l.settings.BindDN, password), Facts{BindDN: l.settings.BindDN}) {
		t.skip(l.server, StepGroup, StepMembers)
		return
	}
	r := s.reader(l)
	active, err := r.isActiveDirectory()
	if err != nil {
		t.note(StepGroup, l.server, err, Facts{})
		t.skip(l.server, StepMembers)
		return
	}
	group, err := r.group()
	if err != nil {
		t.note(StepGroup, l.server, err, Facts{Active: active})
		t.skip(l.server, StepMembers)
		return
	}
	t.note(StepGroup, l.server, nil, Facts{Active: active, Group: group.GetEqualFoldAttributeValue("cn")})
	people, err := r.people(group)
	if err == nil && len(people) == 0 {
		err = exactly(ErrEmpty, fmt.Errorf("no member under %s", l.settings.BaseDN))
	}
	t.note(StepMembers, l.server, err, memberFacts(people))
}

func memberFacts(people []Person) Facts {
	f := Facts{People: len(people)}
	for _, p := range people {
		switch {
		case !p.Enabled:
			f.Off++
		case p.Email == "":
			f.NoEmail++
		}
	}
	return f
}
