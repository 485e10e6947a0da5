package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"guildhall/platform/peer"
)

// services is how many enrolled services renew at once, each with renewals of
// eight of its instances under way.
const services, instances = 8, 8

// BenchmarkRenew is renewal as services do it: over mutual TLS on the internal
// listener, on a fresh key, the old and new certificate and the audit entry on
// disk before the answer.
func BenchmarkRenew(b *testing.B) {
	onEngines(b, func(b *testing.B, s *server) {
		most := newCeiling(b)
		authorities, requests := make([]peer.Authority, services), make([][]byte, services)
		for i := range services {
			name := fmt.Sprintf("bench%d", i)
			authorities[i] = s.enrol(b, name)
			_, requests[i] = newRequest(b, peer.Name(name))
		}
		renew := func(worker int) error {
			_, err := authorities[worker%services].Renew(b.Context(), requests[worker%services])
			return err
		}
		parallel(b, services*instances, 4*services*instances, renew)
		b.Run("mtls", func(b *testing.B) {
			most.compare(b, func() float64 {
				return s.measureAll(b, certificates*b.N, func() { parallel(b, services*instances, certificates*b.N, renew) })
			})
		})
	})
}

// enrol joins a service in this process to the server by a join token, and
// follows its revocations until the benchmark ends.
func (s *server) enrol(b *testing.B, service string) peer.Authority {
	b.Helper()
	node, err := peer.NewNode(peer.NodeOptions{Dir: b.TempDir(), URLs: map[string]string{"ca": "https://" + s.internal},
		Tokens: map[string]string{service: s.joinToken(b, service)}})
	if err != nil {
		b.Fatal(err)
	}
	authority, err := node.Remote()
	if err != nil {
		b.Fatal(err)
	}
	if err := node.Join(b.Context(), authority, []string{service}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := node.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); running.Wait() })
	return authority
}

func (s *server) joinToken(b *testing.B, service string) string {
	b.Helper()
	return lastLine(s.run(b, "ca", "token", "create", service))
}

// joining are the names under which services join in the benchmarks.
func joining() string {
	var names []string
	for i := range max(services, subscribers) {
		names = append(names, fmt.Sprintf("bench%d", i))
	}
	return strings.Join(names, ",")
}
