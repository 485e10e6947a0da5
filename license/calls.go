package license

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"guildhall/license/internal/call"
	"guildhall/license/internal/file"
	"guildhall/license/internal/transport"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// errMediaType says that a request is sealed otherwise than its address takes.
var errMediaType = fault.New(fault.Malformed, "media_type_wrong", "This address does not take the media type. Send %s to %s over https, or %s or %s to %s.",
	sealed.TypeHTTPS, license.PathCalls, sealed.TypePSK, sealed.TypeHPKE, license.PathSealed)

var (
	errCall    = fault.New(fault.NotFound, "call_unknown", "There is no such call.")
	errProduct = fault.New(fault.Malformed, "product_missing", "Name the product by its code: ?product=press.")
)

// answered says whether there is such a call.
func answered(call string) bool {
	switch call {
	case license.CallActivate, license.CallValidate, license.CallHeartbeat, license.CallOpen, license.CallFunction, license.CallFiles, license.CallTime:
		return true
	}
	return false
}

// calls is what the programs of customers ask.
type calls struct {
	keys    *transport.Desk
	service *call.Service
	files   *file.Desk
	log     *slog.Logger
}

// Mount registers what TLS protects: an address of its own, so that no message goes in
// the open by mistake.
func (c *calls) Mount(mux *http.ServeMux) {
	mux.HandleFunc("POST "+license.PathCalls+"{call}", c.handler(func(m sealed.Mode) bool { return m == sealed.HTTPS }))
}

// MountPlain registers what protects itself.
func (c *calls) MountPlain(mux *http.ServeMux) {
	mux.HandleFunc("POST "+license.PathSealed+"{call}", c.handler(func(m sealed.Mode) bool { return m != sealed.HTTPS }))
	mux.HandleFunc("GET "+license.PathConfiguration, c.configuration)
	mux.HandleFunc("GET "+license.PathFiles, c.download)
}

func (c *calls) handler(takes func(sealed.Mode) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !answered(r.PathValue("call")) {
			c.fail(w, r, errCall)
			return
		}
		answer, err := c.answer(w, r, takes)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		answer.SetHeader(w.Header())
		_, _ = w.Write(answer.Body) // the client is gone if this fails
	}
}

// answer is the signed answer, or the error of a request that cannot have one.
func (c *calls) answer(w http.ResponseWriter, r *http.Request, takes func(sealed.Mode) bool) (sealed.Wire, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sealed.MaxSealed))
	if err != nil {
		return sealed.Wire{}, fmt.Errorf("read a request: %w", err)
	}
	wire, err := sealed.ReadWire(r.Header, body)
	if err != nil || !takes(wire.Mode) {
		return sealed.Wire{}, errMediaType.Because(err)
	}
	opened, err := c.keys.Open(r.Context(), r.PathValue("call"), r.Method, r.URL.Path, wire)
	if err != nil {
		return sealed.Wire{}, err
	}
	in := call.Incoming{Request: opened.Message, IP: clientIP(r), Once: opened.Once, Proof: opened.Proof != nil,
		Verify: func(public []byte) bool { return opened.VerifyProof(public) == nil }}
	if opened.Flaw != "" {
		return c.keys.Answer(opened, c.service.Malformed(opened.Flaw))
	}
	answer, err := c.service.Answer(r.Context(), in)
	if err != nil {
		return sealed.Wire{}, err
	}
	return c.keys.Answer(opened, answer)
}

func clientIP(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // decided as any other address that is none
	}
	return from.Addr().Unmap().WithZone("")
}

func (c *calls) configuration(w http.ResponseWriter, r *http.Request) {
	product := r.URL.Query().Get("product")
	if product == "" {
		c.fail(w, r, errProduct)
		return
	}
	text, err := c.keys.Configuration(r.Context(), product)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text) //nolint:gosec // no page; and the client is gone if this fails
}

func (c *calls) fail(w http.ResponseWriter, r *http.Request, err error) {
	if fault.As(err).Kind == fault.Internal {
		c.log.ErrorContext(r.Context(), "a call was not answered", "path", r.URL.Path, "err", err)
	}
	fault.Write(w, r, err)
}
