package app

import (
	"io"
	"testing"
	"time"

	"guildhall/platform/peer/peertest"
)

// net/http ends the context of a request when ReadTimeout is over, also while
// the handler works: a backup of a large database would be cut off.
func TestControlSocketSetsNoEndToALongBackup(t *testing.T) {
	t.Parallel()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), options(t, t.TempDir(), authority, io.Discard), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	if s := a.controlServer(); s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.ConnContext == nil {
		t.Errorf("read %s, write %s", s.ReadTimeout, s.WriteTimeout)
	}
}
