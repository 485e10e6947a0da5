package app

import (
	"net/http"
	"net/netip"
	"slices"

	"guildhall/platform/limit"
	"guildhall/platform/session"
)

// The limits of opening one-time links, for each address. Their secrets cannot
// be guessed; this keeps those who try from costing anything.
const (
	enterRate  = 1
	enterBurst = 60
)

// limits slows down addresses that ask for too much without signing in. Those
// who have signed in are known, and can be told.
type limits struct {
	anonymous limit.Limiter // nil: off
	enter     limit.Limiter
	exempt    []netip.Prefix
}

func (a *App) newLimits() *limits {
	c := a.cfg.Limits
	l := &limits{enter: a.limiter("enter", limit.Options{Rate: enterRate, Burst: enterBurst, Now: a.opts.Now})}
	if c.Anonymous > 0 {
		l.anonymous = a.limiter("anonymous", limit.Options{Rate: c.Anonymous, Burst: c.Burst, Now: a.opts.Now})
	}
	for _, text := range c.Exempt {
		if network, err := netip.ParsePrefix(text); err == nil { // Check has refused the others
			l.exempt = append(l.exempt, network)
		}
	}
	return l
}

// around limits h; refuse answers what is too much, nil with a problem document.
// It stands behind what finds out who is there.
func (l *limits) around(h http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	h = limit.Middleware(l.enter, func(r *http.Request) string {
		if r.URL.Path != session.EnterPage {
			return ""
		}
		return l.key(r)
	}, refuse)(h)
	if l.anonymous == nil {
		return h
	}
	return limit.Middleware(l.anonymous, l.key, refuse)(h)
}

// key is what a request is counted under, empty for one that is not limited.
func (l *limits) key(r *http.Request) string {
	if _, known := session.From(r.Context()); known || l.exempts(r.RemoteAddr) {
		return ""
	}
	return limit.ClientKey(r)
}

func (l *limits) exempts(address string) bool {
	from, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	ip := from.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(l.exempt, func(network netip.Prefix) bool { return network.Contains(ip) })
}
