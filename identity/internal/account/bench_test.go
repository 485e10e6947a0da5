package account_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/guildtest"
)

// BenchmarkSignIn signs people in by their passwords, eight at a time, each from
// an address of his own, with all that is recorded on the disk.
func BenchmarkSignIn(b *testing.B) {
	w := identitytest.New(b, guildtest.Open(b, guildtest.SQLite(b), os.DirFS("../../migrations")))
	const people = 16
	for i := range people {
		w.Account(b, fmt.Sprintf("user%d@example.com", i))
	}
	var n atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := w.Accounts.SignIn(b.Context(), account.SignInRequest{Email: fmt.Sprintf("user%d@example.com", i%people),
				Password: identitytest.Password, By: from(fmt.Sprintf("203.0.113.%d", i%250))})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
}
