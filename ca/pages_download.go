package ca

import (
	"encoding/pem"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/fault"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

var errNoFormat = fault.New(fault.NotFound, "ca_no_format", "There is no such download. Choose one on the certificate's page.")

// download sends a certificate as a file. The media types are those of RFC 8555
// (chain) and RFC 2585 (DER).
func (p *pages) download(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	switch r.PathValue("format") {
	case "pem":
		return sendFile(w, fileName(record, ".pem"), "application/x-pem-file", []byte(certificate.PEM(record.DER)))
	case "chain":
		return sendFile(w, fileName(record, "-chain.pem"), "application/pem-certificate-chain", []byte(certificate.PEM(p.Certificates.Chain(record)...)))
	case "der":
		return sendFile(w, fileName(record, ".cer"), "application/pkix-cert", record.DER)
	}
	return errNoFormat
}

func sendFile(w http.ResponseWriter, name, mediaType string, content []byte) error {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "private, no-cache")
	}
	_, _ = w.Write(content) //nolint:gosec // a download, never shown as a page; the client is gone if this fails
	return nil
}

// fileName is the certificate's name as every file system takes it.
func fileName(r *store.Record, end string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			return c
		}
		return '_'
	}, strings.Replace(views.Title(r), "*.", "wildcard.", 1))
	return strings.TrimLeft(name, ".-") + end
}

// downloadKey sends back, as a file, the key that the page before shows: the
// authority does not have it any more.
func (p *pages) downloadKey(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(f.Secret("private_key", form.Required)))
	if block == nil || block.Type != "PRIVATE KEY" {
		return errNoFormat
	}
	if _, err := certificate.ParsePrivateKey(string(pem.EncodeToMemory(block))); err != nil {
		return errNoFormat.Because(fmt.Errorf("read the key: %w", err))
	}
	secret(w)
	return sendFile(w, fileName(record, "-key.pem"), "application/x-pem-file", pem.EncodeToMemory(block))
}

func (p *pages) bundleForm(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	return p.showBundle(w, r, record, nil)
}

func (p *pages) showBundle(w http.ResponseWriter, r *http.Request, record *store.Record, f *form.Form) error {
	kept, err := p.Certificates.Store.KeyOf(r.Context(), record.ID)
	if err != nil {
		return err
	}
	return p.show(w, r, f.Problems() != nil, web.Page{Title: titleFor(r.Context(), "ca.p12.for", record), Active: "/certificates", Narrow: true,
		Crumbs: crumbsTo(r.Context(), record), Body: views.BundlePage(views.Bundle{Record: record, Kept: kept != nil, Form: f})})
}

func (p *pages) bundle(w http.ResponseWriter, r *http.Request) error {
	record, err := p.record(r)
	if err != nil {
		return err
	}
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	secret(w)
	key := f.Secret("private_key")
	if key == "" && !p.shownRecently(w, r, views.URL(record)+"/pkcs12") { // the key that is kept
		return nil
	}
	file, err := p.Certificates.PKCS12(r.Context(), certificate.BundleRequest{ID: record.ID, Password: f.Secret("password"), KeyPEM: key, By: by(r)})
	switch {
	case takeFields(f, err) && f.Bool("handover"):
		return p.showHandover(w, r, views.Handover{Record: record, KeyPEM: key, Form: f})
	case f.Err() != nil:
		return p.showBundle(w, r, record, f)
	case err != nil:
		return err
	}
	return sendFile(w, fileName(record, ".p12"), "application/x-pkcs12", file)
}
