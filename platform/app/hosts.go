package app

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"guildhall/platform/fault"
)

// hosts knows the public names of the process and serves each by its handler.
type hosts struct {
	domain string
	port   int                     // the port in public addresses
	byName map[string]http.Handler // "" is the portal
	health *health
	// probes answers health checks, stranger requests for names that are not ours,
	// wrong those over the connection of another host.
	probes, stranger, wrong http.Handler
}

// publicURL is the https address of a service's host; "" is the portal.
func (h *hosts) publicURL(service string) string {
	name := h.domain
	if service != "" {
		name = service + "." + h.domain
	}
	if h.port != 443 {
		name = net.JoinHostPort(name, strconv.Itoa(h.port))
	}
	return "https://" + name
}

// reachable is the host and port at which programs reach a listener. Names
// under .localhost resolve in browsers only, so there it is the listener's own
// address. usual is the port that needs no mention.
func reachable(service, domain, addr, usual string) string {
	host, p, _ := net.SplitHostPort(addr)
	if !strings.HasSuffix("."+domain, ".localhost") {
		host = service + "." + domain
	} else if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if p == usual {
		return host
	}
	return net.JoinHostPort(host, p)
}

// publicHTTP is the address of the plain listener with the port that others see.
func (c *ServerConfig) publicHTTP(addr string) string {
	if c.PublicHTTPPort == 0 {
		return addr
	}
	host, _, _ := net.SplitHostPort(addr)
	return net.JoinHostPort(host, strconv.Itoa(c.PublicHTTPPort))
}

// label is what stands before the domain in a host name, with or without port, and
// whether the host is ours.
func (h *hosts) label(host string) (string, bool) {
	host = normal(host)
	if host == h.domain {
		return "", true
	}
	label, ok := strings.CutSuffix(host, "."+h.domain)
	return label, ok
}

// ServeHTTP chooses by the Host header; /healthz and /readyz answer on any, so
// that a probe needs no name.
func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.health.serves(r) {
		h.probes.ServeHTTP(w, r)
		return
	}
	name, ours := h.label(r.Host)
	handler, known := h.byName[name]
	if !ours || !known {
		handler = h.stranger
	}
	if h.misdirected(r) {
		handler = h.wrong
	}
	handler.ServeHTTP(w, r)
}

// unknown tells where the portal is.
func (h *hosts) unknown(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, fault.New(fault.NotFound, "unknown_host",
			"Nothing is served at this host name. The portal is at %s.", h.publicURL("")).
			With(map[string]any{"URL": h.publicURL("")}))
	})
}

// toHTTPS sends a plain request to the same page of the public listener.
func (h *hosts) toHTTPS(w http.ResponseWriter, r *http.Request) {
	if h.health.serves(r) {
		h.health.ServeHTTP(w, r)
		return
	}
	name, ours := h.label(r.Host)
	if _, known := h.byName[name]; !ours || !known {
		name = ""
	}
	code := http.StatusPermanentRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		code = http.StatusFound // not remembered by browsers: ports change in development
	}
	http.Redirect(w, r, h.publicURL(name)+r.URL.RequestURI(), code) //nolint:gosec // the host is one of ours
}
