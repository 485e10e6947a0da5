package license

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/file"
	"guildhall/license/internal/issuer"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"

	"database/sql"
)

// noRole is what somebody has who has no role in the service.
const noRole = "nobody"

// customerWithCard is a customer with a card that is in use on a machine.
func (c *counter) customerWithCard(t *testing.T, name, policyID string) (store.Customer, store.Card) {
	t.Helper()
	customer, err := c.catalogue.AddCustomer(t.Context(), name, "", "", boss)
	ok(t, err)
	batch, err := c.cards.Order(t.Context(), card.Order{Policy: policyID, Count: 1, Customer: customer.ID}, boss)
	ok(t, err)
	all, _, err := c.store.Cards(t.Context(), store.CardQuery{Batch: batch.ID, Limit: 1, Now: c.clock.Now()})
	ok(t, err)
	one := all[0]
	one.State, one.ActivatedAt = store.CardActive, c.clock.Now()
	ok(t, c.journal.Group(t.Context(), func(tx *sql.Tx) error {
		if _, err := c.store.SetCard(t.Context(), tx, one); err != nil {
			return err
		}
		return c.store.InsertEnvironment(t.Context(), tx, c.machine(one.ID))
	}))
	one.Revision++
	return customer, one
}

func (c *counter) machine(card string) store.Environment {
	now := c.clock.Now().UTC()
	return store.Environment{ID: string(cardid.New()), Card: card, IP: "192.0.2.7", BoundAt: now, SeenAt: now, Fingerprint: map[string]string{}}
}

var invitationLink = regexp.MustCompile(`https://license\.guild\.example\.test(/mine/invitation\?link=[A-Z2-7]+)`)

// invited has a customer's invitation on the page of administrators; it returns the path
// that the link leads to.
func (c *counter) invited(t *testing.T, customer string, email string) string {
	t.Helper()
	w := c.open(t, adminRole, http.MethodPost, "/customers/"+customer+"/accounts", "email", email, "language", "pl")
	found := invitationLink.FindStringSubmatch(html.UnescapeString(w.Body.String()))
	if w.Code != http.StatusOK || found == nil || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("the invitation: status %d\n%s", w.Code, w.Body)
	}
	return found[1]
}

// accepts opens the link and sends its form.
func (c *counter) accepts(t *testing.T, path string) {
	t.Helper()
	if w := c.open(t, noRole, http.MethodGet, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Anna") {
		t.Fatalf("the invitation opens with status %d\n%s", w.Code, w.Body)
	}
	_, token, _ := strings.Cut(path, "link=")
	if w := c.open(t, noRole, http.MethodPost, "/mine/invitation", "link", token); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/mine" {
		t.Fatalf("the invitation is accepted with status %d", w.Code)
	}
}

// TestACustomerSeesHisOwn follows an account from its invitation to a card that is moved,
// and tries each of its pages with the card of somebody else.
func TestACustomerSeesHisOwn(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, _, _, _ := c.stocked(t)
	rules := policy.Default()
	rules.Rebind = policy.Rebind{PerYear: 1}
	p, err := c.catalogue.CreatePolicy(t.Context(), product.ID, "Moves once", rules, boss)
	ok(t, err)
	mine, own := c.customerWithCard(t, "Printers", p.ID)
	_, other := c.customerWithCard(t, "Binders", p.ID)

	if w := c.open(t, noRole, http.MethodGet, "/mine"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "has no licences") {
		t.Errorf("with no customer: status %d\n%s", w.Code, w.Body)
	}
	if w := c.open(t, noRole, http.MethodGet, "/"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/mine" {
		t.Errorf("the start page leads a customer to %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := c.open(t, adminRole, http.MethodPost, "/customers/"+mine.ID+"/accounts", "email", "nobody"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `value="nobody"`) {
		t.Errorf("to what is no address: status %d\n%s", w.Code, w.Body)
	}
	link := c.invited(t, mine.ID, "office@printers.example")
	c.accepts(t, link)
	if w := c.open(t, noRole, http.MethodGet, link); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/mine" {
		t.Errorf("the link leads who accepted it to %d %s", w.Code, w.Header().Get("Location"))
	}
	_, secret, _ := strings.Cut(link, "link=")
	if w := c.open(t, noRole, http.MethodPost, "/mine/invitation", "link", secret); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/mine" {
		t.Errorf("accepted again: status %d", w.Code)
	}
	if w := c.open(t, adminRole, http.MethodGet, "/customers/"+mine.ID+"/accounts"); !strings.Contains(w.Body.String(), "Anna") {
		t.Errorf("the administrator does not see the account:\n%s", w.Body)
	}

	list := c.open(t, noRole, http.MethodGet, "/mine").Body.String()
	if !strings.Contains(list, own.ID) || strings.Contains(list, other.ID) || !strings.Contains(list, "192.0.2.7") {
		t.Errorf("the list shows\n%s", list)
	}
	for pattern := range c.pages.minePages() {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.Contains(path, "{id}") {
			continue
		}
		for _, id := range []string{other.ID, "none"} {
			if w := c.open(t, noRole, method, strings.NewReplacer("{id}", id, "{file}", "none").Replace(path), "reason", "mine now"); w.Code != http.StatusNotFound {
				t.Errorf("%s with the card of somebody else: status %d", pattern, w.Code)
			}
		}
		if strings.Contains(path, "{file}") || strings.Contains(path, "/licences/") {
			continue // those of his own have tests of their own
		}
		for _, c.lang = range []string{"zh", "pl", "en"} {
			if w := c.open(t, noRole, method, strings.ReplaceAll(path, "{id}", own.ID)); w.Code != http.StatusOK && method == http.MethodGet {
				t.Errorf("%s in %s: status %d", pattern, c.lang, w.Code)
			}
		}
	}
	at := "/mine/cards/" + own.ID
	if w := c.open(t, noRole, http.MethodPost, at+"/unbind", "reason", ""); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "data-open") {
		t.Errorf("moved without a reason: status %d", w.Code)
	}
	if w := c.open(t, noRole, http.MethodPost, at+"/unbind", "reason", "new laptop"); w.Code != http.StatusSeeOther {
		t.Fatalf("moved: status %d\n%s", w.Code, w.Body)
	}
	ok(t, c.journal.Group(t.Context(), func(tx *sql.Tx) error { return c.store.InsertEnvironment(t.Context(), tx, c.machine(own.ID)) }))
	c.clock.Advance(time.Hour)
	page := c.open(t, noRole, http.MethodGet, at).Body.String()
	if !strings.Contains(page, "new laptop") || !strings.Contains(page, "1 of 1 times") || !strings.Contains(page, "2027") || strings.Contains(page, at+"/unbind") {
		t.Errorf("the page of a card that cannot be moved again:\n%s", page)
	}
	c.open(t, noRole, http.MethodPost, at+"/unbind", "reason", "once more")
	if all, err := c.store.Environments(t.Context(), own.ID); err != nil || !all[0].UnboundAt.IsZero() {
		t.Errorf("it was moved again: %+v, %v", all, err)
	}
	if w := c.open(t, viewerRole, http.MethodGet, "/cards/"+own.ID); !strings.Contains(w.Body.String(), "By the customer 1 of 1") {
		t.Error("the card's page does not say how often its customer moved it")
	}

	if w := c.open(t, adminRole, http.MethodPost, "/customers/"+mine.ID+"/accounts/usr_1/unlink"); w.Code != http.StatusSeeOther {
		t.Errorf("unlinked: status %d", w.Code)
	}
	if w := c.open(t, noRole, http.MethodGet, at); w.Code != http.StatusNotFound {
		t.Errorf("an account that was unlinked still sees the card: status %d", w.Code)
	}
}

// links makes the account that noRole has one of the customer's.
func (c *counter) links(t *testing.T, customer string) {
	t.Helper()
	ok(t, c.journal.Group(t.Context(), func(tx *sql.Tx) error {
		return second(c.store.LinkAccount(t.Context(), tx, store.Account{Customer: customer, ID: "usr_1", Name: "Anna", LinkedAt: c.clock.Now()}))
	}))
}

// shelved is a file of a release.
func (c *counter) shelved(t *testing.T, product, version, name string) store.File {
	t.Helper()
	release, err := c.release(t.Context(), product, version)
	ok(t, err)
	f, err := c.files.Add(t.Context(), release, file.Draft{Name: name, MediaType: "text/html"}, strings.NewReader("content"), func() error { return nil }, boss)
	ok(t, err)
	return f
}

// TestACustomerDownloadsWhatHisCardsGive tries each file with each card of two customers:
// his own card gives the files of its product as long as it is in force.
func TestACustomerDownloadsWhatHisCardsGive(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, without, _, _ := c.stocked(t)
	foreign, err := c.catalogue.CreateProduct(t.Context(), "press", "Press", "", boss)
	ok(t, err)
	ok(t, second(c.catalogue.CreateRelease(t.Context(), "press", "1.0", "", boss)))
	rules := policy.Default()
	rules.Files = true
	gives, err := c.catalogue.CreatePolicy(t.Context(), product.ID, "With files", rules, boss)
	ok(t, err)
	givesForeign, err := c.catalogue.CreatePolicy(t.Context(), foreign.ID, "With files", rules, boss)
	ok(t, err)
	f, other := c.shelved(t, product.ID, "1.0", "setup.html"), c.shelved(t, foreign.ID, "1.0", "press.html")
	mine, own := c.customerWithCard(t, "Printers", gives.ID)
	_, bare := c.customerWithCard(t, "Bare", without)
	theirs, foreignCard := c.customerWithCard(t, "Binders", givesForeign.ID)
	_, sameProduct := c.customerWithCard(t, "Folders", gives.ID)
	c.links(t, mine.ID)
	c.links(t, bare.Customer)

	get := func(card, file string, status int) *httptest.ResponseRecorder {
		t.Helper()
		w := c.open(t, noRole, http.MethodGet, "/mine/cards/"+card+"/files/"+file)
		if w.Code != status || status != http.StatusOK && w.Body.String() == "content" {
			t.Errorf("the file %s by the card %s: status %d, want %d", file, card, w.Code, status)
		}
		return w
	}
	w := get(own.ID, f.ID, http.StatusOK)
	if w.Body.String() != "content" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("sent: %v %s", w.Header(), w.Body)
	}
	get(own.ID, other.ID, http.StatusNotFound)
	get(own.ID, "none", http.StatusNotFound)
	for _, card := range []string{foreignCard.ID, sameProduct.ID, "none"} {
		get(card, f.ID, http.StatusNotFound)
		get(card, other.ID, http.StatusNotFound)
	}
	get(bare.ID, f.ID, http.StatusForbidden)
	events, _, err := c.store.Events(t.Context(), store.EventQuery{Kind: card.Downloaded, Limit: 10})
	ok(t, err)
	if len(events) != 1 || events[0].Card != own.ID || events[0].Environment != "" || events[0].Detail["complete"] != true || events[0].Detail["by"] != "usr_1" {
		t.Errorf("the time lines have %+v", events)
	}
	for query, shown := range map[string]bool{"": true, "?file=" + f.ID: true, "?file=setup.html": true, "?file=" + other.ID: false, "?customer=print": true, "?customer=" + mine.ID: true,
		"?customer=Binders": false, "?prefix=" + strings.ToLower(own.Prefix): true, "?prefix=NONE": false, "?product=" + product.ID: true, "?product=" + foreign.ID: false,
		"?from=2026-11-22&to=2026-11-22": true, "?to=2026-11-21": false} {
		list := c.open(t, viewerRole, http.MethodGet, "/downloads"+query)
		if list.Code != http.StatusOK || strings.Contains(list.Body.String(), "/cards/"+own.ID) != shown || shown && (!strings.Contains(list.Body.String(), "To its end") || !strings.Contains(list.Body.String(), "Anna")) {
			t.Errorf("the downloads%s: status %d\n%s", query, list.Code, list.Body)
		}
	}
	page := c.open(t, noRole, http.MethodGet, "/mine/cards/"+own.ID).Body.String()
	if !strings.Contains(page, "/files/"+f.ID) || strings.Contains(page, other.ID) || !strings.Contains(page, "Downloaded a file") {
		t.Errorf("the card's page shows\n%s", page)
	}
	if w := c.open(t, noRole, http.MethodGet, "/mine/cards/"+bare.ID); strings.Contains(w.Body.String(), f.ID) || !strings.Contains(w.Body.String(), "gives no files") {
		t.Errorf("the page of a card without files: status %d\n%s", w.Code, w.Body)
	}

	ok(t, second(c.cards.Unbind(t.Context(), own.ID, "moved", boss)))
	get(own.ID, f.ID, http.StatusOK) // he needs the program before he can bind the card to a machine
	ok(t, second(c.cards.Suspend(t.Context(), own.ID, "", boss)))
	get(own.ID, f.ID, http.StatusForbidden)
	ok(t, second(c.cards.Revoke(t.Context(), foreignCard.ID, "", boss)))
	c.links(t, theirs.ID)
	get(foreignCard.ID, other.ID, http.StatusForbidden)
}

// TestACustomerReadsHisOfflineLicences tries those of two customers and of none.
func TestACustomerReadsHisOfflineLicences(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, policyID, _, _ := c.stocked(t)
	mine, _ := c.customerWithCard(t, "Printers", policyID)
	theirs, _ := c.customerWithCard(t, "Binders", policyID)
	none := c.issued(t, product.ID)
	issue := func(customer string) store.Licence {
		r, err := issuer.ParseRequest([]byte(strings.Replace(asked, "press", "studio", 1)), c.clock.Now())
		ok(t, err)
		made, err := c.issuer.Issue(t.Context(), issuer.Order{Request: r, To: c.clock.Now().AddDate(1, 0, 0), Customer: customer, Again: true}, boss)
		ok(t, err)
		return made.Licence
	}
	own, other := issue(mine.ID), issue(theirs.ID)
	if w := c.open(t, noRole, http.MethodGet, "/mine/licences"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "/text") {
		t.Errorf("linked to nobody: status %d\n%s", w.Code, w.Body)
	}
	c.links(t, mine.ID)
	for _, c.lang = range []string{"zh", "pl", "en"} {
		list := c.open(t, noRole, http.MethodGet, "/mine/licences").Body.String()
		if !strings.Contains(list, own.ID) || strings.Contains(list, other.ID) || strings.Contains(list, none.ID) {
			t.Errorf("the list in %s shows\n%s", c.lang, list)
		}
	}
	if w := c.open(t, noRole, http.MethodGet, "/mine/licences/"+own.ID+"/text"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "BEGIN") {
		t.Errorf("the text: status %d\n%s", w.Code, w.Body)
	}
	for _, id := range []string{other.ID, none.ID, "none"} {
		if w := c.open(t, noRole, http.MethodGet, "/mine/licences/"+id+"/text"); w.Code != http.StatusNotFound {
			t.Errorf("the text of somebody else's: status %d", w.Code)
		}
	}
}

// Whoever comes without an account is told so, and learns of no invitation.
func TestThePagesOfCustomersNeedAnAccount(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.stocked(t)
	for pattern := range c.pages.minePages() {
		method, path, _ := strings.Cut(pattern, " ")
		if w := c.open(t, "", method, strings.NewReplacer("{id}", "none", "{file}", "none").Replace(path)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s by nobody: status %d", pattern, w.Code)
		}
	}
}
