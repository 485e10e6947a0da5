package ca

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"guildhall/ca/internal/certificate"
	"guildhall/platform/app"
	"guildhall/platform/session"
)

// least is who may at least do what: what the rows of rights should come to.
func least() map[string]string {
	all := map[string]string{}
	for role, what := range map[string]string{
		viewerRole:   "list-certificates get-certificate download-certificate verify-certificate verify-certificate-alias",
		operatorRole: "issue-certificate issue-certificate-alias renew-certificate revoke-certificate download-pkcs12",
		adminRole:    "create-join-token list-join-tokens withdraw-join-token list-audit verify-audit export-audit",
		"":           "get-roots",
	} {
		for id := range strings.FieldsSeq(what) {
			all[id] = role
		}
	}
	return all
}

// people are those who come, each with one role.
func people() []string {
	return []string{"bank.admin", "identity.admin", "ca.", "ca", viewerRole, operatorRole, adminRole, session.Everything}
}

// TestEveryOperationAsksForItsRole tries each operation as everybody.
func TestEveryOperationAsksForItsRole(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	mux := http.NewServeMux()
	api := app.NewAPI(mux, "ca", "test", "https://ca.guild.example.test", slog.New(slog.DiscardHandler))
	a.operations(api)
	guarded := asAdministrator(mux)
	found := map[string]string{}
	for path, item := range api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op == nil {
				continue
			}
			role := least()[op.OperationID]
			found[op.OperationID] = role
			if role != "" && role != adminRole && !strings.Contains(op.Description, role) {
				t.Errorf("the description of %s does not name %s: %s", op.OperationID, role, op.Description)
			}
			for _, held := range people() {
				r := httptest.NewRequestWithContext(t.Context(), method, strings.ReplaceAll(path, "{id}", "none"), strings.NewReader("{"))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set(roleHeader, held)
				w := httptest.NewRecorder()
				guarded.ServeHTTP(w, r)
				may := role == "" || (session.Principal{Roles: []string{held}}).Has(role)
				if refused := w.Code == http.StatusForbidden; refused == may {
					t.Errorf("%s as %q: status %d", op.OperationID, held, w.Code)
				}
			}
		}
	}
	if diff := cmp.Diff(least(), found); diff != "" {
		t.Errorf("the operations (-expected +found):\n%s", diff)
	}
}

// TestEveryPageAsksForItsRole tries each page as everybody.
func TestEveryPageAsksForItsRole(t *testing.T) {
	t.Parallel()
	v := visit(t)
	for role, all := range rights() {
		for _, what := range all {
			method, path, isPage := strings.Cut(what, " ")
			if !isPage {
				continue
			}
			path = strings.NewReplacer("{$}", "", "{id}", "none", "{format}", "pem").Replace(path)
			for _, v.Role = range people() {
				r, err := http.NewRequestWithContext(t.Context(), method, v.site.URL+path, nil)
				ok(t, err)
				if _, pattern := v.mux.Handler(r); pattern != what {
					t.Fatalf("%s is served by %q", what, pattern)
				}
				may := (session.Principal{Roles: []string{v.Role}}).Has(role)
				if a := v.do(t, r); (a.StatusCode == http.StatusForbidden) == may {
					t.Errorf("%s as %q: status %d", what, v.Role, a.StatusCode)
				}
			}
		}
	}
}

// TestNobodyIsShownWhatHeMayNot looks at the pages of a certificate with each role.
func TestNobodyIsShownWhatHeMayNot(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.get(t, "/certificates").wants(t, http.StatusOK, "No certificates yet", `href="/certificates/new"`)
	v.Role = viewerRole
	if a := v.get(t, "/certificates"); strings.Contains(a.Text, "/certificates/new") {
		t.Errorf("a viewer is told to issue the first certificate:\n%s", a.main())
	}
	one := "/certificates/" + v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"}).ID
	for role, shown := range map[string][]string{
		viewerRole:   {},
		operatorRole: {"/certificates/new", one + "/renew", one + "/revoke", one + "/pkcs12"},
		adminRole:    {"/certificates/new", one + "/renew", one + "/revoke", one + "/pkcs12", "/tokens", "/audit"},
	} {
		v.Role = role
		var text strings.Builder
		for _, path := range []string{"/", "/certificates", one, "/revocations", "/verify", "/trust"} {
			a := v.get(t, path)
			a.wants(t, http.StatusOK, `href="/certificates"`)
			text.WriteString(a.Text)
		}
		for _, path := range []string{"/certificates/new", one + "/renew", one + "/revoke", one + "/pkcs12", "/tokens", "/audit"} {
			if got := strings.Contains(text.String(), `"`+path+`"`); got != slices.Contains(shown, path) {
				t.Errorf("%s is shown %s: %t", role, path, got)
			}
		}
	}
}
