package bench

import (
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// cardsEnv is how many cards there are while license is measured; 1,000 without.
const cardsEnv = "GUILDHALL_BENCH_CARDS"

func cardsWanted(b *testing.B) int {
	text := os.Getenv(cardsEnv)
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", cardsEnv, err)
	}
	return n
}

// activations is how many one measurement of them has at most.
const activations = 2 * asks

// BenchmarkLicense is what customers' programs ask license; every answer is signed.
// "%bare" is the share of what a bare JSON endpoint reaches: over TLS for https, without
// for the others.
func BenchmarkLicense(b *testing.B) {
	const machines = 200
	for _, proven := range []bool{false, true} {
		name := "without-proof"
		if proven {
			name = "proof"
		}
		b.Run(name, func(b *testing.B) {
			onEngines(b, func(b *testing.B, s *server) {
				l := newLicences(b, s, proven, cardsWanted(b))
				l.activate(b, machines)
				if proven {
					l.learn(b)
				}
				for _, way := range []struct {
					name string
					by   *sealed.Client
				}{{"https", l.https}, {"psk", l.psk}, {"hpke", l.hpke}} {
					var turn atomic.Int64
					validate := func(worker int) error {
						m := l.machines[int(turn.Add(1))%machines]
						return l.ask(worker, way.by, license.CallValidate, m, proven)
					}
					parallel(b, askers, 4*askers, validate) // connections and caches
					b.Run("validate-"+way.name, func(b *testing.B) { l.compare(b, way.by, asks*b.N, validate) })
				}
				b.Run("activate-https", func(b *testing.B) {
					count := min((len(l.cards)-len(l.machines))/2, activations) // each run takes half of what is left
					fresh := make(chan machine, count)
					for range count {
						fresh <- l.machine(b)
					}
					l.compare(b, l.https, count, func(worker int) error { return l.ask(worker, l.https, license.CallActivate, <-fresh, proven) })
				})
				b.ReportMetric(l.resident(b)/1e6, "rss-MB")
			})
		})
	}
}

// compare measures between two measurements of the bare endpoint.
func (l *licences) compare(b *testing.B, by *sealed.Client, operations int, do func(worker int) error) {
	b.Helper()
	before := l.most(b, by)
	got := l.measureAll(b, operations, func() { parallel(b, askers, operations, do) })
	most := (before + l.most(b, by)) / 2
	b.ReportMetric(most, "bare/cpu-s")
	b.ReportMetric(100*got/most, "%bare")
}

// bareAsks is how many requests one measurement of the bare endpoint has.
const bareAsks = 4 * asks

// most is how often the bare endpoint answers in a second of CPU time, now.
func (l *licences) most(b *testing.B, by *sealed.Client) float64 {
	b.Helper()
	began := cpuTime(b, l.bare.pid)
	parallel(b, askers, bareAsks, func(worker int) error { return l.askBare(worker, by == l.https) })
	return bareAsks / (cpuTime(b, l.bare.pid) - began).Seconds()
}

// BenchmarkLicenseBatch is a batch of the largest size, from the command to its export.
func BenchmarkLicenseBatch(b *testing.B) {
	onEngines(b, func(b *testing.B, s *server) {
		l := newLicences(b, s, true, 1)
		for b.Loop() {
			b.ReportMetric(l.batch(b, maxBatch).Seconds(), "s/100000")
		}
		b.ReportMetric(l.resident(b)/1e6, "rss-MB")
	})
}
