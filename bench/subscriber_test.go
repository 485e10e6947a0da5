package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"guildhall/platform/peer"
)

// subscriberEnv holds a subscription in JSON. A test program that finds it is a
// subscriber, and no test.
const subscriberEnv = "GUILDHALL_BENCH_SUBSCRIBER"

// subscription tells a subscriber whom to follow.
type subscription struct{ Service, Dir, Authority, Token string }

// subscribe is the main function of a process that follows the revocations, as
// every process of guildhall does. It ends when its standard input does.
func subscribe(text string) (code int) {
	if err := follow(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func follow(text string) error {
	var s subscription
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	node, err := peer.NewNode(peer.NodeOptions{Dir: s.Dir, URLs: map[string]string{"ca": s.Authority}, Tokens: map[string]string{s.Service: s.Token}})
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
	fmt.Println("joined")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return node.Run(ctx)
}

// subscriber starts a process of its own that joins the server.
func (s *server) subscriber(b *testing.B, service string) {
	b.Helper()
	text, err := json.Marshal(subscription{Service: service, Dir: b.TempDir(), Authority: "https://" + s.internal, Token: s.joinToken(b, service)})
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), subscriberEnv+"="+string(text)), os.Stderr
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
			b.Errorf("subscriber %s: %v", service, err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "joined\n" {
		b.Fatalf("subscriber %s did not join: %q %v", service, line, err)
	}
}
