package app

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"guildhall/platform/fault"
	"guildhall/platform/web"
)

// certifiedPrefix begins the names of the hosts of Service.Certified:
// "mtls.bank.example.com".
const certifiedPrefix = "mtls."

// mountCertified puts Service.Certified on its host. Nobody is signed in there and
// pages of other sites may send nothing: a browser would show the certificate of
// its person whoever asks it to.
func (a *App) mountCertified(s *running, shell *web.Shell) {
	mux := http.NewServeMux()
	s.svc.Certified(mux)
	a.hosts.byName[certifiedPrefix+s.def.Name] = a.measure(s.def.Name, a.site.Wrap(a.limits.around(shell.Handler(mux), shell.Error)))
}

// publicTLS is how the public listener shakes hands. It asks for a certificate
// where the client names a host of Service.Certified (SNI), and nowhere else.
// Whose certificate it is and who stands for it, the service finds out.
func (a *App) publicTLS() *tls.Config {
	usual := &tls.Config{GetCertificate: a.public.get, MinVersion: tls.VersionTLS12}
	asking := usual.Clone()
	asking.ClientAuth, asking.NextProtos = tls.RequestClientCert, []string{"h2", "http/1.1"}
	usual.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if a.hosts.certified(hello.ServerName) {
			return asking, nil
		}
		return nil, nil // the usual one
	}
	return usual
}

// certified says whether a host is one of Service.Certified.
func (h *hosts) certified(host string) bool {
	label, ours := h.label(host)
	return ours && strings.HasPrefix(label, certifiedPrefix) && h.byName[label] != nil
}

// misdirected is true of a request whose connection was made for another host,
// where one of the two asks for certificates and the other does not. A client may
// use one connection for all names in our certificate (RFC 9113, 9.1.1); told so,
// it makes another.
func (h *hosts) misdirected(r *http.Request) bool {
	if r.TLS == nil {
		return false
	}
	asked, host := normal(r.TLS.ServerName), normal(r.Host)
	return asked != host && (h.certified(asked) || h.certified(host))
}

// elsewhere refuses misdirected requests.
func elsewhere(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, fault.New(fault.Misdirected, "misdirected",
			"The connection was made for another host name than that of the request. Connect anew, for this one."))
	})
}

// normal is a host name without port and final dot, in lower case.
func normal(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
