package enrol_test

import (
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/enrol"
	"guildhall/ca/internal/store"
	"guildhall/platform/peer"
)

// TestTheAuthorityComesBackAfterItsRevocation: with its own certificate revoked
// it must still be able to start, or nobody could make a join token for it.
func TestTheAuthorityComesBackAfterItsRevocation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		csr := catest.CSR(t, catest.NewKey(t), enrol.Name(peer.AuthorityService))
		first, err := w.Enroller.EnrolLocal(t.Context(), peer.AuthorityService, csr)
		if err != nil {
			t.Fatal(err)
		}
		serial := store.SerialText(leaf(first).SerialNumber)
		if _, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: serial, By: catest.Admin}); err != nil {
			t.Fatal(err)
		}
		again, err := w.Enroller.EnrolLocal(t.Context(), peer.AuthorityService, csr)
		if err != nil || leaf(again).Equal(leaf(first)) {
			t.Fatalf("after its revocation: %v", err)
		}
	})
}
