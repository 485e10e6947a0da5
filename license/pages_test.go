package license

import (
	"database/sql"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/license/internal/wasmtest"
	"guildhall/license/web/locales"
	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
	wire "guildhall/sdk/go/license/manage"

	"guildhall/license/internal/card"
)

var boss = audit.Caller{Actor: "break-glass:test", From: "192.0.2.1"}

// counter is the pages in front of an office.
type counter struct {
	*office
	pages   *pages
	handler http.Handler
	lang    string
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{office: openOffice(t, guildtest.Open(t, guildtest.SQLite(t), migrations())), lang: "en"}
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: slog.New(slog.DiscardHandler), Now: c.clock.Now, May: may})
	c.pages = newPages(pageOptions{Site: site, Service: c.service})
	mux := http.NewServeMux()
	c.pages.Mount(mux)
	c.handler = site.Wrap(asAdministrator(c.clock.Now, c.pages.Shell().Handler(mux)))
	return c
}

// open makes a request with a role; a form when it has fields: name, value, name, value.
func (c *counter) open(t *testing.T, role, method, path string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", c.lang)
	r.Header.Set(roleHeader, role)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// stocked has one of everything; it returns a card.
func (c *counter) stocked(t *testing.T) (product store.Product, policyID string, batch store.Batch, one store.Card) {
	t.Helper()
	product, err := c.catalogue.CreateProduct(t.Context(), "studio", "Studio", "", boss)
	ok(t, err)
	ok(t, second(c.catalogue.CreateRelease(t.Context(), "studio", "1.0", "", boss)))
	made, err := c.catalogue.CreatePolicy(t.Context(), product.ID, "Year", policy.Default(), boss)
	ok(t, err)
	customer, err := c.catalogue.AddCustomer(t.Context(), "Print & Sons", "print@example.com", "", boss)
	ok(t, err)
	batch, err = c.cards.Order(t.Context(), card.Order{Policy: made.ID, Customer: customer.ID, Count: 3}, boss)
	ok(t, err)
	all, _, err := c.store.Cards(t.Context(), store.CardQuery{Limit: 1, Now: c.clock.Now()})
	ok(t, err)
	return product, made.ID, batch, all[0]
}

// alarm is the id of one about an address.
func (c *counter) alarm(t *testing.T) string {
	t.Helper()
	ok(t, c.journal.Group(t.Context(), func(tx *sql.Tx) error {
		return c.alarms.Raise(t.Context(), tx, store.Alarm{Kind: store.AlarmGuesses, IP: "198.51.100.7", Count: 40})
	}))
	all, _, err := c.store.Alarms(t.Context(), store.AlarmQuery{Limit: 1})
	ok(t, err)
	return all[0].ID
}

func TestAnAlarmIsAcknowledgedOnItsPageAndByTheAPI(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	id := c.alarm(t)
	if w := c.open(t, viewerRole, http.MethodGet, "/alarms?state=open"); !strings.Contains(w.Body.String(), "198.51.100.7") || strings.Contains(w.Body.String(), "/acknowledge") {
		t.Errorf("a viewer sees %s", w.Body)
	}
	if w := c.open(t, supportRole, http.MethodGet, "/alarms"); !strings.Contains(w.Body.String(), "/alarms/"+id+"/acknowledge") {
		t.Errorf("support sees %s", w.Body)
	}
	if w := c.open(t, supportRole, http.MethodPost, "/alarms/"+id+"/acknowledge"); w.Code != http.StatusSeeOther {
		t.Errorf("acknowledged with status %d", w.Code)
	}
	if w := c.open(t, viewerRole, http.MethodGet, "/alarms?state=open"); strings.Contains(w.Body.String(), "198.51.100.7") {
		t.Error("it is open still")
	}
	list, err := c.client.Alarms(t.Context(), wire.AlarmRequest{})
	if err != nil || list.Total != 1 || list.Alarms[0].AcknowledgedBy == "" {
		t.Errorf("by the API: %+v, %v", list, err)
	}
	again, err := c.client.AcknowledgeAlarm(t.Context(), id)
	if err != nil || again.AcknowledgedBy != list.Alarms[0].AcknowledgedBy {
		t.Errorf("again: %+v, %v", again, err)
	}
	if p := problemOf(second(c.client.AcknowledgeAlarm(t.Context(), "alm_none"))); p.Code != "alarm_not_found" {
		t.Errorf("one that is none: %+v", p)
	}
}

// TestEveryPageOpensForItsRole opens each page, empty and with something to show, in
// every language, and as everybody.
func TestEveryPageOpensForItsRole(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	for _, path := range []string{"/", "/products", "/policies", "/policies/new", "/batches", "/batches/new", "/cards", "/customers", "/customers/new", "/machines", "/mismatches", "/downloads", "/alarms", "/offline", "/offline/new", "/offline/look", "/audit"} {
		if w := c.open(t, adminRole, http.MethodGet, path); w.Code != http.StatusOK {
			t.Errorf("%s with nothing to show: status %d", path, w.Code)
		}
	}
	product, policyID, batch, one := c.stocked(t)
	issued := c.issued(t, product.ID)
	ok(t, second(c.functions.Upload(t.Context(), product.ID, "price", wasmtest.EchoProgram(), "", boss)))
	ids := map[string]string{"offline": issued.ID, "products": product.ID, "policies": policyID, "batches": batch.ID, "cards": one.ID, "customers": one.Customer, "alarms": c.alarm(t)}
	for role, all := range c.pages.byRole() {
		for _, pattern := range slices.Sorted(maps.Keys(all)) {
			method, path, _ := strings.Cut(pattern, " ")
			kind, _, _ := strings.Cut(strings.Trim(path, "/"), "/")
			path = strings.NewReplacer("{id}", ids[kind], "{name}", "price", "{version}", "1.0", "{$}", "").Replace(path)
			for _, held := range []string{viewerRole, supportRole, adminRole, "bank.admin"} {
				allowed := (session.Principal{Roles: []string{held}}).Has(role)
				if allowed && method != http.MethodGet {
					continue // what it does is tried elsewhere
				}
				for _, c.lang = range []string{"en", "zh", "pl"} {
					w := c.open(t, held, method, path)
					want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[allowed]
					if path == "/" && !allowed {
						want = http.StatusSeeOther // to what customers have
					}
					if w.Code != want {
						t.Errorf("%s as %s in %s: status %d, want %d", pattern, held, c.lang, w.Code, want)
					}
				}
			}
		}
	}
}

func TestFormsMakeAndRefuse(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	post := func(path string, status int, text string, fields ...string) string {
		t.Helper()
		w := c.open(t, adminRole, http.MethodPost, path, fields...)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Fatalf("%s: status %d, want %d with %q:\n%s", path, w.Code, status, text, w.Body)
		}
		return w.Header().Get("Location")
	}
	post("/products/new", http.StatusUnprocessableEntity, "small letters, digits and, between them, dashes", "code", "Studio!", "name", "Studio")
	at := post("/products/new", http.StatusSeeOther, "", "code", "studio", "name", "Studio")
	post(at+"/releases", http.StatusSeeOther, "", "version", "1.0+b")
	post(at+"/releases", http.StatusUnprocessableEntity, "has this version already", "version", "1.0+b")
	post(at+"/rotate", http.StatusSeeOther, "", "version", "1.0+b")
	keys, err := c.catalogue.HandshakeKeys(t.Context(), "studio", "1.0+b")
	ok(t, err)
	if len(keys) != 2 {
		t.Errorf("%d handshake keys after a rotation, want 2", len(keys))
	}
	rules := policyFields(policy.Default(), "product", strings.TrimPrefix(at, "/products/"), "name", "Year")
	post("/policies/new", http.StatusOK, "good for 365 days", append(rules, "preview", "on")...)
	if _, form, _ := strings.Cut(c.open(t, adminRole, http.MethodGet, "/policies/new").Body.String(), `action="/policies/new"`); strings.Index(form, `name="preview"`) < strings.Index(form, "button primary") {
		t.Error("Enter in the form of a policy presses something else than its first button to save")
	}
	post("/policies/new", http.StatusUnprocessableEntity, "from 0 to 366", append([]string{"time.grace_days", "9999"}, rules...)...)
	for field, wrong := range map[string][][2]string{
		"time.days":           {{"1.5", "Enter a whole number."}, {"-5", "from 1 to 36,500"}, {"99999999999999999999", "from 1 to 36,500"}, {"", "Fill in this field"}},
		"heartbeat_seconds":   {{"3", "from 10 to 86,400"}},
		"fingerprint.weights": {{"disk", "such as disk 2"}, {"disk two", "such as disk 2"}, {"disk -1", "from 0 to 100"}},
		"functions":           {{"export", "such as export 100"}, {"export 1\nexport 2", "stands here twice"}},
	} {
		for _, w := range wrong {
			post("/policies/new", http.StatusUnprocessableEntity, w[1], append([]string{field, w[0]}, rules...)...)
		}
	}
	for _, says := range []string{"Programs and customers may download the files of releases.", "It may call on the server: check, export (100 a day)."} {
		post("/policies/new", http.StatusOK, says, append([]string{"files", "on", "functions", "export 100\ncheck 0", "preview", "on"}, rules...)...)
	}
	made := post("/policies/new", http.StatusSeeOther, "", rules...)
	saved, err := c.catalogue.Policy(t.Context(), strings.TrimPrefix(made, "/policies/"))
	ok(t, err)
	if want, err := policy.Default().JSON(); err != nil || saved.Body != string(want) {
		t.Errorf("the form saved %s, want %s (%v)", saved.Body, want, err)
	}
	post("/batches/new", http.StatusUnprocessableEntity, "from 1 to 100", "policy", saved.ID, "count", "0", "days", "0")
	batch := post("/batches/new", http.StatusSeeOther, "", "policy", saved.ID, "count", "2", "days", "0")
	post(batch+"/export", http.StatusOK, "number,key\r\n1,", "format", "csv")
	c.clock.Advance(card.Again + time.Minute)
	if back := post(batch+"/export", http.StatusSeeOther, "", "format", "csv"); back != batch {
		t.Errorf("an export that comes too late leads to %s", back)
	}
}

func TestCustomersAreAddedAndChanged(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.stocked(t)
	post := func(path string, status int, text string, fields ...string) string {
		t.Helper()
		w := c.open(t, supportRole, http.MethodPost, path, fields...)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Fatalf("%s: status %d, want %d with %q:\n%s", path, w.Code, status, text, w.Body)
		}
		return w.Header().Get("Location")
	}
	post("/customers/new", http.StatusUnprocessableEntity, "There is a customer with this name already", "name", "print & SONS")
	post("/customers/new", http.StatusUnprocessableEntity, "This is no e-mail address", "name", "Anna", "email", "anna")
	at := post("/customers/new", http.StatusSeeOther, "", "name", "Anna", "email", "anna@example.com", "note", "pays late")
	post(at, http.StatusUnprocessableEntity, "value=\"print &amp; sons\"", "name", "print & sons")
	post(at, http.StatusSeeOther, "", "name", "Anna Nowak", "email", "", "note", "")
	if w := c.open(t, viewerRole, http.MethodGet, "/customers?sort=cards&dir=desc"); strings.Index(w.Body.String(), "Print &amp; Sons") > strings.Index(w.Body.String(), "Anna Nowak") {
		t.Error("who has more cards does not come first")
	}
	if w := c.open(t, viewerRole, http.MethodGet, at); strings.Contains(w.Body.String(), "pays late") || !strings.Contains(w.Body.String(), "No cards yet") {
		t.Errorf("the page of a customer reads\n%s", w.Body)
	}
}

// TestAListSaysWhatItIsNarrowedBy: what an address asks for can be seen and left.
func TestAListSaysWhatItIsNarrowedBy(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, _, _, one := c.stocked(t)
	for query, want := range map[string][]string{
		"":                    {`<select name="customer"><option value="">`},
		"?batch=" + one.Batch: {`<select name="batch"`, `<option value="` + one.Batch + `" selected>`},
		"?batch=bat_none":     {`<select name="batch"`, `<option value="bat_none" selected>`},
		"?customer=cus_none":  {`<option value="cus_none" selected>`},
	} {
		w := c.open(t, viewerRole, http.MethodGet, "/cards"+query)
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("/cards%s: status %d, without %s", query, w.Code, text)
			}
		}
		if strings.Contains(w.Body.String(), `name="batch"`) != strings.Contains(query, "batch") {
			t.Errorf("/cards%s offers batches", query)
		}
	}
}

func TestCardsAreStoppedOnTheirPage(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, _, _, one := c.stocked(t)
	for _, step := range []struct{ do, state string }{{"suspend", store.CardSuspended}, {"resume", store.CardNew}, {"revoke", store.CardRevoked}} {
		if w := c.open(t, supportRole, http.MethodPost, "/cards/"+one.ID+"/"+step.do, "reason", "asked for"); w.Code != http.StatusSeeOther {
			t.Fatalf("%s: status %d", step.do, w.Code)
		}
		is, err := c.store.Card(t.Context(), one.ID)
		ok(t, err)
		if is.State != step.state {
			t.Errorf("after %s the card is %s, want %s", step.do, is.State, step.state)
		}
	}
	if w := c.open(t, viewerRole, http.MethodGet, "/cards/"+one.ID); !strings.Contains(w.Body.String(), "365 days from the first use") || !strings.Contains(w.Body.String(), "and will be to none") {
		t.Errorf("the page of a revoked card that nobody used reads\n%s", w.Body)
	}
	if w := c.open(t, viewerRole, http.MethodGet, "/cards/"+one.ID); !strings.Contains(w.Body.String(), "asked for") || strings.Contains(w.Body.String(), "/bin") {
		t.Errorf("a viewer sees no reason, or what he may not do:\n%s", w.Body)
	}
}
