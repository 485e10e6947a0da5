package ca

import (
	"context"
	"net/http"
	"slices"

	"guildhall/ca/internal/certificate"
	views "guildhall/ca/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// revoke revokes a certificate and says how far the news came.
func (p *pages) revoke(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	record, err := p.record(r)
	if err != nil {
		return err
	}
	reason := f.Value("reason")
	if !slices.Contains(certificate.Reasons(), reason) {
		f.Fail(fault.Field{Name: "reason", Code: "unknown_reason", Detail: "Choose one of the reasons."})
		return p.showCertificate(w, r, record, f)
	}
	done, err := p.Certificates.Revoke(r.Context(), certificate.RevokeRequest{ID: record.ID, Reason: reason, By: by(r)})
	if err != nil {
		return err
	}
	tone, text := reached(r.Context(), done)
	p.shell.Flash(w, r, tone, text)
	p.shell.Redirect(w, r, views.URL(done.Record))
	return nil
}

// reached says which peers know of a revocation.
func reached(ctx context.Context, done *certificate.Revoked) (ui.Tone, string) {
	reach := done.Reach
	switch {
	case done.Unannounced:
		return ui.Warn, i18n.T(ctx, "ca.revoke.unannounced")
	case reach.Peers == 0:
		return ui.Good, i18n.T(ctx, "ca.revoke.nobody")
	case len(reach.Lapsed) > 0:
		return ui.Warn, i18n.T(ctx, "ca.revoke.lapsed", "Acknowledged", reach.Acknowledged, "Peers", reach.Peers, "Lapsed", i18n.List(ctx, reach.Lapsed))
	}
	return ui.Good, i18n.T(ctx, "ca.revoke.done", "Count", reach.Acknowledged)
}
