package ca

import (
	"net/http"

	"guildhall/ca/internal/certificate"
	views "guildhall/ca/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
)

// trust tells how to trust the root. Anybody may read it: what it shows is in
// every certificate chain, and who does not trust the root yet has no other way.
func (p *pages) trust(w http.ResponseWriter, r *http.Request) error {
	ctx, frame := r.Context(), p.public
	if may(r, viewerRole) {
		frame = p.shell
	}
	addresses := p.Certificates.Addresses
	frame.Render(w, r, http.StatusOK, web.Page{Title: i18n.T(ctx, "ca.trust.title"), Lead: i18n.T(ctx, "ca.trust.lead"), Active: "/trust", Narrow: true,
		Body: views.TrustPage(views.Trust{Root: p.Certificates.Keys.RootCertificate(), PEMURL: addresses.Base + "/ca/root.pem",
			DERURL: addresses.RootCertificate(), PublicURL: p.PublicURL, On: views.SystemOf(r.URL.Query().Get("on")), Now: p.now()})})
	return nil
}

// trustFile sends the root under a name that still says what it is in a folder
// of downloads.
func (p *pages) trustFile(w http.ResponseWriter, r *http.Request) error {
	root := p.Certificates.Keys.RootCertificate().Raw
	switch name := r.PathValue("file"); name {
	case "guildhall-root.pem":
		return sendFile(w, name, "application/x-pem-file", []byte(certificate.PEM(root)))
	case "guildhall-root.cer":
		return sendFile(w, name, "application/pkix-cert", root)
	}
	return errNoFormat
}
