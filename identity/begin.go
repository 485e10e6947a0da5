package identity

import (
	"errors"
	"net/http"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/session"
	"guildhall/platform/app"
	"guildhall/platform/limit"
)

// What somebody begins who has not shown who he is waits for minutes in the
// database: an address may begin so many of them a second, and so many at once.
const (
	beginRate  = 5
	beginBurst = 200
)

// beginnings counts them, sign-ins at applications and devices together.
type beginnings struct {
	limit.Limiter
	exempt func(address string) bool
}

func newBeginnings(env app.Env) *beginnings {
	return &beginnings{env.Limiter.New("identity.begin", limit.Options{Rate: beginRate, Burst: beginBurst, Now: env.Now}), env.Exempt}
}

func (b *beginnings) check(r *http.Request) error {
	if b.exempt(r.RemoteAddr) {
		return nil
	}
	return limit.Check(r.Context(), b, limit.ClientKey(r))
}

// mayBegin refuses an address that has begun too much, unless somebody is signed in.
func (p *pages) mayBegin(r *http.Request) error {
	if _, err := p.visitor(r); !errors.Is(err, session.ErrNone) {
		return err
	}
	return p.Begins.check(r)
}

// mayBegin refuses an address that has begun too much for applications that cannot
// show who they are.
func (p *provider) mayBegin(r *http.Request, c client.Client) error {
	if !c.Public() {
		return nil
	}
	return p.Begins.check(r)
}
