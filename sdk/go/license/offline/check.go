package offline

import (
	"context"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline/clock"
)

// CheckOptions is what Check needs to know of a program and its place.
type CheckOptions struct {
	// Keys are the program's, as "guildhall license key export" wrote them.
	Keys *KeySet
	// Version, Module and Users are as in Options.
	Version, Module string
	Users           int
	// InstallKey is the file of this machine's install key; empty: there is none. It is
	// made when it is not there, so that the machine can ask for a licence.
	InstallKey string
	// Root says that the program always runs as root: see fingerprint.Sources.
	Root bool
	// Components are this machine's if not nil; otherwise it is asked.
	Components fingerprint.Components
	// Clock needs Files and Secret; Product and IssuedAt are set by Check.
	Clock clock.Options
	// Evidence is what else tells the time at the first check.
	Evidence clock.Evidence
}

// Standing is a licence that was accepted, under a clock that is watched. It is safe for
// concurrent use.
type Standing struct {
	*Licence
	text    string
	o       Options
	guard   *clock.Guard
	install *InstallKey
}

// Check is the whole question in one call: is the licence in the text genuine, for this
// program, on this machine, and valid by a clock that was not set back? What refuses is
// an *Error. The reading is worth showing when its Level is not OK, whatever the error
// is. Close the standing when the program ends.
func Check(ctx context.Context, text string, o CheckOptions) (*Standing, clock.Reading, error) {
	if o.Keys == nil {
		return nil, clock.Reading{}, refuse(NotSaid, "The program did not say whose licences it accepts: it has no public keys.")
	}
	s := &Standing{text: text, o: Options{Keys: o.Keys.Trusted(), Product: o.Keys.Product, Version: o.Version, Module: o.Module, Users: o.Users}}
	genuine, err := Genuine(text, s.o)
	if err != nil {
		return nil, clock.Reading{}, err
	}
	sources := fingerprint.Sources{Root: o.Root}
	if o.InstallKey != "" {
		if s.install, err = LoadInstallKey(o.InstallKey); err != nil {
			return nil, clock.Reading{}, err
		}
		sources.InstallKey = s.install.Public()
	}
	if s.o.Components = o.Components; s.o.Components == nil {
		s.o.Components = fingerprint.Collect(ctx, s.o.Product, sources)
	}
	o.Clock.Product, o.Clock.IssuedAt = s.o.Product, genuine.IssuedAt
	if s.guard, err = clock.Open(o.Clock); err != nil {
		return nil, clock.Reading{}, err
	}
	licence, reading, err := s.check(o.Evidence)
	if err != nil {
		s.Close()
		return nil, reading, err
	}
	s.Licence = licence
	return s, reading, nil
}

// Again asks once more, whether time has run out or the clock was set back meanwhile.
// Call it every minute.
func (s *Standing) Again(e clock.Evidence) (clock.Reading, error) {
	_, r, err := s.check(e)
	return r, err
}

func (s *Standing) check(e clock.Evidence) (*Licence, clock.Reading, error) {
	r := s.guard.Check(e)
	if r.Level == clock.Refuse {
		return nil, r, &Error{Code(r.Code), r.Text}
	}
	o := s.o
	o.Now = r.Time
	licence, err := Verify(s.text, o)
	return licence, r, err
}

// Secret is the licence's confidential part for this machine's install key.
func (s *Standing) Secret() ([]byte, error) {
	if s.install == nil {
		return nil, refuse(SecretMissing, "The program named no install key, and the confidential part is sealed to one.")
	}
	return s.Licence.Secret(s.install)
}

// Close notes that the program stops in order.
func (s *Standing) Close() { s.guard.Close() }
