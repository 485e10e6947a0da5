package license

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/license/internal/store"
)

func TestTransportKeysAreReplacedOnTheirPage(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, _, _, _ := c.stocked(t)
	path := "/products/" + product.ID + "/transport"
	ids := func(kind string) (ids []string) {
		t.Helper()
		all, err := c.transport.Keys(t.Context(), product.ID)
		ok(t, err)
		for _, k := range all {
			if k.Kind == kind {
				ids = append(ids, k.ID)
			}
		}
		return ids
	}
	post := func(status int, do string, fields ...string) string {
		t.Helper()
		w := c.open(t, adminRole, http.MethodPost, path+do, fields...)
		if w.Code != status {
			t.Fatalf("%s %v: status %d, want %d", do, fields, w.Code, status)
		}
		return w.Body.String()
	}
	first := ids(store.KeyHPKE)
	post(http.StatusSeeOther, "/rotate", "kind", store.KeyHPKE)
	if now := ids(store.KeyHPKE); len(now) != 2 {
		t.Errorf("%d keys after a rotation, want 2", len(now))
	}
	post(http.StatusSeeOther, "/end", "key", first[0])
	post(http.StatusSeeOther, "/rotate", "kind", store.KeyRoot) // refused
	if now := ids(store.KeyHPKE); len(now) != 1 || now[0] == first[0] || len(ids(store.KeyRoot)) != 1 {
		t.Errorf("the keys are %v after the first was ended", now)
	}
	kit := post(http.StatusOK, "/kit")
	if !strings.Contains(kit, `"product": "studio"`) || strings.Contains(c.open(t, adminRole, http.MethodGet, path).Body.String(), `"key":`) {
		t.Errorf("the kit is %s", kit)
	}
	for role, offered := range map[string]bool{adminRole: true, viewerRole: false} {
		page := c.open(t, role, http.MethodGet, "/products/"+product.ID).Body.String()
		if strings.Contains(page, `action="`+path+`/kit"`) != offered {
			t.Errorf("the product's page offers a %s the kit: %t", role, !offered)
		}
	}
	if text := c.open(t, viewerRole, http.MethodGet, path).Body.String(); strings.Contains(text, "<form method=\"post\" action=\""+path) || !strings.Contains(text, "Root key") {
		t.Error("a viewer is shown what he may not do, or not the keys")
	}
}
