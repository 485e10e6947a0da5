package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"guildhall/platform/access"
	"guildhall/platform/peer"
)

const (
	// guardEnv is subscriberEnv for a process that takes access tokens.
	guardEnv = "GUILDHALL_BENCH_GUARD"
	// guarded is what its tokens are for, and guard its name as a service.
	guarded = "https://guard.example.com"
	guard   = "bench0"
	// withdrawn is how many tokens are revoked, for a quantile.
	withdrawn = 300
)

// BenchmarkRevokedAccess is the time from the answer to the revocation of an access
// token until a service in another process, which looks at it each millisecond,
// refuses it; and from the request.
func BenchmarkRevokedAccess(b *testing.B) {
	onEngines(b, func(b *testing.B, s *server) {
		a := newApplications(b, s, 1)
		robot := a.register(b, "service", "--audience", guarded)
		say, hear := s.guard(b)
		b.Run("other-process", func(b *testing.B) {
			var asked, answered []time.Duration
			a.measureAll(b, withdrawn*b.N, func() {
				for range withdrawn * b.N {
					var got tokens
					if err := a.ask(0, robot, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}, http.StatusOK, &got); err != nil {
						b.Fatal(err)
					}
					say(got.Access)
					hear("good")
					began := time.Now()
					if err := a.ask(0, robot, "/oauth2/revoke", url.Values{"token": {got.Access}}, http.StatusOK, nil); err != nil {
						b.Fatal(err)
					}
					answer := time.Now()
					hear("refused")
					asked, answered = append(asked, time.Since(began)), append(answered, time.Since(answer))
				}
			})
			b.ReportMetric(quantile(answered, 0.50), "p50-ms")
			b.ReportMetric(quantile(answered, 0.99), "p99-ms")
			b.ReportMetric(quantile(asked, 0.50), "asked-p50-ms")
			b.ReportMetric(quantile(asked, 0.99), "asked-p99-ms")
		})
	})
}

// guard starts a process that joins the server and follows what is revoked. It is told
// tokens and says what became of each.
func (s *server) guard(b *testing.B) (say, hear func(text string)) {
	b.Helper()
	text, err := json.Marshal(subscription{Service: guard, Dir: b.TempDir(), Authority: "https://" + s.internal, Token: s.joinToken(b, guard)})
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), guardEnv+"="+string(text)), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("guard: %v", err)
		}
	})
	lines := bufio.NewReader(out)
	say = func(text string) {
		if _, err := fmt.Fprintln(in, text); err != nil {
			b.Fatal(err)
		}
	}
	hear = func(text string) {
		b.Helper()
		if line, err := lines.ReadString('\n'); line != text+"\n" {
			b.Fatalf("the guard says %q, %v; wanted %q", line, err, text)
		}
	}
	hear("joined")
	return say, hear
}

// standGuard is the main function of that process. It ends when its standard input does.
func standGuard(text string) (code int) {
	if err := watch(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func watch(text string) error {
	var s subscription
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	node, err := peer.NewNode(peer.NodeOptions{Dir: s.Dir, URLs: map[string]string{"ca": s.Authority, access.IdentityService: s.Authority}, Tokens: map[string]string{s.Service: s.Token}})
	if err != nil {
		return err
	}
	authority, err := node.Remote()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := node.Join(ctx, authority, []string{s.Service}); err != nil {
		return err
	}
	set := access.NewSet(0, time.Now)
	follower := access.Follower{Set: set, Client: node.As(s.Service).Client(access.IdentityService), Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	ended := make(chan error, 2)
	go func() { ended <- node.Run(ctx) }()
	go func() { ended <- follower.Run(ctx) }()
	for set.Fresh() != nil {
		pause(ctx, time.Millisecond)
	}
	fmt.Println("joined")
	err = judge(ctx, os.Stdin, &access.Verifier{Set: set, Now: time.Now})
	cancel()
	return errors.Join(err, <-ended, <-ended)
}

// judge says of each token that it is good, and then when it is refused.
func judge(ctx context.Context, from io.Reader, v *access.Verifier) error {
	tokens := bufio.NewScanner(from)
	for tokens.Scan() {
		if _, err := v.Verify(tokens.Text(), guarded); err != nil {
			return err
		}
		fmt.Println("good")
		for {
			_, err := v.Verify(tokens.Text(), guarded)
			if errors.Is(err, access.ErrRevoked) {
				break
			}
			if err != nil {
				return err
			}
			pause(ctx, time.Millisecond)
		}
		fmt.Println("refused")
	}
	return tokens.Err()
}
