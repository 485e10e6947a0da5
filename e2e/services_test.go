package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/access"
	"guildhall/platform/app"
	"guildhall/platform/config"
	"guildhall/platform/peer"
)

// The authority is the real program. bank and shop are processes of this test
// program on the real platform: bank answers shop over the internal listener,
// and shop's plain page /call shows what bank said.

const roleVariable = "GUILDHALL_E2E_SERVICE"

// lease is short, so that its end can be waited for.
const lease = 3 * time.Second

// serviceProcess is what such a process is told.
type serviceProcess struct {
	Name, Data string
	URLs       map[string]string
	Token      string
}

// runService is the life of a bank or shop process.
func runService(text string) error {
	var p serviceProcess
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	cfg := app.DefaultConfig()
	cfg.Server.Data, cfg.Server.HTTP, cfg.Server.HTTPS, cfg.Server.Internal = p.Data, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Peers.URLs, cfg.Peers.Lease = p.URLs, config.Duration(lease)
	if p.Token != "" {
		cfg.Peers.JoinTokens = map[string]config.Secret{p.Name: config.Secret(p.Token)}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	open := newService
	if p.URLs[access.IdentityService] != "" {
		open = newGuarded
	}
	return app.Run(ctx, app.Options{Definitions: []app.Definition{{Name: p.Name, Migrations: noTables(), New: open}},
		Config: cfg, Level: new(slog.LevelVar), Version: "test", Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Ready: func(a app.Announcement) { fmt.Println("ready " + a.Portal) }})
}

func noTables() fstest.MapFS {
	return fstest.MapFS{"0001_nothing.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}}
}

func newService(_ context.Context, env app.Env) (*app.Service, error) {
	return &app.Service{
		Peer: []peer.Route{{Pattern: "GET /money", Allow: []string{"shop"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			caller, _ := peer.From(r.Context())
			_, _ = fmt.Fprintf(w, "for %s", caller.Service)
		})}},
		Plain: func(mux *http.ServeMux) {
			mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) { call(w, r, env.Peer.Client("bank")) })
		},
	}, nil
}

func call(w http.ResponseWriter, r *http.Request, bank *http.Client) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, peer.URL("bank")+"/money", nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	resp, err := bank.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// startService runs a bank or shop and waits until it is ready.
func startService(t *testing.T, p serviceProcess) *server {
	t.Helper()
	s := launchService(t, p)
	s.await(t)
	return s
}

func launchService(t *testing.T, p serviceProcess) *server {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+string(text))
	return launch(t, cmd, p.Data)
}

// callBank is what shop's page says.
func callBank(t *testing.T, shop *server) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+shop.addresses(t).HTTP+"/call", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// until asks again and again until the page answers so.
func until(t *testing.T, shop *server, status int, text string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, said := callBank(t, shop)
		if got == status && strings.Contains(said, text) {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("still %d %s; want %d %s", got, said, status, text)
		case <-tick.C:
		}
	}
}

func TestServicesInSeparateProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "ca.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf("ca: {lease: %v}\npeers: {lease: %v}\n", lease, lease)), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "ca")
	ca := start(t, data, "ca", "--config", file)
	at := ca.addresses(t)
	again := func() *server {
		return startArgs(t, data, "serve", "ca", "--data", data, "--config", file, "--http", at.HTTP, "--https", at.HTTPS, "--internal", at.Internal)
	}
	token := func(service string) string {
		return strings.TrimSpace(must(t, "ca", "token", "create", service, "--data", data))
	}
	urls := map[string]string{"ca": "https://" + at.Internal}

	bank := startService(t, serviceProcess{Name: "bank", Data: filepath.Join(dir, "bank"), URLs: urls, Token: token("bank")})
	toBank := map[string]string{"ca": urls["ca"], "bank": "https://" + bank.addresses(t).Internal}
	shop := startService(t, serviceProcess{Name: "shop", Data: filepath.Join(dir, "shop"), URLs: toBank, Token: token("shop")})
	until(t, shop, http.StatusOK, "for shop")

	// The authority is killed and comes back within the lease: nobody notices.
	ca.kill(t)
	if status, said := callBank(t, shop); status != http.StatusOK {
		t.Fatalf("just after the authority was killed: %d %s", status, said)
	}
	ca = again()
	until(t, shop, http.StatusOK, "for shop")

	// Beyond the lease traffic stops and says why; it resumes by itself.
	ca.kill(t)
	until(t, shop, http.StatusBadGateway, "the revocation state is unknown")
	again()
	until(t, shop, http.StatusOK, "for shop")

	// A revoked bank is cut off at once, on kept connections too.
	serial := strings.TrimSpace(must(t, "ca", "list", "--data", data, "-q", "bank.guildhall.internal", "--serials"))
	began := time.Now()
	said := must(t, "ca", "revoke", serial, "--reason", "keyCompromise", "--data", data)
	if status, answer := callBank(t, shop); status == http.StatusOK {
		t.Fatalf("a revoked bank answers %q", answer)
	}
	t.Logf("cut off %v after the command began: %s", time.Since(began).Round(time.Millisecond), said)
	until(t, shop, http.StatusBadGateway, "revoked")

	// It does not come back by a restart, but by a new join token.
	bank.stop(t)
	refused := launchService(t, serviceProcess{Name: "bank", Data: bank.data, URLs: urls})
	if err := <-refused.ended; err == nil {
		t.Fatal("a revoked bank started again")
	}
	refused.ended <- nil // the failure was wanted
	back := startService(t, serviceProcess{Name: "bank", Data: bank.data, URLs: urls, Token: token("bank")})
	shop.stop(t)
	toBank["bank"] = "https://" + back.addresses(t).Internal
	shop = startService(t, serviceProcess{Name: "shop", Data: shop.data, URLs: toBank})
	until(t, shop, http.StatusOK, "for shop")
}

// A first start is quiet: nothing calls another service before it has a certificate
// and has heard what is revoked.
func TestFirstStartRefusesNoCall(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	await(t, "the authority to hear identity", func() bool { return strings.Contains(s.log.String(), "identity's revocations are known") })
	if text := s.log.String(); strings.Contains(text, "internal call refused") {
		t.Errorf("a call came too early:\n%s", text)
	}
}
