package ca

import (
	"net/http"

	"guildhall/ca/internal/certificate"
	views "guildhall/ca/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

func (p *pages) verifyForm(w http.ResponseWriter, r *http.Request) error {
	return p.showVerify(w, r, views.Verify{Form: form.New("name", r.URL.Query().Get("name"))})
}

func (p *pages) showVerify(w http.ResponseWriter, r *http.Request, v views.Verify) error {
	ctx := r.Context()
	v.Now, v.Issuer = p.now(), p.Certificates.Keys.Issuing().Certificate.Subject.String()
	return p.show(w, r, v.Form.Err() != nil, web.Page{Title: i18n.T(ctx, "ca.nav.verify"), Lead: i18n.T(ctx, "ca.verify.lead"), Active: "/verify", Narrow: true,
		Body: views.VerifyPage(v)})
}

func (p *pages) verify(w http.ResponseWriter, r *http.Request) error {
	f, err := readUpload(r, "certificate", "file", "CERTIFICATE")
	if err != nil {
		return err
	}
	v := views.Verify{Form: f, Name: f.Text("name")}
	text := f.Text("certificate")
	if f.Err() != nil {
		return p.showVerify(w, r, v)
	}
	v.Result, err = p.Certificates.Verify(r.Context(), certificate.VerifyRequest{PEM: text, Name: v.Name, By: by(r)})
	if e := fault.As(err); err != nil && e.Kind == fault.NotFound {
		f.Fail(fault.Field{Name: "name", Code: e.Code, Detail: e.Detail})
		return p.showVerify(w, r, v)
	}
	if err != nil && !takeFields(f, err) {
		return err
	}
	return p.showVerify(w, r, v)
}
