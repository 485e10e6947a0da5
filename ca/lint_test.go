package ca

import (
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/crl"
	wire "guildhall/sdk/go/ca"
)

func TestLinterFindsNothingInRevocationLists(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	for _, reason := range []string{"", "keyCompromise"} {
		issued, err := a.client.Issue(t.Context(), wire.IssueRequest{CommonName: "a.example.com"})
		ok(t, err)
		_, err = a.client.Revoke(t.Context(), issued.Certificate.ID, wire.RevokeRequest{Reason: reason})
		ok(t, err)
	}
	for name, entries := range map[string]int64{crl.Issuing: 2, crl.Root: 0} {
		list, err := a.lists.Build(t.Context(), name)
		if err != nil || list.Entries != entries {
			t.Fatalf("%s: %d entries, %v", name, list.Entries, err)
		}
		catest.Lint(t, name, "X509 CRL", list.DER)
	}
}
