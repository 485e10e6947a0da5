package identity

import (
	"testing"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/guildtest"
)

// What was ended on one node is refused by both in the very next request, however
// often they took it before.
func TestWhatIsEndedIsRefusedAtOnceOnEveryNode(t *testing.T) {
	t.Parallel()
	for engine, database := range map[string]func(testing.TB) string{"sqlite": guildtest.SQLite, "postgres": guildtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			here := issuerOn(t, url)
			both := &nodes{here, here.nodeOn(t, url)}
			for name, change := range map[string]func(*party) error{
				"disabled": func(shop *party) error { return here.clients.Disable(t.Context(), shop.ID, identitytest.By) },
				"removed":  func(shop *party) error { return here.clients.Remove(t.Context(), shop.ID, identitytest.By) },
				"another secret": func(shop *party) error {
					_, err := here.clients.RotateSecret(t.Context(), shop.ID, client.Rotation{}, identitytest.By)
					return err
				},
			} {
				t.Run(name, func(t *testing.T) { both.refuseTheApplication(t, change) })
			}
			for name, end := range map[string]func(shop *party, access, refresh string){
				"access token":  func(shop *party, access, _ string) { shop.post(t, revokePath, "token", access).fine(t) },
				"refresh token": func(shop *party, _, refresh string) { shop.post(t, revokePath, "token", refresh).fine(t) },
				"its application's secret is in wrong hands": func(shop *party, _, _ string) {
					secret, err := here.clients.RotateSecret(t.Context(), shop.ID, client.Rotation{Compromised: true}, identitytest.By)
					ok(t, err)
					shop.secret = secret
				},
				"session": func(*party, string, string) {
					ok(t, here.sessions.SignOut(t.Context(), here.cookie.Value, identitytest.By))
					here.signIn(t)
				},
			} {
				t.Run(name, func(t *testing.T) { both.refuseTheToken(t, end) })
			}
		})
	}
}

// nodes are two of one installation.
type nodes [2]*issuance

// of is the application as it calls each node.
func (n *nodes) of(shop *party) [2]*party {
	there := *shop
	there.issuance = n[1]
	return [2]*party{shop, &there}
}

func (n *nodes) refuseTheApplication(t *testing.T, change func(*party) error) {
	t.Helper()
	shop := n[0].application(t, client.Web, nil)
	got := shop.signsIn(t)
	for range 2 {
		for _, at := range n.of(shop) {
			at.introspects(t, got.text("access_token"), true)
		}
	}
	ok(t, change(shop))
	for _, at := range n.of(shop) {
		at.post(t, introspectPath, "token", got.text("access_token")).refuses(t, "introspection", oauth.InvalidClient)
		at.refresh(t, got.text("refresh_token")).refuses(t, "refresh", oauth.InvalidClient)
	}
}

func (n *nodes) refuseTheToken(t *testing.T, end func(shop *party, access, refresh string)) {
	t.Helper()
	shop := n[0].application(t, client.Web, nil)
	got := shop.signsIn(t)
	access := got.text("access_token")
	for range 2 {
		for _, at := range n.of(shop) {
			at.introspects(t, access, true)
			at.person(t, access).fine(t)
		}
	}
	end(shop, access, got.text("refresh_token"))
	for _, at := range n.of(shop) {
		at.introspects(t, access, false)
		at.person(t, access).refuses(t, "userinfo", oauth.InvalidToken)
	}
}

func (p *party) introspects(t *testing.T, token string, active bool) {
	t.Helper()
	if worth := p.post(t, introspectPath, "token", token).fine(t); worth.Body["active"] != active {
		t.Errorf("active should be %v: %s", active, worth.Text)
	}
}
