package session_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	"guildhall/sdk/go/identity/revocation"
)

// atBank runs a test on both engines.
func atBank(t *testing.T, test func(t *testing.T, b *bank)) {
	t.Parallel()
	guildtest.Engines(t, session.Migrations(), func(t *testing.T, d *db.DB) { test(t, openBank(t, d)) })
}

func TestSigningIn(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.expect("/open", http.StatusOK, "")
		p.signsIn("/work")
		p.expect("/work", http.StatusOK, "acc_1 Anna bank.operator")
		p.expect("/look", http.StatusOK, "acc_1")
		p.expect("/rule", http.StatusForbidden, "forbidden")
		if got := p.do(http.MethodGet, "/session/start?return_to=/look"); got.to.String() != "/look" && got.to.Path != "/look" {
			t.Errorf("who is signed in is sent to %s", got.to)
		}
		b.browser(t).expect("/open", http.StatusOK, "  ")
	})
}

func TestVisitorsWhoAreNotSignedIn(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		if got := p.do(http.MethodGet, "/look?page=2"); got.status != http.StatusSeeOther || got.to.RequestURI() != "/session/start?return_to=%2Flook%3Fpage%3D2" {
			t.Errorf("a page: %d, %s", got.status, got.to)
		}
		if got := p.do(http.MethodPost, "/look"); got.status != http.StatusUnauthorized {
			t.Errorf("a form: %d", got.status)
		}
		if got := p.do(http.MethodGet, "/look", "Accept", "application/json"); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("a program: %d", got.status)
		}
		part := p.do(http.MethodGet, "/look?page=3", "HX-Request", "true", "HX-Current-URL", bankURL+"/look?page=2")
		if part.status != http.StatusUnauthorized || part.header.Get("HX-Redirect") != "/session/start?return_to=%2Flook%3Fpage%3D2" {
			t.Errorf("a part of a page: %d, %v", part.status, part.header)
		}
	})
}

func TestSigningOut(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p, thief := b.browser(t), b.browser(t)
		p.signsIn("/work")
		thief.jar = copied(t, p)
		if got := p.do(http.MethodPost, "/session/end"); got.to.Path != "/session/ended" || strings.Join(b.ended, " ") != "gnt_1" {
			t.Fatalf("to %s, identity ended %v", got.to, b.ended)
		}
		for _, who := range []*browser{p, thief} {
			who.expect("/work", http.StatusSeeOther, "")
		}
		if got := p.do(http.MethodPost, "/session/end"); got.to.Path != "/session/ended" || len(b.ended) != 1 {
			t.Errorf("who is out already: %d, to %s", got.status, got.to)
		}
	})
}

func TestSigningOutWhileIdentityIsAway(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.signsIn("/work")
		b.change(func() { b.away = true })
		if got := p.do(http.MethodPost, "/session/end"); got.status != http.StatusServiceUnavailable || got.text != "sign_out_elsewhere" {
			t.Errorf("%d %s", got.status, got.text)
		}
		b.change(func() { b.away = false })
		p.expect("/work", http.StatusSeeOther, "")
	})
}

// copied is a jar with the cookies of another.
func copied(t *testing.T, p *browser) *cookiejar.Jar {
	t.Helper()
	at, _ := url.Parse(bankURL)
	c := p.bank.browser(t).jar
	c.SetCookies(at, p.jar.Cookies(at))
	return c
}

func TestWhatIdentityRevokes(t *testing.T) {
	for kind, subject := range map[revocation.Kind]string{revocation.KindSession: "ses_1", revocation.KindAccount: "acc_1", revocation.KindGrant: "gnt_1", revocation.KindClient: "guildhall-bank"} {
		t.Run(string(kind), func(t *testing.T) {
			atBank(t, func(t *testing.T, b *bank) {
				p := b.browser(t)
				p.signsIn("/work")
				b.clock.Advance(2 * time.Second)
				b.revokes(kind, subject)
				p.expect("/work", http.StatusOK, "acc_1")
				b.hears(t)
				p.expect("/work", http.StatusSeeOther, "")
			})
		})
	}
}

func TestRolesAreSeenWithinAMinute(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.signsIn("/work")
		asked := b.asked
		b.change(func() { b.person.Roles, b.person.Name = []string{"bank.admin", "ca.admin", "*"}, "Anna N." })
		b.clock.Advance(59 * time.Second)
		b.hears(t)
		p.expect("/rule", http.StatusForbidden, "")
		if b.asked != asked {
			t.Errorf("identity was asked %d times", b.asked-asked)
		}
		b.clock.Advance(2 * time.Second)
		p.expect("/rule", http.StatusOK, "acc_1 Anna N. bank.admin")
		b.change(func() { b.person.Roles = nil })
		b.clock.Advance(61 * time.Second)
		b.hears(t)
		p.expect("/look", http.StatusForbidden, "")
		b.change(func() { b.over["gnt_1"] = true })
		b.clock.Advance(61 * time.Second)
		b.hears(t)
		p.expect("/look", http.StatusSeeOther, "")
	})
}

func TestASessionThatChangesItsPersonIsOver(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.signsIn("/work")
		b.change(func() { b.person.Account = "acc_2" })
		b.clock.Advance(61 * time.Second)
		b.hears(t)
		p.expect("/work", http.StatusSeeOther, "")
	})
}

// While nothing is known of revocations, nobody is let in and nobody is signed out.
func TestIdentityIsAway(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.signsIn("/work")
		b.change(func() { b.away = true })
		b.clock.Advance(29 * time.Second)
		p.expect("/work", http.StatusOK, "acc_1")
		b.clock.Advance(2 * time.Second)
		p.expect("/work", http.StatusServiceUnavailable, "revocations_unknown")
		p.expect("/open", http.StatusOK, "")
		b.browser(t).expect("/session/start?return_to=/work", http.StatusServiceUnavailable, "sign_in_unavailable")
		b.change(func() { b.away = false })
		b.hears(t)
		p.expect("/work", http.StatusOK, "acc_1")
	})
}

func TestSessionsEnd(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		idle, busy := b.browser(t), b.browser(t)
		idle.signsIn("/work")
		busy.signsIn("/work")
		for range 23 {
			b.clock.Advance(time.Hour)
			b.hears(t)
			busy.expect("/work", http.StatusOK, "acc_1")
		}
		idle.expect("/work", http.StatusSeeOther, "")
		b.clock.Advance(time.Hour)
		b.hears(t)
		busy.expect("/work", http.StatusSeeOther, "")
	})
}

func TestStepUp(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		p.signsIn("/look")
		got := p.do(http.MethodGet, "/pay?to=7")
		if q := got.to.Query(); got.to.Path != "/session/start" || q.Get("max_age") != "300" || q.Get("acr_values") != "aal2" || q.Get("return_to") != "/pay?to=7" {
			t.Fatalf("to %s", got.to)
		}
		asks := p.do(http.MethodGet, got.to.RequestURI())
		if q := asks.to.Query(); q.Get("max_age") != "300" || q.Get("acr_values") != "aal2" {
			t.Errorf("identity is asked %s", asks.to)
		}
		if form := p.do(http.MethodPost, "/pay"); form.status != http.StatusForbidden || form.text != "step_up" {
			t.Errorf("a form: %d %s", form.status, form.text)
		}
		b.change(func() { b.person.ACR, b.person.AuthTime = "aal2", b.clock.Now() })
		p.do(http.MethodGet, p.asks(got.to.RequestURI()))
		p.expect("/pay", http.StatusOK, "acc_1")
		b.clock.Advance(6 * time.Minute)
		b.hears(t)
		p.expect("/pay", http.StatusSeeOther, "")
	})
}

// TestAnswersThatWereNotAskedFor has ID tokens and answers that are not what this
// browser began.
func TestAnswersThatWereNotAskedFor(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		for name, claims := range map[string]map[string]any{
			"another issuer":      {"iss": "https://evil.example"},
			"another application": {"aud": "guildhall-shop"},
			"also for another":    {"aud": []string{"guildhall-bank", "guildhall-shop"}},
			"another party":       {"azp": "guildhall-shop"},
			"another nonce":       {"nonce": "x"},
			"over":                {"exp": b.clock.Now().Add(-time.Minute).Unix()},
		} {
			p := b.browser(t)
			back := p.asks("/work")
			b.change(func() { b.claims = claims })
			if got := p.do(http.MethodGet, back); got.text != "sign_in_foreign" {
				t.Errorf("%s: %d %s", name, got.status, got.text)
			}
			b.change(func() { b.claims = nil })
		}
		p := b.browser(t)
		back := p.asks("/work")
		other := b.browser(t)
		for name, try := range map[string]struct {
			in *browser
			at string
		}{
			"in another browser": {other, back},
			"no issuer":          {p, strings.Replace(back, "iss=", "was=", 1)},
			"another issuer":     {p, strings.Replace(back, "identity.guild", "evil.guild", 1)},
			"twice":              {p, back + "&code=x"},
			"no state":           {p, strings.Replace(back, "state=", "was=", 1)},
			"another code":       {p, strings.Replace(back, "code=", "code=A", 1)},
		} {
			if got := try.in.do(http.MethodGet, try.at); got.text != "sign_in_foreign" {
				t.Errorf("%s: %d %s", name, got.status, got.text)
			}
		}
		if got := p.do(http.MethodGet, strings.Replace(back, "code=", "error=access_denied&was=", 1)); got.text != "sign_in_refused" {
			t.Errorf("refused: %d %s", got.status, got.text)
		}
		p.do(http.MethodHead, back)
		if got := p.do(http.MethodGet, back); got.to.Path != "/work" {
			t.Errorf("after all these the right one: %d %s", got.status, got.text)
		}
		late := b.browser(t)
		back = late.asks("/work")
		b.clock.Advance(10*time.Minute + time.Second)
		if got := late.do(http.MethodGet, back); got.text != "sign_in_foreign" {
			t.Errorf("late: %d %s", got.status, got.text)
		}
	})
}

// Two sign-ins in one browser do not disturb each other.
func TestTwoTabs(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		p := b.browser(t)
		one, two := p.asks("/work"), p.asks("/look")
		for back, want := range map[string]string{two: "/look", one: "/work"} {
			if got := p.do(http.MethodGet, back); got.to.Path != want {
				t.Errorf("to %s, %s; want %s", got.to, got.text, want)
			}
		}
		p.expect("/work", http.StatusOK, "acc_1")
	})
}

func TestAccessTokensOfIdentity(t *testing.T) {
	atBank(t, func(t *testing.T, b *bank) {
		grant := "gnt_9"
		token := func(audience string, issued time.Time) string {
			return "Bearer " + b.sign("at+jwt", map[string]any{"iss": issuer, "sub": "acc_1", "aud": []string{audience}, "client_id": "app_1", "jti": "j1", "gid": grant,
				"iat": issued.Unix(), "nbf": issued.Unix(), "exp": issued.Add(10 * time.Minute).Unix(), "roles": []string{"bank.operator", "ca.admin"}})
		}
		now := b.clock.Now()
		p := b.browser(t)
		good := token(bankURL, now)
		if got := p.do(http.MethodGet, "/work", "Authorization", good); got.status != http.StatusOK || !strings.HasSuffix(got.text, " bank.operator") {
			t.Errorf("%d %s", got.status, got.text)
		}
		for name, bad := range map[string]string{"for another": token("https://shop.guild.example.test", now), "over": token(bankURL, now.Add(-time.Hour)), "none": "Bearer x"} {
			if got := p.do(http.MethodGet, "/work", "Authorization", bad, "Accept", "*/*"); got.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, got.status, got.text)
			}
		}
		b.revokes(revocation.KindGrant, "gnt_9")
		b.hears(t)
		if got := p.do(http.MethodGet, "/work", "Authorization", good, "Accept", "*/*"); got.status != http.StatusUnauthorized {
			t.Errorf("revoked: %d", got.status)
		}
		b.clock.Advance(31 * time.Second)
		grant = "gnt_10"
		if got := p.do(http.MethodGet, "/work", "Authorization", token(bankURL, b.clock.Now()), "Accept", "*/*"); got.status != http.StatusServiceUnavailable {
			t.Errorf("stale: %d", got.status)
		}
	})
}

// Whatever text comes, the browser stays on this host.
func TestOwnPath(t *testing.T) {
	t.Parallel()
	base, _ := url.Parse(bankURL + "/x")
	piece := rapid.SampledFrom([]string{"/", "//", `\`, "evil.example", "https:", "@", "..", "%2f", "%5c", "\t", "\n", " ", "?", "#", "a", ":", "javascript:", "/session/end", "é"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		got := session.OwnPath(text)
		to, err := base.Parse(got)
		if err != nil || to.Host != bankHost || to.Scheme != "https" || strings.HasPrefix(to.Path, "//") || strings.HasPrefix(to.Path, "/session/") ||
			strings.ContainsAny(got, "\\\t\n\r ") {
			t.Fatalf("%q leads to %v, %v", text, to, err)
		}
	})
	for _, good := range []string{"/", "/a?b=c#d", "/a/../b", "/a?u=https://x"} {
		if session.OwnPath(good) != good {
			t.Errorf("%q is not kept", good)
		}
	}
}
