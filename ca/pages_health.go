package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"guildhall/ca/internal/crl"
	views "guildhall/ca/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// endsSoon is how long before the end of one of the authority's own
// certificates the start page begins to warn.
const endsSoon = 90 * 24 * time.Hour

// health is the authority's state, line by line.
func (p *pages) health(ctx context.Context, now time.Time) []views.Check {
	keys := p.Certificates.Keys
	return []views.Check{
		certificateCheck(ctx, i18n.T(ctx, "ca.health.root"), keys.RootCertificate(), now),
		certificateCheck(ctx, i18n.T(ctx, "ca.health.issuing"), keys.Issuing().Certificate, now),
		p.rootKeyCheck(ctx),
		p.listCheck(ctx, crl.Issuing, i18n.T(ctx, "ca.crl.issuing"), now),
		p.listCheck(ctx, crl.Root, i18n.T(ctx, "ca.crl.root"), now),
		p.auditCheck(ctx),
		p.clockCheck(ctx),
	}
}

func certificateCheck(ctx context.Context, name string, c *x509.Certificate, now time.Time) views.Check {
	line := views.Check{Name: name, Tone: ui.Good, State: i18n.T(ctx, "ca.state.valid"),
		Text: i18n.T(ctx, "ca.health.ends", "Date", i18n.Date(ctx, c.NotAfter), "Distance", i18n.Relative(ctx, c.NotAfter, now)), URL: "/trust"}
	switch left := c.NotAfter.Sub(now); {
	case left < 0:
		line.Tone, line.State = ui.Bad, i18n.T(ctx, "ca.state.expired")
	case left < endsSoon:
		line.Tone, line.State = ui.Warn, i18n.T(ctx, "ca.state.expiring")
	}
	return line
}

// rootKeyCheck reminds the administrator that the passphrase belongs elsewhere.
func (p *pages) rootKeyCheck(ctx context.Context) views.Check {
	line := views.Check{Name: i18n.T(ctx, "ca.health.rootkey"), Tone: ui.Good, State: i18n.T(ctx, "ca.health.offline"),
		Text: i18n.T(ctx, "ca.health.offline.text")}
	if p.Certificates.Keys.RootOnline() {
		line.Tone, line.State = ui.Warn, i18n.T(ctx, "ca.health.online")
		line.Text = i18n.T(ctx, "ca.health.online.text", "File", p.Certificates.Keys.PassphraseFile())
	}
	return line
}

func (p *pages) listCheck(ctx context.Context, list, name string, now time.Time) views.Check {
	line := views.Check{Name: name, URL: "/revocations"}
	l, err := p.Lists.Current(ctx, list)
	switch {
	case errors.Is(err, crl.ErrNotFound):
		line.Tone, line.State, line.Text = ui.Bad, i18n.T(ctx, "ca.health.missing"), i18n.T(ctx, "ca.crl.none.text")
	case err != nil:
		line.Tone, line.State, line.Text = ui.Bad, i18n.T(ctx, "ca.health.unknown"), web.FaultText(ctx, err)
	case !now.Before(l.NextUpdate):
		line.Tone, line.State = ui.Bad, i18n.T(ctx, "ca.crl.over")
		line.Text = i18n.T(ctx, "ca.health.crl.over", "At", l.NextUpdate)
	default:
		line.Tone, line.State = ui.Good, i18n.T(ctx, "ca.crl.current")
		line.Text = i18n.T(ctx, "ca.health.crl", "Issued", i18n.Relative(ctx, l.ThisUpdate, now), "Next", i18n.Relative(ctx, l.NextUpdate, now))
	}
	return line
}

// auditCheck looks at the signed head alone; the page of the log verifies all.
func (p *pages) auditCheck(ctx context.Context) views.Check {
	line := views.Check{Name: i18n.T(ctx, "ca.health.audit"), Tone: ui.Good, State: i18n.T(ctx, "ca.health.signed"), URL: "/audit"}
	head, err := p.Audit.Head(ctx)
	if err != nil {
		line.Tone, line.State, line.Text = ui.Bad, i18n.T(ctx, "ca.health.damaged"), web.FaultText(ctx, err)
		return line
	}
	line.Text = i18n.T(ctx, "ca.health.audit.text", "Count", head.Size)
	return line
}

func (p *pages) clockCheck(ctx context.Context) views.Check {
	line := views.Check{Name: i18n.T(ctx, "ca.health.clock"), Tone: ui.Good, State: i18n.T(ctx, "ca.health.clock.good")}
	now, err := p.Certificates.Guard.Now()
	line.Text = i18n.DateTime(ctx, now)
	if err != nil {
		line.Tone, line.State, line.Text = ui.Bad, i18n.T(ctx, "ca.health.clock.behind"), web.FaultText(ctx, err)
	}
	return line
}
