package session

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Recent is how recently, and how surely ("aal1", "aal2"), somebody must have shown
// who he is before he does something.
type Recent struct {
	Within time.Duration
	ACR    string
}

// Check returns ErrStepUp for a person whom identity has to ask again. Others pass:
// a program, or who came through the emergency entrance, can be asked nothing.
func (n Recent) Check(ctx context.Context, now time.Time) error {
	p, _ := From(ctx)
	if p.Person() && (now.Sub(p.AuthTime) > n.Within || p.ACR < n.ACR) {
		return ErrStepUp
	}
	return nil
}

// URL is where a person shows again who he is, and comes back to a path from.
func (n Recent) URL(to string) string { return startURL(to, n.asked()) }

func (n Recent) asked() url.Values {
	return url.Values{"max_age": {strconv.FormatInt(int64(n.Within/time.Second), 10)}, "acr_values": {n.ACR}}
}

// StepUp lets only those through who showed recently who they are. A page sends the
// others to where they do, and back; refuse answers everything else.
func StepUp(n Recent, now func() time.Time, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := n.Check(r.Context(), now())
			switch {
			case err == nil:
				next.ServeHTTP(w, r)
			case !invite(w, r, n.asked()):
				refuse(w, r, err)
			}
		})
	}
}
