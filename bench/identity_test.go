package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// asks is how many requests one measurement has.
const asks = 1000

// BenchmarkIdentity is what applications ask identity for. "%bare" is the share of
// what a bare endpoint of the same process reaches, "x-least" how many times the CPU
// it costs of such an endpoint and the signatures that are made.
func BenchmarkIdentity(b *testing.B) {
	onEngines(b, func(b *testing.B, s *server) {
		a := newApplications(b, s, 1)
		for _, way := range []struct {
			name       string
			signatures int
			do         func(worker int) error
		}{
			{"introspection", 0, a.introspect},
			{"client-credentials", 1, a.credentials},
			{"refresh", 2, a.refresh},
			{"code-flow", 2, func(worker int) error { _, err := a.code(worker); return err }},
		} {
			parallel(b, askers, 4*askers, way.do) // connections and caches
			b.Run(way.name, func(b *testing.B) { a.compare(b, way.signatures, way.do) })
		}
	})
}

// compare measures between two measurements of the bare endpoint.
func (a *applications) compare(b *testing.B, signatures int, do func(worker int) error) {
	b.Helper()
	before := a.most(b)
	got := a.measureAll(b, asks*b.N, func() { parallel(b, askers, asks*b.N, do) })
	most := (before + a.most(b)) / 2
	b.ReportMetric(most, "bare/cpu-s")
	b.ReportMetric(100*got/most, "%bare")
	b.ReportMetric((1/got)/(1/most+float64(signatures)*signature(b).Seconds()), "x-least")
}

// most is how often the bare endpoint answers in a second of CPU time, now.
func (a *applications) most(b *testing.B) float64 {
	b.Helper()
	own, database := a.spent(b)
	parallel(b, askers, asks, a.bare)
	own2, database2 := a.spent(b)
	return asks / (own2 - own + database2 - database).Seconds()
}

// signature is the CPU time of one by ES256.
func signature(b *testing.B) time.Duration {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("token"))
	began := ourCPU(b)
	for range asks {
		if _, _, err := ecdsa.Sign(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
	return (ourCPU(b) - began) / asks
}

// BenchmarkSignIn is sign-ins by password, as many as the server takes: how many
// times the CPU of the hash they cost, and what an application that introspects
// meanwhile, again and again, has to wait.
func BenchmarkSignIn(b *testing.B) {
	const people, signIns = 4, 40
	a := newApplications(b, serve(b, b.TempDir(), ""), people)
	b.Run("alone", func(b *testing.B) {
		got := a.measureAll(b, signIns*b.N, func() { parallel(b, people, signIns*b.N, a.signIn) })
		b.ReportMetric(1/got/hashing(b).Seconds(), "x-hash")
	})
	b.Run("beside-introspection", func(b *testing.B) {
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		alone := a.waits(ctx, b)
		beside, stop := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		var waited []time.Duration
		b.ResetTimer()
		wg.Go(func() { waited = a.waits(beside, b) })
		parallel(b, people, signIns*b.N, a.signIn)
		b.ReportMetric(float64(signIns*b.N)/b.Elapsed().Seconds(), "ops/s")
		stop()
		wg.Wait()
		for name, list := range map[string][]time.Duration{"alone": alone, "beside": waited} {
			slices.Sort(list)
			b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, name+"-p50-ms")
			b.ReportMetric(float64(list[len(list)*99/100].Microseconds())/1000, name+"-p99-ms")
		}
	})
}

// hashing is the CPU time of a password's hash, with the cost that identity's have.
func hashing(b *testing.B) time.Duration {
	b.Helper()
	const times = 10
	began := ourCPU(b)
	for range times {
		argon2.IDKey([]byte(password), make([]byte, 16), 2, 19*1024, 1, 32)
	}
	return (ourCPU(b) - began) / times
}

// waits are the times of introspections, one after the other until ctx ends.
func (a *applications) waits(ctx context.Context, b *testing.B) (all []time.Duration) {
	b.Helper()
	for ctx.Err() == nil {
		began := time.Now()
		if err := a.introspect(askers - 1); err != nil {
			b.Error(err)
			return all
		}
		all = append(all, time.Since(began))
	}
	return all
}

// tokensEnv is how many tokens BenchmarkIdentitySize makes of each kind; 5,000 without.
const tokensEnv = "GUILDHALL_BENCH_TOKENS"

// BenchmarkIdentitySize is the memory that the process holds, and by how much the
// database grows with tokens: stopped, when all of it is in one file. What comes with
// the first quarter of them may be made once; a database that is flat does not grow
// with the others.
func BenchmarkIdentitySize(b *testing.B) {
	const parts, families = 4, 500
	many := 5000
	if text := os.Getenv(tokensEnv); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", tokensEnv, err)
		}
	}
	a := newApplications(b, serve(b, b.TempDir(), ""), 1)
	parallel(b, askers, families-askers, a.family)
	for _, way := range []struct {
		name string
		do   func(worker int) error
	}{
		{"client-credentials", a.credentials},
		{"introspection", a.introspect},
		{"refresh", a.refresh},
	} {
		b.Run(way.name, func(b *testing.B) {
			sizes := []float64{a.size(b)}
			var resident float64
			for range parts {
				a.start(b)
				parallel(b, askers, many/parts, way.do)
				resident = a.resident(b)
				sizes = append(sizes, a.size(b))
			}
			a.start(b)
			b.ReportMetric(resident/1e6, "rss-MB")
			b.ReportMetric(sizes[0], "before-bytes")
			b.ReportMetric(sizes[1]-sizes[0], "first-quarter-bytes")
			b.ReportMetric(sizes[parts]-sizes[1], "rest-bytes")
			b.ReportMetric((sizes[parts]-sizes[0])/float64(many), "bytes/token")
		})
	}
}

// size stops the server and is that of identity's database, in bytes.
func (a *applications) size(b *testing.B) float64 {
	b.Helper()
	a.stop(b)
	file := filepath.Join(a.data, "identity", "identity.db")
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(file + "-wal"); !errors.Is(err, os.ErrNotExist) {
		b.Fatalf("a stopped server left a journal: %v", err)
	}
	return float64(info.Size())
}
