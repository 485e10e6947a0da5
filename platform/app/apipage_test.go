package app

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/i18n"
	"guildhall/platform/web/locales"

	applocales "guildhall/platform/app/locales"
)

// The page of an API says which bodies may be left out, and warns before it sends what
// takes something away.
func TestAPIPageWarns(t *testing.T) {
	t.Parallel()
	type body struct {
		Body struct {
			Name string `json:"name"`
		}
	}
	type maybe struct {
		Body *struct {
			Name string `json:"name,omitempty"`
		}
	}
	api := NewAPI(http.NewServeMux(), "notes", "1", "https://notes.example", slog.New(slog.DiscardHandler))
	op := func(id, method string, metadata map[string]any) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1/" + id, Metadata: metadata}
	}
	none := func(context.Context, *struct{}) (*struct{}, error) { return nil, nil }
	Register(api, op("read", http.MethodGet, nil), none)
	Register(api, op("take", http.MethodDelete, nil), none)
	Register(api, op("give", http.MethodPut, nil), none)
	Register(api, op("stop", http.MethodPost, map[string]any{Loses: true}), none)
	Register(api, op("replace", http.MethodPut, nil), func(context.Context, *body) (*struct{}, error) { return nil, nil })
	Register(api, op("add", http.MethodPost, nil), func(context.Context, *maybe) (*struct{}, error) { return nil, nil })

	bundle, err := i18n.NewBundle(locales.FS(), applocales.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operationsOf(api.OpenAPI()) {
		var page strings.Builder
		if err := apiOperation(o).Render(bundle.Context(t.Context(), "en", ""), &page); err != nil {
			t.Fatal(err)
		}
		text := page.String()
		if warned := strings.Contains(text, "data-sure") && strings.Contains(text, " required"); warned != slices.Contains([]string{"take", "stop", "replace"}, o.ID) {
			t.Errorf("%s: asks before it is sent: %v", o.ID, warned)
		}
		if got := strings.Contains(text, "Whatever the body leaves out is lost"); got != (o.ID == "replace") {
			t.Errorf("%s: replaces: %v", o.ID, got)
		}
		if optional := strings.Contains(text, "optional"); optional != (o.ID == "add") {
			t.Errorf("%s: has something optional: %v", o.ID, optional)
		}
	}
}
