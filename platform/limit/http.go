package limit

import (
	"context"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"guildhall/platform/fault"
)

// ErrTooMany matches the error of a refused request. It carries the time to
// wait; its argument Seconds is that time rounded up.
var ErrTooMany = fault.New(fault.TooMany, "rate_limited", "Too many requests. Wait a moment and try again.")

// Middleware refuses the requests that are too many for their key with 429 and
// Retry-After. A request whose key is "" is not limited. A nil onRefuse answers
// with a problem document.
func Middleware(l Limiter, key func(*http.Request) string, onRefuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	if onRefuse == nil {
		onRefuse = fault.Write
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := Check(r.Context(), l, key(r)); err != nil {
				fault.SetRetryAfter(w.Header(), err)
				onRefuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Check counts an event of the key, or returns ErrTooMany. The key "" is not limited.
func Check(ctx context.Context, l Limiter, key string) error {
	if key == "" {
		return nil
	}
	wait, ok := l.Allow(ctx, key)
	if ok {
		return nil
	}
	return tooMany(wait)
}

func tooMany(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return fault.New(fault.TooMany, ErrTooMany.Code, "Too many requests. Try again in %d s.", seconds).
		With(map[string]any{"Seconds": seconds}).After(wait)
}

// ClientKey is the key of the address that a request comes from.
func ClientKey(r *http.Request) string { return AddrKey(r.RemoteAddr) }

// AddrKey is the key of an address, with or without a port: an IPv4 address
// itself, the /64 network of an IPv6 address, because one customer has at least
// that many. An address that cannot be read shares the key "unknown".
func AddrKey(address string) string {
	ip, ok := parseAddr(address)
	if !ok {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return network.String()
}

func parseAddr(address string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		return ap.Addr(), true
	}
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	return ip, err == nil
}
