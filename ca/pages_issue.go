package ca

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	views "guildhall/ca/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) issueForm(w http.ResponseWriter, r *http.Request) error {
	f := form.New("profile", profile.Server, "unit", "days", "key_type", string(profile.ECDSAP256), "reuse", "", "as", certificate.NewID())
	return p.showIssue(w, r, f)
}

func (p *pages) showIssue(w http.ResponseWriter, r *http.Request, f *form.Form) error {
	ctx := r.Context()
	return p.show(w, r, f.Err() != nil, web.Page{Title: i18n.T(ctx, "ca.issue.title"), Active: "/certificates", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "ca.nav.certificates", "/certificates")},
		Body: views.IssuePage(views.Issue{Way: issueWay(r), Form: f, Profiles: p.Certificates.Profiles.Requestable(),
			KeepKeys: p.Certificates.KeepKeys})})
}

// issueWay is which of the two forms the address names.
func issueWay(r *http.Request) string {
	if r.URL.Query().Get("key") == "made" {
		return views.ByMade
	}
	return views.ByCSR
}

func (p *pages) issue(w http.ResponseWriter, r *http.Request) error {
	f, err := readUpload(r, "csr", "csr_file", "CERTIFICATE REQUEST")
	if err != nil {
		return err
	}
	ask := p.readIssue(r, f)
	if !certificate.IsID(ask.As) {
		return errMalformedForm
	}
	if f.Err() != nil {
		p.checkNames(f, ask)
		return p.showIssue(w, r, f)
	}
	issued, err := p.Certificates.Issue(r.Context(), ask)
	if takeFields(f, err) {
		return p.showIssue(w, r, f)
	}
	return p.handOut(w, r, ask.As, issued, err)
}

// readIssue reads the form; what is wrong is noted there.
func (p *pages) readIssue(r *http.Request, f *form.Form) certificate.IssueRequest {
	ask := certificate.IssueRequest{CommonName: f.Text("common_name"), Names: f.Lines("sans", profile.MaxNames),
		Reuse: f.Bool("reuse"), As: f.Value("as"), By: by(r)}
	var names []string
	for _, known := range p.Certificates.Profiles.Requestable() {
		names = append(names, known.Name)
	}
	ask.Profile = f.Choice("profile", names...)
	if chosen, ok := p.Certificates.Profiles.Get(ask.Profile); ok {
		ask.Lifetime = readLifetime(f, chosen.MaxLifetime)
	}
	if issueWay(r) == views.ByCSR {
		ask.CSR = []byte(f.Text("csr", form.Required))
		return ask
	}
	if ask.CommonName == "" && len(ask.Names) == 0 {
		f.Text("common_name", form.Required)
	}
	ask.KeyType = profile.KeyType(f.Choice("key_type", keyTypes()...))
	ask.KeepKey = f.Bool("keep_key")
	return ask
}

// checkNames adds what is wrong with the names of a form that is wrong already,
// so that all of it is seen at once.
func (p *pages) checkNames(f *form.Form, ask certificate.IssueRequest) {
	chosen, ok := p.Certificates.Profiles.Get(ask.Profile)
	if !ok || ask.CommonName == "" && len(ask.Names) == 0 {
		return
	}
	_, err := p.Certificates.Profiles.Check(chosen, profile.Request{CommonName: ask.CommonName, Names: ask.Names})
	takeFields(f, err)
}

func keyTypes() []string {
	var names []string
	for _, t := range profile.KeyTypes() {
		names = append(names, string(t))
	}
	return names
}

// readLifetime reads the length of life, in the unit that was chosen; zero when
// the field is empty.
func readLifetime(f *form.Form, most time.Duration) time.Duration {
	unit := time.Hour
	if f.Choice("unit", "days", "hours") == "days" {
		unit = 24 * time.Hour
	}
	if strings.TrimSpace(f.Value("lifetime")) == "" {
		return 0
	}
	return time.Duration(f.Int("lifetime", 1, int64(max(most/unit, 1)))) * unit
}

// handOut answers with what was issued under the form's id: on a page of its own
// when a key goes with it, since that is there once.
func (p *pages) handOut(w http.ResponseWriter, r *http.Request, as string, issued *certificate.Issued, err error) error {
	if errors.Is(err, certificate.ErrIssuedBefore) {
		return p.showRepeated(w, r, as)
	}
	if err != nil {
		return err
	}
	if issued.KeyPEM != "" {
		return p.showHandover(w, r, views.Handover{Record: issued.Record, KeyPEM: issued.KeyPEM})
	}
	text, tone := i18n.T(r.Context(), "ca.issue.done"), ui.Good
	if issued.Reused {
		text, tone = i18n.T(r.Context(), "ca.issue.reused"), ui.Info
	}
	p.shell.Flash(w, r, tone, text)
	p.shell.Redirect(w, r, views.URL(issued.Record))
	return nil
}

// showRepeated answers a form that was sent before, such as by loading the page
// with the key again. That key is gone: it was on the first answer alone.
func (p *pages) showRepeated(w http.ResponseWriter, r *http.Request, as string) error {
	record, err := p.Certificates.Get(r.Context(), as)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if !record.KeyMade {
		p.shell.Flash(w, r, ui.Info, i18n.T(ctx, "ca.repeated.csr"))
		p.shell.Redirect(w, r, views.URL(record))
		return nil
	}
	p.shell.Render(w, r, http.StatusConflict, web.Page{Title: i18n.T(ctx, "ca.repeated.title"), Active: "/certificates", Narrow: true,
		Crumbs: crumbsTo(ctx, record), Body: views.RepeatedPage(record)})
	return nil
}

func (p *pages) showHandover(w http.ResponseWriter, r *http.Request, h views.Handover) error {
	ctx := r.Context()
	secret(w)
	h.ChainPEM = certificate.PEM(p.Certificates.Chain(h.Record)...)
	return p.show(w, r, h.Form.Problems() != nil, web.Page{Title: i18n.T(ctx, "ca.handover.title", "Name", views.Title(h.Record)), Active: "/certificates", Narrow: true, Once: true,
		Crumbs: []web.Crumb{crumb(ctx, "ca.nav.certificates", "/certificates")}, Body: views.HandoverPage(h)})
}

// takeFields adds the field errors of err to the form, each at the field where
// it was typed: the names are one field with a line each.
func takeFields(f *form.Form, err error) bool {
	e := fault.As(err)
	fields := slices.Clone(e.Fields)
	for i, wrong := range fields {
		fields[i] = atField(wrong)
	}
	return f.Take(fault.Fields(fields...))
}

func atField(e fault.Field) fault.Field {
	if strings.HasPrefix(e.Name, "sans[") {
		e.Name = "sans"
	}
	if why, ok := e.Args["Why"].(string); ok { // one code with several sentences
		e.Code += "." + why
	}
	if e.Args != nil {
		return e
	}
	// These have sentences with placeholders in the catalogue.
	switch e.Code {
	case "too_long":
		e.Args = map[string]any{"Count": 64}
	case "too_short":
		e.Args = map[string]any{"Count": 8}
	case "out_of_range":
		e.Code = "ca_lifetime"
	}
	return e
}
