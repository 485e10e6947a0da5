package bench

import (
	"os"
	"testing"

	"guildhall/sdk/go/ca"
)

// BenchmarkStart is the time from the start of the process to its ready line:
// the first start makes the databases, the keys and all certificates, the second
// finds them.
func BenchmarkStart(b *testing.B) {
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	var first, second, idle, mapped float64
	n := 0.0
	for b.Loop() {
		s := serve(b, b.TempDir(), "")
		first += float64(s.ready.Milliseconds())
		idle += s.resident(b)
		s.stop(b)
		s.start(b)
		second += float64(s.ready.Milliseconds())
		mapped += s.resident(b)
		s.stop(b)
		n++
	}
	size, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(first/n, "first-ms")
	b.ReportMetric(second/n, "second-ms")
	b.ReportMetric(idle/n/1e6, "first-rss-MB")
	b.ReportMetric(mapped/n/1e6, "second-rss-MB")
	b.ReportMetric(float64(size.Size())/1e6, "binary-MB")
}

// BenchmarkMemory is what the server keeps resident: at rest, right after 10,000
// certificates were issued as fast as 64 clients could, and after a restart with
// them.
func BenchmarkMemory(b *testing.B) {
	const many = 10_000
	s := serve(b, b.TempDir(), "")
	clients := s.clients(b, callers)
	_, der := newRequest(b, "shop.example.com", "www.shop.example.com")
	csr := pemOf(der)
	b.Run("10k-certificates", func(b *testing.B) {
		b.ReportMetric(s.resident(b)/1e6, "before-MB")
		parallel(b, callers, many, func(worker int) error {
			_, err := clients[worker].Issue(b.Context(), ca.IssueRequest{CSR: csr})
			return err
		})
		b.ReportMetric(s.resident(b)/1e6, "after-MB")
		s.stop(b)
		s.start(b)
		b.ReportMetric(s.resident(b)/1e6, "restarted-MB")
		b.ReportMetric(float64(s.ready.Milliseconds()), "restart-ms")
	})
}
