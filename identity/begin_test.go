package identity

import (
	"net/http"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/role"
)

func TestStrangersBeginSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	shop, stranger := h.app(t, nil), h.browser()
	for range beginBurst {
		stranger.waits(t, shop)
	}
	stranger.get(t, asking(shop)).wants(t, http.StatusTooManyRequests, "Too many requests")
	known, _ := h.holder(t, "ania@example.com", role.Viewer)
	known.waits(t, shop)
	h.Clock.Advance(time.Second)
	for range beginRate {
		stranger.waits(t, shop)
	}
	stranger.get(t, asking(shop)).wants(t, http.StatusTooManyRequests)
}

func TestPublicApplicationsBeginSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	tv := i.application(t, client.Device, nil)
	for range beginBurst {
		tv.post(t, devicePath).fine(t)
	}
	many := tv.post(t, devicePath)
	if many.StatusCode != http.StatusTooManyRequests || many.Header.Get("Retry-After") != "1" || many.text("error") != "temporarily_unavailable" {
		t.Errorf("one more device: %d %v", many.StatusCode, many)
	}
	// Who shows who it is goes on.
	web := i.application(t, client.Web, nil)
	_, challenge := pkce()
	web.post(t, parPath, "response_type", "code", "redirect_uri", web.RedirectURIs[0], "scope", "openid", "code_challenge", challenge, "code_challenge_method", "S256").fine(t)
}
