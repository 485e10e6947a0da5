package web

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Detail is one certificate, with everything that is known of it.
type Detail struct {
	Record      *store.Record
	Certificate *x509.Certificate
	// Chain are the issuing certificate and the root.
	Chain []*x509.Certificate
	State string
	Now   time.Time
	// Events are its entries of the audit log, newest first.
	Events []Event
	// Operator says that the reader may issue and revoke.
	Operator bool
	// Renewable says that an administrator may renew it: its profile is given on
	// request.
	Renewable bool
	// Revoking is the form of the revocation when it was wrong.
	Revoking *form.Form
}

func (d Detail) terms(ctx context.Context) ui.Definitions {
	r := d.Record
	list := ui.Definitions{
		{Name: i18n.T(ctx, "ca.detail.subject"), Value: ui.Text(orDash(d.Certificate.Subject.String()))},
		{Name: i18n.T(ctx, "ca.detail.names"), Value: nameList(r.Names)},
		{Name: i18n.T(ctx, "ca.col.profile"), Value: ui.Text(ProfileName(ctx, r.Profile))},
		{Name: i18n.T(ctx, "ca.col.serial"), Value: ui.Mono(r.Serial), Copy: r.Serial},
		{Name: i18n.T(ctx, "ca.detail.key"), Value: ui.Group{ui.Text(KeyName(r.KeyType)), ui.Muted(d.keyOrigin(ctx))}},
		{Name: i18n.T(ctx, "ca.detail.fingerprint"), Value: ui.Mono(fingerprint(r.DER)), Copy: fingerprint(r.DER)},
		{Name: i18n.T(ctx, "ca.detail.keyid"), Value: ui.Mono(r.KeyID), Copy: r.KeyID},
		{Name: i18n.T(ctx, "ca.detail.requester"), Value: ui.Group{ui.Text(ActorName(ctx, r.Requester)), ui.Mono(r.Requester)}},
		{Name: i18n.T(ctx, "ca.detail.id"), Value: ui.Mono(r.ID), Copy: r.ID},
	}
	if r.Renews != "" {
		list = append(list, ui.Term{Name: i18n.T(ctx, "ca.detail.renews"), Value: ui.Link{Label: r.Renews, URL: "/certificates/" + r.Renews}})
	}
	if r.RenewedBy != "" {
		list = append(list, ui.Term{Name: i18n.T(ctx, "ca.detail.renewedby"), Value: ui.Link{Label: r.RenewedBy, URL: "/certificates/" + r.RenewedBy}})
	}
	return list
}

func (d Detail) keyOrigin(ctx context.Context) string {
	if d.Record.KeyMade {
		return i18n.T(ctx, "ca.detail.key.here")
	}
	return i18n.T(ctx, "ca.detail.key.theirs")
}

// fingerprint is the SHA-256 of a certificate.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return colons(sum[:])
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// validity is how much of the certificate's life is over.
func (d Detail) validity(ctx context.Context) ui.Progress {
	r := d.Record
	total := r.NotAfter.Sub(r.NotBefore)
	over := min(max(d.Now.Sub(r.NotBefore), 0), total)
	return ui.Progress{Label: i18n.T(ctx, "ca.detail.validity"), Value: int64(over / time.Second), Max: int64(total / time.Second),
		Text: i18n.Relative(ctx, r.NotAfter, d.Now)}
}

func (d Detail) dates(ctx context.Context) ui.Definitions {
	list := ui.Definitions{
		{Name: i18n.T(ctx, "ca.detail.from"), Value: ui.Time{At: d.Record.NotBefore}},
		{Name: i18n.T(ctx, "ca.detail.to"), Value: ui.Time{At: d.Record.NotAfter}},
	}
	if d.State == store.Valid {
		list = append(list, ui.Term{Name: i18n.T(ctx, "ca.detail.renewat"), Value: ui.Time{At: d.Record.RenewAt}})
	}
	return list
}

// Actions are what can be done with the certificate, for the head of its page.
func (d Detail) Actions(ctx context.Context) []templ.Component {
	if d.Record.Revoked() || !d.Operator {
		return nil
	}
	var list []templ.Component
	if d.Renewable {
		list = append(list, ui.Button{Label: i18n.T(ctx, "ca.detail.renew"), URL: URL(d.Record) + "/renew", Icon: "refresh", Primary: d.State != store.Valid})
	}
	if d.State != store.Expired {
		list = append(list, d.revoke(ctx))
	}
	return list
}
