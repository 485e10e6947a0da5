package web

import (
	"bytes"
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/certificate"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Verify is the page that checks a certificate.
type Verify struct {
	Form *form.Form
	// Result is nil until something was checked.
	Result *certificate.Verification
	// Name is what the certificate had to be good for; may be empty.
	Name string
	Now  time.Time
	// Issuer is the subject of the authority's issuing certificate.
	Issuer string
}

func checkName(ctx context.Context, name string) string { return known(ctx, "ca.check."+name, name) }

func (v Verify) badge(ctx context.Context, c certificate.Check) templ.Component {
	if c.OK {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "ca.verify.pass")}
	}
	if c.Skipped {
		return ui.Badge{Tone: ui.Neutral, Label: i18n.T(ctx, "ca.verify.skipped")}
	}
	return ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "ca.verify.fail")}
}

func (v Verify) checks(ctx context.Context) ui.Definitions {
	var list ui.Definitions
	for _, c := range v.Result.Checks {
		list = append(list, ui.Term{Name: checkName(ctx, c.Name), Value: ui.Group{v.badge(ctx, c), ui.Text(v.why(ctx, c))}})
	}
	return list
}

// why says in the reader's language what a check found.
func (v Verify) why(ctx context.Context, c certificate.Check) string {
	if c.OK {
		return v.passed(ctx, c)
	}
	if c.Skipped && v.foreign() {
		return i18n.T(ctx, "ca.verify.revocation.foreign")
	}
	if c.Skipped {
		return i18n.T(ctx, "ca.verify.chain.forged")
	}
	switch c.Name {
	case certificate.CheckChain:
		return v.badChain(ctx)
	case certificate.CheckValidity:
		return v.badValidity(ctx)
	case certificate.CheckConstraints:
		return i18n.T(ctx, "ca.verify.constraints.bad")
	case certificate.CheckUsage:
		return i18n.T(ctx, "ca.verify.usage.bad")
	case certificate.CheckRevocation:
		return v.badRevocation(ctx)
	case certificate.CheckName:
		return i18n.T(ctx, "ca.verify.name.bad", "Name", v.Name)
	}
	return c.Detail
}

func (v Verify) passed(ctx context.Context, c certificate.Check) string {
	switch c.Name {
	case certificate.CheckChain:
		return i18n.T(ctx, "ca.verify.chain.good")
	case certificate.CheckValidity:
		return i18n.T(ctx, "ca.verify.validity.good", "At", v.Result.Certificate.NotAfter.UTC())
	case certificate.CheckConstraints:
		return i18n.T(ctx, "ca.verify.constraints.good")
	case certificate.CheckUsage:
		return i18n.T(ctx, "ca.verify.usage.good")
	case certificate.CheckRevocation:
		return i18n.T(ctx, "ca.verify.revocation.good")
	case certificate.CheckName:
		return i18n.T(ctx, "ca.verify.name.good", "Name", v.Name)
	}
	return c.Detail
}

// foreign is true of a certificate that names another issuer.
func (v Verify) foreign() bool { return v.Result.Certificate.Issuer.String() != v.Issuer }

func (v Verify) badChain(ctx context.Context) string {
	if v.foreign() {
		return i18n.T(ctx, "ca.verify.chain.foreign", "Issuer", v.Result.Certificate.Issuer.String())
	}
	return i18n.T(ctx, "ca.verify.chain.forged")
}

func (v Verify) badValidity(ctx context.Context) string {
	cert := v.Result.Certificate
	switch {
	case v.Now.Before(cert.NotBefore):
		return i18n.T(ctx, "ca.verify.validity.early", "At", cert.NotBefore.UTC())
	case v.Now.After(cert.NotAfter):
		return i18n.T(ctx, "ca.verify.validity.late", "At", cert.NotAfter.UTC())
	}
	return i18n.T(ctx, "ca.verify.validity.issuer")
}

func (v Verify) badRevocation(ctx context.Context) string {
	r := v.Result.Record
	switch {
	case r == nil:
		return i18n.T(ctx, "ca.verify.revocation.unknown")
	case !bytes.Equal(r.DER, v.Result.Certificate.Raw):
		return i18n.T(ctx, "ca.verify.revocation.other")
	}
	return i18n.T(ctx, "ca.verify.revocation.bad", "At", r.RevokedAt, "Reason", ReasonName(ctx, r.Reason))
}
