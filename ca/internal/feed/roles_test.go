package feed_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/feed"
	"guildhall/platform/db"
	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// The test binary is also every process of the processes test: the variable
// roleVar says which one. A role reads commands from its standard input, one a
// line, answers each with a line, and ends with its input.
const (
	roleVar      = "GUILDHALL_TEST_ROLE"
	dirVar       = "GUILDHALL_TEST_DIR"
	listenVar    = "GUILDHALL_TEST_LISTEN"
	authorityVar = "GUILDHALL_TEST_AUTHORITY"
	bankVar      = "GUILDHALL_TEST_BANK"
	tokenVar     = "GUILDHALL_TEST_TOKEN"

	testLease = 3 * time.Second
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role); err != nil {
		fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

// play is one process until its input ends.
func play(role string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := net.Listen("tcp", os.Getenv(listenVar))
	if err != nil {
		return err
	}
	p := &player{ctx: ctx, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	o := peer.NodeOptions{Dir: filepath.Join(os.Getenv(dirVar), role), Internal: l.Addr().String(), Lease: testLease, Log: p.log, URLs: map[string]string{}, Tokens: map[string]string{}}
	for variable, service := range map[string]string{authorityVar: "ca", bankVar: "bank"} {
		if addr := os.Getenv(variable); addr != "" {
			o.URLs[service] = "https://" + addr
		}
	}
	if token := os.Getenv(tokenVar); token != "" {
		o.Tokens[role] = token
	}
	if p.node, err = peer.NewNode(o); err != nil {
		return err
	}
	a, err := p.cast(role)
	if err != nil {
		return err
	}
	if err := p.node.Join(ctx, a, []string{role}); err != nil {
		return err
	}
	go func() { _ = p.node.Run(ctx) }()
	go func() { _ = p.node.Server(nil).ServeTLS(l, "", "") }()
	fmt.Println("ready", l.Addr())
	return p.obey(os.Stdin)
}

// player is a process's parts.
type player struct {
	ctx       context.Context //nolint:containedctx // the process's own
	log       *slog.Logger
	node      *peer.Node
	authority *standing
}

// standing is the authority of the test: certificates of peertest, revocations
// of a database and the hub.
type standing struct {
	*peertest.Authority
	desk desk
	hub  *feed.Hub
}

func (s *standing) Follow(ctx context.Context, after uint64, apply func(peer.Update) error) error {
	return s.hub.Follow(ctx, peer.Subscriber{Service: "ca", Instance: "local"}, after, apply)
}

// cast gives the process its routes and its authority.
func (p *player) cast(role string) (peer.Authority, error) {
	switch role {
	case "ca":
		if err := p.rule(); err != nil {
			return nil, err
		}
		r := p.authority.Registrar()
		r.Subscribe, r.Ack, r.Leave = p.authority.hub.Subscribe, p.authority.hub.Ack, p.authority.hub.Leave
		p.node.Serve("ca", r.Routes())
		return p.authority, nil
	case "bank":
		p.node.Serve("bank", []peer.Route{
			{Pattern: "GET /hello", Allow: []string{"shop"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })},
			{Pattern: "GET /stream", Allow: []string{"shop"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})},
		})
	}
	return p.node.Remote()
}

// rule makes the authority out of what the directory holds.
func (p *player) rule() error {
	dir := os.Getenv(dirVar)
	text, err := os.ReadFile(filepath.Join(dir, "authority.json"))
	if err != nil {
		return err
	}
	c, err := peertest.DecodeCA(text, time.Now)
	if err != nil {
		return err
	}
	d, err := db.Open(p.ctx, "sqlite:"+filepath.Join(dir, "ca.db"), db.Options{Name: "ca", Log: p.log})
	if err != nil {
		return err
	}
	if err := d.Migrate(p.ctx, migrations(), "schema_migrations"); err != nil {
		return err
	}
	desk := desk{d, time.Now}
	p.authority = &standing{Authority: c.Authority(), desk: desk, hub: feed.New(feed.Options{DB: d, Revocations: desk.revocations, Key: c.StatusKey,
		Lease: testLease, Interval: 200 * time.Millisecond, Now: func() (time.Time, error) { return time.Now(), nil }, Log: p.log})}
	go func() { _ = p.authority.hub.Run(p.ctx) }()
	return nil
}

func (p *player) obey(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		command, argument, _ := strings.Cut(lines.Text(), " ")
		answer, err := p.do(command, argument)
		if err != nil {
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		fmt.Println(answer)
	}
	return lines.Err()
}

func (p *player) do(command, argument string) (string, error) {
	switch command {
	case "token":
		text, err := p.authority.JoinToken(argument)
		return "token " + text, err
	case "revoke":
		return p.revoke(argument)
	case "call":
		return p.call()
	case "stream":
		return p.stream()
	}
	return "", errors.New("no such command")
}

// revoke answers how long it took until all had acknowledged.
func (p *player) revoke(service string) (string, error) {
	start := time.Now()
	cert := p.authority.Newest(service)
	if _, err := p.authority.Revoke(cert); err != nil {
		return "", err
	}
	seq, err := p.authority.desk.add(p.ctx, peer.SerialText(cert))
	if err != nil {
		return "", err
	}
	reach, err := p.authority.hub.Announce(p.ctx, seq)
	return fmt.Sprintf("revoked %d %d %d", time.Since(start).Microseconds(), reach.Acknowledged, len(reach.Lapsed)), err
}

func (p *player) call() (string, error) {
	resp, err := p.get("/hello")
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	return string(text), err
}

// stream opens a lasting request; its end is a line of its own later.
func (p *player) stream() (string, error) {
	resp, err := p.get("/stream")
	if err != nil {
		return "", err
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		return "", err
	}
	go func() {
		_, err := io.Copy(io.Discard, resp.Body)
		fmt.Println("cut", time.Now().UnixMicro(), err)
	}()
	return "streaming", nil
}

func (p *player) get(path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(p.ctx, http.MethodGet, peer.URL("bank")+path, nil)
	if err != nil {
		return nil, err
	}
	return p.node.As("shop").Client("bank").Do(r)
}
