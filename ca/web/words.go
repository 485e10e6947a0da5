package web

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// StateBadge is the state of a certificate, one of store's, as a badge.
func StateBadge(ctx context.Context, state string) templ.Component {
	tone := ui.Neutral
	switch state {
	case store.Valid:
		tone = ui.Good
	case store.Expiring:
		tone = ui.Warn
	case store.Revoked:
		tone = ui.Bad
	}
	return ui.Badge{Tone: tone, Label: StateName(ctx, state)}
}

// StateName is a state in the reader's language.
func StateName(ctx context.Context, state string) string {
	switch state {
	case store.Valid:
		return i18n.T(ctx, "ca.state.valid")
	case store.Expiring:
		return i18n.T(ctx, "ca.state.expiring")
	case store.Expired:
		return i18n.T(ctx, "ca.state.expired")
	}
	return i18n.T(ctx, "ca.state.revoked")
}

// ProfileName is a profile in the reader's language; a name that the catalogue
// does not know stays as it is.
func ProfileName(ctx context.Context, name string) string {
	return known(ctx, "ca.profile."+name, name)
}

// ReasonName is RFC 5280's reason for a revocation, by its number.
func ReasonName(ctx context.Context, reason int) string {
	name := certificate.ReasonName(reason)
	return known(ctx, "ca.reason."+name, name)
}

// ActionName is what an entry of the audit log says was done.
func ActionName(ctx context.Context, action string) string {
	return known(ctx, "ca.action."+action, logpage.ActionName(ctx, action))
}

// ActorName is who did something, in few words: the audit log's id of an
// administrator says more than fits. The log's page shows the id itself too.
func ActorName(ctx context.Context, actor string) string {
	if actor == audit.System {
		return i18n.T(ctx, "ca.actor.system")
	}
	return logpage.Called(ctx, actor)
}

func known(ctx context.Context, key, fallback string) string {
	if s, ok := i18n.Lookup(ctx, key); ok {
		return s
	}
	return fallback
}

// KeyName is a type of key as people write it: "ECDSA P-256".
func KeyName(keyType string) string {
	switch keyType {
	case "ecdsa-p256":
		return "ECDSA P-256"
	case "ecdsa-p384":
		return "ECDSA P-384"
	case "ed25519":
		return "Ed25519"
	}
	return strings.ToUpper(strings.Replace(keyType, "-", " ", 1))
}

// Title is what a certificate is called: its common name, else its first name,
// else its serial number.
func Title(r *store.Record) string {
	switch {
	case r.CommonName != "":
		return r.CommonName
	case len(r.Names) > 0:
		return bare(r.Names[0])
	}
	return r.Serial
}

// bare is a name without its kind: "shop.example.com" of "dns:shop.example.com".
func bare(name string) string {
	_, value, ok := strings.Cut(name, ":")
	if !ok {
		return name
	}
	return value
}

// URL is the address of a certificate's page.
func URL(r *store.Record) string { return "/certificates/" + r.ID }

// shortDay is a day without its year, for the foot of a chart.
func shortDay(ctx context.Context, t time.Time) string {
	year := t.Format("2006")
	return strings.TrimPrefix(strings.TrimSuffix(i18n.Date(ctx, t), " "+year), year+"年")
}

// until is a date and how far away it is: "12 Nov 2046 (in 20 years)".
func until(ctx context.Context, t, now time.Time) string {
	return i18n.T(ctx, "ca.until", "Date", i18n.Date(ctx, t), "Distance", i18n.Relative(ctx, t, now))
}

// Days is a length of time in the unit that reads best: "90 days", "12 hours".
func Days(ctx context.Context, d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return i18n.T(ctx, "i18n.duration.days", "Count", int(d/day))
	}
	return i18n.Duration(ctx, d)
}

// number writes an identifying number, such as a row's: digits alone.
func number(n int64) string { return strconv.FormatInt(n, 10) }

// subjectOf is what a certificate of anybody's is called.
func subjectOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.Subject.Names) > 0:
		return c.Subject.String()
	}
	return hex.EncodeToString(c.SerialNumber.Bytes())
}
