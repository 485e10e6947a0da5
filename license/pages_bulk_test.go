package license

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"guildhall/license/internal/card"
	"guildhall/license/internal/store"
)

func TestManyCardsAtOnce(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, _, batch, _ := c.stocked(t)
	all, _, err := c.store.Cards(t.Context(), store.CardQuery{Limit: 10, Now: c.clock.Now()})
	ok(t, err)
	told := ""
	post := func(path string, status int, text string, fields ...string) {
		t.Helper()
		w := c.open(t, supportRole, http.MethodPost, path, fields...)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Fatalf("%s %v: status %d, want %d with %q:\n%s", path, fields, w.Code, status, text, w.Body)
		}
		for _, cookie := range w.Result().Cookies() {
			raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
			ok(t, err)
			told = string(raw)
		}
		if at := w.Header().Get("Location"); status == http.StatusSeeOther && !strings.HasPrefix(at, "/cards") {
			t.Errorf("%s leads to %s", path, at)
		}
	}
	states := func(want string) {
		t.Helper()
		var got []string
		for _, one := range all {
			is, err := c.store.Card(t.Context(), one.ID)
			ok(t, err)
			got = append(got, is.State)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("the cards are %v, want %s", got, want)
		}
	}
	list := url.Values{"batch": {batch.ID}, "size": {"25"}}.Encode()
	post("/cards/choose", http.StatusSeeOther, "", "do", "suspend", "query", list)
	post("/cards/choose", http.StatusSeeOther, "", "do", "suspend", "query", "batch=none", "all", "on")
	post("/cards/choose", http.StatusUnprocessableEntity, "Choose one of the options", "do", "eat", "id", all[0].ID)
	post("/cards/choose", http.StatusOK, "Suspend: 2 cards", "do", "suspend", "query", list, "id", all[0].ID, "id", all[1].ID, "id", all[1].ID, "id", "none")
	post("/cards/choose", http.StatusOK, "Suspend: 3 cards", "do", "suspend", "query", list, "all", "on")
	states("new new new")
	post("/cards/do", http.StatusSeeOther, "", "do", "suspend", "query", list, "id", all[0].ID, "id", all[1].ID, "reason", "not paid")
	states("suspended suspended new")
	post("/cards/do", http.StatusSeeOther, "", "do", "resume", "id", all[1].ID, "id", all[2].ID) // one of them is not suspended
	if !strings.Contains(told, "Done for 1. 1 card was left as it is") {
		t.Errorf("it is told %s", told)
	}
	states("suspended new new")
	post("/cards/do", http.StatusUnprocessableEntity, "whole number", "do", "extend", "id", all[0].ID, "days", "x")
	for _, both := range [][]string{{}, {"days", "5", "until", "2099-01-01"}} {
		post("/cards/do", http.StatusUnprocessableEntity, "one of the two", append([]string{"do", "extend", "id", all[0].ID}, both...)...)
		post("/cards/"+all[0].ID+"/extend", http.StatusUnprocessableEntity, "one of the two", both...)
	}
	post("/cards/do", http.StatusUnprocessableEntity, "Choose a later one", "do", "extend", "id", all[0].ID, "until", "2020-01-01")
	post("/cards/do", http.StatusUnprocessableEntity, "Fill in this field", "do", "unbind", "id", all[0].ID)
	post("/cards/do", http.StatusSeeOther, "", "do", "extend", "id", all[0].ID, "days", "5")
	post("/cards/do", http.StatusSeeOther, "", "do", "revoke", "id", all[0].ID, "reason", "stolen")
	states("revoked new new")
	events, _, err := c.store.Events(t.Context(), store.EventQuery{Card: all[0].ID, Kind: card.Revoked, Limit: 2})
	ok(t, err)
	if len(events) != 1 || events[0].Detail["reason"] != "stolen" {
		t.Errorf("the time line has %+v", events)
	}
	if w := c.open(t, viewerRole, http.MethodGet, "/cards"); strings.Contains(w.Body.String(), `name="id"`) || strings.Contains(w.Body.String(), `action="/cards/choose"`) {
		t.Error("a viewer is offered to choose cards")
	}
}

func TestWholeKeysAreFoundByPost(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	_, _, batch, _ := c.stocked(t)
	keys, err := c.cards.Export(t.Context(), batch.ID, boss)
	ok(t, err)
	find := func(typed string) (int, string, string) {
		w := c.open(t, viewerRole, http.MethodPost, "/cards/find", "key", typed)
		return w.Code, w.Header().Get("Location"), w.Body.String()
	}
	if status, at, _ := find(strings.ToLower(strings.ReplaceAll(keys[1].Key, "-", " "))); status != http.StatusSeeOther || !strings.HasPrefix(at, "/cards/") {
		t.Errorf("a whole key: status %d, to %s", status, at)
	}
	for typed, want := range map[string]string{"": "Fill in", "abc": "This is no card key"} {
		if status, _, text := find(typed); status != http.StatusUnprocessableEntity || !strings.Contains(text, want) {
			t.Errorf("%q: status %d, without %q", typed, status, want)
		}
	}
	w := c.open(t, viewerRole, http.MethodGet, "/cards?q="+url.QueryEscape(keys[0].Key))
	if text := w.Body.String(); !strings.Contains(text, "Look for a whole key") {
		t.Errorf("a whole key in the address:\n%s", text)
	}
}
