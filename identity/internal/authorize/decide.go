package authorize

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
)

// Decide says what comes next for who is signed in; v is nil for nobody. When
// nothing is left to ask, the step has the answer, and the request is over.
func (s *Service) Decide(ctx context.Context, id string, v *Visitor) (Step, error) {
	step, err := s.step(ctx, id, v)
	if err != nil {
		return Step{}, err
	}
	r := step.Request
	if r.prompts(promptNone) && step.Kind != Done {
		step.Answer, err = s.deny(ctx, r, silent(step.Kind))
		step.Kind = Done
		return step, err
	}
	if step.Kind == Done {
		step.Answer, err = s.allow(ctx, r, step.Client, v)
	}
	return step, err
}

// silent is the error of a request that must ask nothing and has to.
func silent(next Kind) *oauth.Error {
	switch next {
	case SignIn, Confirm:
		return oauth.NewError(oauth.LoginRequired, "The person has to sign in. Ask again without prompt=none.")
	case Consent:
		return oauth.NewError(oauth.ConsentRequired, "The person has to allow this application what it asks for. Ask again without prompt=none.")
	}
	return oauth.NewError(oauth.InteractionRequired, "The person has to do something first. Ask again without prompt=none.")
}

// Choose goes on as who is signed in.
func (s *Service) Choose(ctx context.Context, id string, v Visitor) error {
	r, _, err := s.Waiting(ctx, id)
	if err != nil {
		return err
	}
	r.Chosen = v.Account
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep an authorization request: %w", err)
	}
	return s.o.DB.Group(ctx, func(tx *sql.Tx) error {
		changed, err := s.o.Store.ChangeRequest(ctx, tx, id, string(data), s.now())
		if err == nil && !changed {
			err = ErrOver
		}
		return err
	})
}

// Approve is the person's "yes", which is remembered. ErrNotYet says that
// something else comes before that question.
func (s *Service) Approve(ctx context.Context, id string, v Visitor) (Answer, error) {
	step, err := s.step(ctx, id, &v)
	if err != nil {
		return Answer{}, err
	}
	r := step.Request
	switch step.Kind {
	case Consent:
		if err := s.o.Grants.SaveConsent(ctx, v.Account, r.Client, r.Scopes, v.By); err != nil {
			return Answer{}, err
		}
	case Done: // allowed meanwhile, by the first of two clicks
	default:
		return Answer{}, ErrNotYet
	}
	return s.allow(ctx, r, step.Client, &v)
}

// Deny is the person's "no".
func (s *Service) Deny(ctx context.Context, id string) (Answer, error) {
	r, _, err := s.Waiting(ctx, id)
	if err != nil {
		return Answer{}, err
	}
	return s.deny(ctx, r, oauth.NewError(oauth.AccessDenied, "The person did not allow it."))
}

func (s *Service) deny(ctx context.Context, r *Request, why *oauth.Error) (Answer, error) {
	if err := s.use(ctx, r.ID); err != nil {
		return Answer{}, err
	}
	return s.refuse(r, why).Answer, nil
}

// Waiting is a request that waits for its person, or was answered a moment ago, and
// the application that asks; else one of the faults of this package. The application
// may have changed meanwhile, so it is looked at again.
func (s *Service) Waiting(ctx context.Context, id string) (*Request, *client.Client, error) {
	now := s.now()
	kept, err := s.o.Store.Request(ctx, id, now, now.Add(-again))
	if err != nil {
		return nil, nil, err
	}
	if kept == nil {
		return nil, nil, ErrOver
	}
	r := &Request{ID: id, Client: kept.Client, MadeAt: kept.MadeAt}
	if err := r.parse(kept.Data); err != nil {
		return nil, nil, err
	}
	c, err := s.client(ctx, []string{r.Client})
	if err != nil {
		return nil, nil, err
	}
	if !c.RedirectAllowed(r.RedirectURI) {
		return nil, nil, ErrRedirect
	}
	r.Scopes = r.Scopes.Within(c.Scopes)
	return r, c, nil
}

// use notes that a request is answered, or returns ErrOver.
func (s *Service) use(ctx context.Context, id string) error {
	now := s.now()
	return s.o.DB.Group(ctx, func(tx *sql.Tx) error {
		used, err := s.o.Store.UseRequest(ctx, tx, id, now, now.Add(-again))
		if err == nil && !used {
			err = ErrOver
		}
		return err
	})
}

// step is what the request waits for; Done says that nothing is left.
func (s *Service) step(ctx context.Context, id string, v *Visitor) (Step, error) {
	r, c, err := s.Waiting(ctx, id)
	if err != nil {
		return Step{}, err
	}
	step := Step{Request: r, Client: c, Kind: SignIn}
	switch {
	case v == nil:
		return step, nil
	case v.MustChange:
		step.Kind = ChangePassword
		return step, nil
	case v.MustEnrol:
		step.Kind = Enrol
		return step, nil
	case r.Subject != "" && r.Subject != v.Account:
		step.Switch = true
		return step, nil
	}
	if step.Kind = r.shown(v, s.now()); step.Kind != Done {
		return step, nil
	}
	if step.Kind, err = s.consents(ctx, &step, v); err != nil {
		return Step{}, err
	}
	return step, nil
}

// shown says what the person has to show of who it is.
func (r *Request) shown(v *Visitor, now time.Time) Kind {
	// What was shown since the browser came with the request was shown for it.
	just := !v.AuthenticatedAt.Before(r.MadeAt)
	old := r.MaxAge != unlimited && now.Sub(v.AuthenticatedAt) > time.Duration(r.MaxAge)*time.Second
	switch {
	case r.prompts(promptSelect) && r.Chosen != v.Account && !just:
		return Choose
	case !just && (old || r.prompts(promptLogin)):
		return Confirm
	case strong(r.ACR) && v.Level < session.Strong && v.CanStepUp:
		return StepUp
	}
	return Done
}

// consents says whether the person has to allow something, and puts into the step
// what.
func (s *Service) consents(ctx context.Context, step *Step, v *Visitor) (Kind, error) {
	r, c := step.Request, step.Client
	allowed, err := s.o.Grants.Consent(ctx, v.Account, c.ID)
	if err != nil {
		return 0, err
	}
	step.Scopes, step.Local = r.Scopes.Beyond(allowed), impersonable(c, r.RedirectURI)
	switch {
	case r.prompts(promptConsent):
		step.Scopes = r.Scopes
		return Consent, nil
	case step.Local:
		step.Scopes = r.Scopes
		return Consent, nil
	case c.Trusted:
		// The company vouches for its own application. That it may go on when nobody is
		// there is the person's to say all the same.
		if step.Scopes.Has(oauth.ScopeOffline) {
			step.Scopes = oauth.Scopes{oauth.ScopeOffline}
			return Consent, nil
		}
		return Done, nil
	case allowed == nil || len(step.Scopes) > 0:
		return Consent, nil
	}
	return Done, nil
}

// impersonable says that another program on the same device could take the
// application's place: then its person is asked each time, also for one that the
// company vouches for (RFC 8252, 8.6).
func impersonable(c *client.Client, uri string) bool {
	return c.Public() && !strings.HasPrefix(uri, "https://")
}

// acr is the level that the ID token tells: that of the session, or the lower one
// when that alone was demanded. It is empty when what was demanded is not met.
func (r *Request) acr(v *Visitor) string {
	reached := ACR(v.Level)
	switch {
	case len(r.Demanded) == 0 || slices.Contains(r.Demanded, reached):
		return reached
	case slices.Contains(r.Demanded, oauth.ACRPassword):
		return oauth.ACRPassword
	}
	return ""
}

// asProtocol says whether an error is the application's to know.
func asProtocol(err error) (*oauth.Error, bool) {
	var e *oauth.Error
	ok := errors.As(err, &e)
	return e, ok
}
