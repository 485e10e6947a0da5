package license

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"guildhall/platform/app"
	"guildhall/platform/guildtest"
	"guildhall/platform/session"
)

// least is who may at least do what: what the rows of rights should come to.
func least() map[string]string {
	all := map[string]string{}
	for role, what := range map[string]string{
		viewerRole: "list-products get-product list-releases list-release-files list-policies get-policy list-customers get-customer list-batches get-batch " +
			"list-alarms " +
			"list-functions get-function " +
			"list-signing-keys get-key-set list-licences get-licence " +
			"list-cards find-card get-card list-environments list-events list-mismatches",
		supportRole: "acknowledge-alarm get-licence-text update-licence " +
			"update-card suspend-card resume-card revoke-card extend-card unbind-card bin-card restore-card act-on-cards set-card-modules create-customer update-customer",
		adminRole: "list-accounts unlink-account invite-account withdraw-invitation create-signing-key rotate-signing-key retire-signing-key preview-licence issue-licence " +
			"create-product update-product create-release create-release-file delete-release-file rotate-handshake-key export-handshake-key create-policy update-policy order-batch export-batch export-batch-csv get-kit rotate-transport-key " +
			"upload-function update-function use-function-version enable-function disable-function remove-function remove-function-version list-function-failures " +
			"list-transport-keys end-transport-key " +
			"list-audit verify-audit export-audit",
	} {
		for id := range strings.FieldsSeq(what) {
			all[id] = role
		}
	}
	return all
}

// people are those who come, each with one role.
func people() []string {
	return []string{"bank.admin", "identity.admin", "license.", "license", viewerRole, supportRole, adminRole, session.Everything}
}

// TestEveryOperationAsksForItsRole tries each operation as everybody.
func TestEveryOperationAsksForItsRole(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.Open(t, guildtest.SQLite(t), migrations()))
	mux := http.NewServeMux()
	api := app.NewAPI(mux, Name, "test", "https://license.guild.example.test", slog.New(slog.DiscardHandler))
	o.operations(api)
	guarded := asAdministrator(o.clock.Now, mux)
	found := map[string]string{}
	for path, item := range api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op == nil {
				continue
			}
			role := least()[op.OperationID]
			found[op.OperationID] = role
			if role != adminRole && !strings.Contains(op.Description, role) {
				t.Errorf("the description of %s does not name %s: %s", op.OperationID, role, op.Description)
			}
			for _, held := range people() {
				r := httptest.NewRequestWithContext(t.Context(), method, strings.NewReplacer("{id}", "none", "{product}", "none", "{key}", "none", "{version}", "1", "{file}", "none", "{name}", "none").Replace(path), strings.NewReader("{"))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set(roleHeader, held)
				w := httptest.NewRecorder()
				guarded.ServeHTTP(w, r)
				may := (session.Principal{Roles: []string{held}}).Has(role)
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
