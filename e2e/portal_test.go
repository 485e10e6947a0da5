package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"guildhall/platform/guildtest"
	"guildhall/platform/session"
)

// enter opens a browser that trusts the installation, has used a one-time link and
// went on from the portal to the services.
func enter(t *testing.T, s *server) context.Context {
	t.Helper()
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{RootPEM: []byte(must(t, "ca", "root", "--data", s.data))})
	visit(t, ctx, strings.TrimSpace(must(t, "admin", "link", "--data", s.data)))
	for _, service := range []string{"ca", "identity", "license"} {
		visit(t, ctx, s.portal+session.PassPath(service))
	}
	return ctx
}

func visit(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(url))
}

func do(t *testing.T, ctx context.Context, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	if _, err := chromedp.Run(ctx, action); err != nil {
		t.Fatal(err)
	}
}

// service is the address of a service's host.
func (s *server) service(name string) string {
	return strings.Replace(s.portal, "https://", "https://"+name+".", 1)
}

func TestPortalPagesPlease(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx := enter(t, s)
	for name, url := range map[string]string{"services": s.portal + "/", "jobs": s.portal + "/jobs", "api": s.service("ca") + "/api"} {
		t.Run(name, func(t *testing.T) { guildtest.Inspect(t, ctx, url, "", name) })
	}
}

func TestAPIPageSendsRequests(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx := enter(t, s)
	visit(t, ctx, s.service("ca")+"/api")
	const form = chromedp.CSS(`form[data-path="/api/v1/roots"]`)
	do(t, ctx, chromedp.Click(`details:has(> `+form+`) > summary`))
	do(t, ctx, chromedp.Click(form+` button`))
	do(t, ctx, chromedp.WaitVisible(form+` [data-answer]`))
	text, err := chromedp.Run(ctx, chromedp.Text(form+` [data-answer]`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "200") || !strings.Contains(text, "root_fingerprint") {
		t.Fatalf("the answer reads %q", text)
	}
}

func TestLeavingEndsTheSession(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx := enter(t, s)
	visit(t, ctx, s.service("ca")+"/certificates")
	do(t, ctx, chromedp.Submit(`form[action="/admin/leave"]`))
	do(t, ctx, chromedp.WaitNotPresent(`form[action="/admin/leave"]`))
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(s.service("ca")+"/certificates"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(answer.URL, s.service("identity")+"/sign-in") {
		t.Fatalf("after leaving: %d %s", answer.Status, answer.URL)
	}
}
