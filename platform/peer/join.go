package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// joinTimeout is how long Join waits for the first word of the authority.
const joinTimeout = 15 * time.Second

// Join makes each service ready to speak: it loads the stored certificates,
// applies for those that are missing, learns what is revoked, and renews or
// applies again where needed. A service that cannot get a certificate is an
// error that says why and what to do.
func (n *Node) Join(ctx context.Context, a Authority, services []string) error {
	n.mu.Lock()
	n.authority = a
	n.mu.Unlock()
	var roots, err = a.Roots()
	if _, remote := a.(*Remote); remote {
		roots, err = nil, nil // it knows them from the stored certificates
	}
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for _, service := range services {
		id := n.As(service)
		n.mu.Lock()
		n.joined = append(n.joined, id)
		n.mu.Unlock()
		if err := id.load(ctx, roots); err != nil {
			return fmt.Errorf("join: %w", err)
		}
	}
	// Those without a certificate first, then with the news once more all.
	for _, id := range n.joined {
		if id.current.Load() == nil {
			if err := id.tend(ctx); err != nil {
				return fmt.Errorf("join: %w", err)
			}
		}
	}
	if err := n.firstNews(ctx); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for _, id := range n.joined {
		if err := id.tend(ctx); err != nil {
			return fmt.Errorf("join: %w", err)
		}
	}
	return nil
}

// firstNews follows the authority until the first head counts. When the
// authority refuses the certificate that we come with, a join token may help.
func (n *Node) firstNews(ctx context.Context) error {
	for {
		err := n.followUntilFresh(ctx)
		if err == nil {
			return nil
		}
		refused, ok := errors.AsType[*refusal](err)
		if !ok {
			return fmt.Errorf("no news of revocations from the authority%s, without which no connection can be trusted: %w. See that it runs and can be reached, and start again", n.whereabouts(), err)
		}
		id := refused.identity
		id.lose(fmt.Errorf("the authority refuses its certificate %s, which is most likely revoked, or unknown there since a restore (%w)", id.Serial(), err))
		if err := id.tend(ctx); err != nil {
			return err
		}
	}
}

// refusedByPeer is true when the other side ended the handshake. Its alert may
// be overtaken by the end of the connection.
func refusedByPeer(err error) bool {
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (n *Node) whereabouts() string {
	if addr, ok := n.addresses[AuthorityService]; ok {
		return " at " + addr
	}
	return ""
}

var errFresh = errors.New("fresh")

func (n *Node) followUntilFresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	err := n.Authority().Follow(ctx, 0, func(u Update) error {
		if err := n.take(ctx, u); err != nil {
			return err
		}
		if n.revoked.Fresh() == nil {
			return errFresh
		}
		return nil
	})
	if errors.Is(err, errFresh) {
		return nil
	}
	return err
}

// instance is this process's mark as a subscriber, kept in its directory.
func (n *Node) instance() (string, error) {
	file := filepath.Join(n.dir, "instance")
	text, err := os.ReadFile(file)
	if err == nil && validInstance.MatchString(strings.TrimSpace(string(text))) {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the instance mark: %w", err)
	}
	mark := rand.Text()
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return "", fmt.Errorf("make the directory of certificates: %w", err)
	}
	if err := os.WriteFile(file, []byte(mark+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store the instance mark: %w", err)
	}
	return mark, nil
}
