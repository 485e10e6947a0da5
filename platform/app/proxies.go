package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of the reverse proxies before the public listeners, whose
// word about where a request comes from is taken.
type proxies []netip.Prefix

func newProxies(networks []string) (p proxies) {
	for _, text := range networks {
		if network, err := netip.ParsePrefix(text); err == nil { // Check has refused the others
			p = append(p, network)
		}
	}
	return p
}

func (p proxies) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(ip) })
}

// trustsPeer says whether the other end of a connection is a trusted proxy.
func (p proxies) trustsPeer(address string) bool {
	peer, err := netip.ParseAddrPort(address)
	return err == nil && p.trusts(plainAddr(peer.Addr()))
}

// around gives h the client's address in place of the proxy's as RemoteAddr, once and
// for all that is behind: limits, the audit log and the services. What strangers say in
// these headers is not looked at.
//
// Forwarded (RFC 7239) is not read: a proxy hands on a header that it does not know as
// it came, so that of two headers one would be the client's own word.
func (p proxies) around(h http.Handler) http.Handler {
	if len(p) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.trustsPeer(r.RemoteAddr) {
			h.ServeHTTP(w, r)
			return
		}
		if client := p.client(r.Header.Values("X-Forwarded-For")); client.IsValid() {
			copied := *r
			copied.RemoteAddr = client.String()
			r = &copied
		}
		h.ServeHTTP(w, r)
	})
}

// client is the address that the last trusted proxy saw, invalid when none is told.
// Each proxy adds the address of its peer at the end, so that whatever stands before
// the last one that is not a proxy of ours may be invented.
func (p proxies) client(values []string) (client netip.AddrPort) {
	hops := strings.Split(strings.Join(values, ","), ",")
	for _, hop := range slices.Backward(hops) {
		from, ok := forwardedFor(strings.TrimSpace(hop))
		if !ok {
			return client
		}
		if client = from; !p.trusts(from.Addr()) {
			return client
		}
	}
	return client
}

// forwardedFor reads an address, with or without a port.
func forwardedFor(hop string) (netip.AddrPort, bool) {
	if from, err := netip.ParseAddrPort(hop); err == nil {
		return netip.AddrPortFrom(plainAddr(from.Addr()), from.Port()), true
	}
	ip, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	return netip.AddrPortFrom(plainAddr(ip), 0), err == nil
}

// plainAddr is the address without zone, IPv4 as such.
func plainAddr(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

// overPlain says whether a trusted proxy got the request without TLS.
func (p proxies) overPlain(r *http.Request) bool {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return p.trustsPeer(r.RemoteAddr) && strings.EqualFold(strings.TrimSpace(hops[len(hops)-1]), "http")
}

// onTLS sends to the HTTPS address what reached a proxy without TLS and was handed to
// the listener that has it: cookies and card keys would travel in the open.
func (p proxies) onTLS(h, toHTTPS http.Handler) http.Handler {
	if len(p) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.overPlain(r) {
			toHTTPS.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
