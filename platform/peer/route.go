package peer

import (
	"context"
	"net/http"
	"slices"
)

// Anyone in an allow-list admits every enrolled service.
const Anyone = "*"

// Route is one entrance of a service on the internal listener.
type Route struct {
	// Pattern is a ServeMux pattern: "POST /payment-sessions".
	Pattern string
	// Allow lists the services that may call it; Anyone admits every enrolled one.
	Allow   []string
	Handler http.Handler
	// Open serves the route without a client certificate, on EnrolName and
	// nowhere else. Only enrolment is so.
	Open bool
	// Farewell serves the route to a caller whose certificate was revoked a
	// moment ago, so that it can say that it knows.
	Farewell bool
	// Stream says that an answer lasts as long as its caller wants: it ends when the
	// process stops, which else would wait for it.
	Stream bool
}

func (r Route) allows(service string) bool {
	return slices.Contains(r.Allow, service) || slices.Contains(r.Allow, Anyone)
}

// Caller is the authenticated service at the other end of a connection.
type Caller struct {
	// Service is its name ("shop"), Serial its certificate's serial number.
	Service, Serial string
}

type callerKey struct{}

// From is the caller of the request that ctx belongs to. ok is false outside of
// the internal listener, and on Open routes.
func From(ctx context.Context) (c Caller, ok bool) {
	c, ok = ctx.Value(callerKey{}).(Caller)
	return c, ok
}

func withCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

type connKey struct{}

// markNews says that the connection of the request carries the news of
// revocations.
func markNews(ctx context.Context) {
	if a, ok := ctx.Value(connKey{}).(accepted); ok {
		a.conns.keepNews(a.conn)
	}
}
