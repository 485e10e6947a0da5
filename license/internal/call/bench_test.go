package call_test

import (
	"os"
	"testing"

	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/platform/guildtest"
)

// BenchmarkValidate is what a request of a known machine costs behind the transport, with
// sixteen that ask at once.
func BenchmarkValidate(b *testing.B) {
	w := licensetest.New(b, guildtest.Open(b, guildtest.SQLite(b), os.DirFS("../../migrations")))
	key := w.CardKey(b, func(p *policy.Policy) { p.Proof = false })
	m := w.Machine(b, "m", "198.51.100.1")
	m.Want(b, "activated ok", "activate", key)
	in := m.Request(b, "validate", key)
	in.Proof, in.Verify = false, nil
	in.Device = nil
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Calls.Answer(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	})
}
