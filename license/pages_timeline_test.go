package license

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
	"guildhall/platform/id"
)

// event puts something on a card's time line.
func (c *counter) event(t *testing.T, e store.Event) {
	t.Helper()
	e.ID, e.At = id.New("evt"), c.clock.Now()
	ok(t, c.journal.Group(t.Context(), func(tx *sql.Tx) error { return c.store.InsertEvent(t.Context(), tx, e) }))
}

// TestTimelineSaysWhatHappened reads a card's page after one of each kind of events.
func TestTimelineSaysWhatHappened(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, policyID, _, one := c.stocked(t)
	change := func(fields ...string) {
		t.Helper()
		if w := c.open(t, supportRole, http.MethodPost, "/cards/"+one.ID+"/change", fields...); w.Code != http.StatusSeeOther {
			t.Fatalf("change the card: status %d", w.Code)
		}
	}
	change("policy", policyID, "customer", "", "note", "returned")
	change("policy", policyID, "customer", "", "note", "sold again")
	if w := c.open(t, supportRole, http.MethodPost, "/cards/"+one.ID+"/change", "policy", policyID, "note", strings.Repeat("x", 2001)); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a note that is too long: status %d", w.Code)
	}
	ok(t, second(c.cards.Extend(t.Context(), one.ID, 30, time.Time{}, boss)))
	c.event(t, store.Event{Card: one.ID, Kind: card.Drifted, IP: "192.0.2.7", Detail: map[string]any{"what": "hardware",
		"was": map[string]string{"disk": "dA", "mac": "mA"}, "fingerprint": map[string]string{"disk": "dB", "mac#2": "mA"}}})
	c.event(t, store.Event{Card: one.ID, Kind: card.Mismatched, IP: "192.0.2.8", Detail: map[string]any{"code": "environment_mismatch", "sdk": "go/1.0",
		"fingerprint": map[string]string{"tpm": "<b>"}}})
	c.event(t, store.Event{Card: one.ID, Kind: card.Alarm, Detail: map[string]any{"kind": "mismatch", "count": 3}})
	c.event(t, store.Event{Card: one.ID, Kind: "of_tomorrow", Detail: map[string]any{"what": "else"}})
	text := c.open(t, viewerRole, http.MethodGet, "/cards/"+one.ID).Body.String()
	for _, want := range []string{"Customer: Print &amp; Sons → None", "The note is another", "Parts of it are others", "The card is bound to another machine", "from 192.0.2.8",
		"3 refusals of other machines within a day", "Security chip", "&lt;b&gt;", "of_tomorrow", "what: else", "Network card#2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "<b>") || strings.Contains(text, "map[") {
		t.Errorf("the page shows raw values:\n%s", text)
	}
}

// TestEqualRefusalsAreOneRow: a machine that comes again and again leaves the rest of the
// time line in sight, and is compared with what was recorded then.
func TestEqualRefusalsAreOneRow(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, _, _, one := c.stocked(t)
	refusal := func(digest string) {
		c.clock.Advance(time.Minute)
		c.event(t, store.Event{Card: one.ID, Kind: card.Mismatched, IP: "192.0.2.8", Detail: map[string]any{"code": "environment_mismatch",
			"fingerprint": map[string]string{"disk": digest}, "recorded": map[string]any{"fingerprint": map[string]string{"disk": "ofThen"}, "ip": "192.0.2.1"}}})
	}
	refusal("another")
	for range 60 {
		refusal("stubborn")
	}
	for path, want := range map[string][]string{"/cards/" + one.ID: {"60 times since", "stubborn", "another", "ofThen", "192.0.2.1"}, "/mismatches": {"61", "times since", "ofThen"}, "/": {"61"}} {
		text := c.open(t, viewerRole, http.MethodGet, path).Body.String()
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not say %q", path, part)
			}
		}
		if n := strings.Count(text, "stubborn"); n > 6 {
			t.Errorf("%s shows the same refusal %d times", path, n)
		}
	}
}
