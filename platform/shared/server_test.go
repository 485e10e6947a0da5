package shared_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"guildhall/platform/guildtest"
	"guildhall/platform/shared"
)

const patient = time.Minute

// add counts up and returns how far it is.
func add() shared.Script { return shared.NewScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`) }

// lines is a log that a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), part)
}

func open(t *testing.T, url string, roots *x509.CertPool, more ...func(*shared.Options)) (*shared.Server, *lines) {
	t.Helper()
	address, err := shared.ParseAddress(url, roots)
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	o := shared.Options{Address: address, Timeout: patient, Scope: "guild.example.test", Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, change := range more {
		change(&o)
	}
	s := shared.Open(t.Context(), o)
	t.Cleanup(s.Close)
	return s, log
}

func works(t *testing.T, s *shared.Server) {
	t.Helper()
	key := s.Key("test", rand.Text())
	for want := range int64(3) {
		if got, err := s.Do(t.Context(), add(), key, "1"); err != nil || got != want+1 {
			t.Fatalf("got %d, %v, want %d; %v", got, err, want+1, s.Problem())
		}
	}
}

// The log warns once however many ask, and says once when it is over; the metrics
// have both.
func TestLogAndMetricsTellTheTurns(t *testing.T) {
	t.Parallel()
	r, metrics := guildtest.NewRedis(t), prometheus.NewRegistry()
	s, log := open(t, r.URL(""), nil, func(o *shared.Options) { o.Metrics = metrics })
	up := func(want, unanswered string) {
		t.Helper()
		w := httptest.NewRecorder()
		promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		for _, line := range []string{"guildhall_shared_up " + want, "guildhall_shared_unanswered_total " + unanswered} {
			if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
				t.Errorf("no %q in\n%s", line, w.Body)
			}
		}
	}
	works(t, s)
	up("1", "0")
	for range 2 {
		r.Kill(t)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := s.Do(t.Context(), add(), s.Key("test", "k"), "1"); !errors.Is(err, shared.ErrAway) {
					t.Errorf("a question to nobody: %v", err)
				}
			})
		}
		all.Wait()
		if s.Look(t.Context()) == nil {
			t.Error("a killed server is found")
		}
		r.Start(t)
		if err := s.Look(t.Context()); err != nil {
			t.Error(err)
		}
		works(t, s)
	}
	up("1", "16")
	if warned, back := log.count("level=WARN"), log.count("level=INFO"); warned != 2 || back != 2 {
		t.Errorf("%d warnings and %d returns, want 2 each:\n%s", warned, back, log.buf.String())
	}
}

// A server that comes only after the process is found by itself.
func TestServerThatComesLater(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	r.Kill(t)
	s, log := open(t, r.URL(""), nil)
	if _, err := s.Do(t.Context(), add(), "k", "1"); !errors.Is(err, shared.ErrAway) || s.Problem() == nil {
		t.Errorf("%v, %v", err, s.Problem())
	}
	go func() { _ = s.Run(t.Context()) }()
	r.Start(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.Problem() != nil && t.Context().Err() == nil {
		<-tick.C
	}
	works(t, s)
	if log.count("works again") == 0 {
		t.Error("the log does not say that it is there")
	}
}

func TestPasswordsAndRights(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t, "--requirepass", "hunter2", "--user", "guildhall", "on", ">hunter3", "~guildhall:*", "+@all", "-@dangerous",
		"--user", "reader", "on", ">hunter4", "~*", "+@read", "+@connection")
	for user, ok := range map[string]bool{
		":hunter2@": true, "guildhall:hunter3@": true,
		"": false, ":hunter3@": false, "guildhall:hunter2@": false, "nobody:hunter2@": false, "reader:hunter4@": false,
	} {
		s, log := open(t, r.URL(user), nil)
		if got := s.Problem() == nil; got != ok {
			t.Errorf("%q: %v", user, s.Problem())
		}
		if log.count("hunter") > 0 || s.Problem() != nil && strings.Contains(s.Problem().Error(), "hunter") {
			t.Errorf("%q: the password is told", user)
		}
		if ok {
			works(t, s)
		}
	}
}

// A replica takes nothing, so it is none that we count on.
func TestReplicaIsNoServer(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t, "--replicaof", "127.0.0.1", "1")
	if s, _ := open(t, r.URL(""), nil); s.Problem() == nil {
		t.Error("a replica is taken for a server that counts")
	}
}

func TestClusterOfOne(t *testing.T) {
	t.Parallel()
	port := guildtest.FreePort(t)
	r := guildtest.NewRedis(t, "--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", guildtest.FreePort(t))
	conn, err := net.Dial("unix", r.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("CLUSTER ADDSLOTSRANGE 0 16383\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 5)
	if _, err := conn.Read(answer); err != nil || string(answer) != "+OK\r\n" {
		t.Fatalf("%q, %v", answer, err)
	}
	s, _ := open(t, "redis://127.0.0.1:"+port, nil)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.Look(t.Context()) != nil && t.Context().Err() == nil { // the cluster takes a moment to agree with itself
		<-tick.C
	}
	works(t, s)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), guildtest.FreePort(t)
	roots := certificate(t, dir)
	guildtest.NewRedis(t, "--tls-port", port, "--bind", "127.0.0.1", "--tls-auth-clients", "no", "--requirepass", "hunter2",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-ca-cert-file", filepath.Join(dir, "cert.pem"))
	s, _ := open(t, "rediss://:hunter2@127.0.0.1:"+port, roots)
	works(t, s)
	for what, x := range map[string]struct {
		url   string
		roots *x509.CertPool
	}{
		"roots of this machine": {"rediss://:hunter2@127.0.0.1:" + port, nil},
		"another name":          {"rediss://:hunter2@localhost:" + port, roots},
		"no TLS":                {"redis://:hunter2@127.0.0.1:" + port, nil},
		"wrong password":        {"rediss://:hunter3@127.0.0.1:" + port, roots},
	} {
		if s, _ := open(t, x.url, x.roots); s.Problem() == nil {
			t.Errorf("%s: it works", what)
		}
	}
}

// certificate writes one for 127.0.0.1, which is its own root.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(root)
	return roots
}

func TestKeysOfInstallationsDiffer(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	one, _ := open(t, r.URL(""), nil)
	two, _ := open(t, r.URL(""), nil)
	other, _ := open(t, r.URL(""), nil, func(o *shared.Options) { o.Scope = "other.example.test" })
	key := one.Key("limit:x", "192.0.2.1")
	if key != two.Key("limit:x", "192.0.2.1") {
		t.Error("two nodes have two keys for the same")
	}
	for _, different := range []string{other.Key("limit:x", "192.0.2.1"), one.Key("limit:y", "192.0.2.1"), one.Key("limit:x", "192.0.2.2")} {
		if key == different {
			t.Errorf("%s is the key of two", key)
		}
	}
	if strings.Contains(key, "192.0.2") || !strings.HasPrefix(key, "guildhall:limit:x:") {
		t.Error(key)
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"redis://db", "redis://db:6379", "redis://:p@db:6379/3", "redis://u:p%40@[::1]:1/0", "rediss://db", "unix:///run/redis.sock", "unix://u:p@/run/redis.sock?db=2"} {
		if _, err := shared.ParseAddress(good, nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "db:6379", "http://u:hunter2@db", "redis://", "redis://:hunter2@", "redis://:hunter2@db:0", "redis://:hunter2@db:99999", "redis://:hunter2@db/x", "redis://:hunter2@db/-1",
		"redis://:hunter2@db/1/2", "redis://:hunter2@db?db=1", "rediss://:hunter2@db?skip_verify=true", "redis://:hunter2@db?dial_timeout=1h", "redis://:hunter2@db:6379:1",
		"unix://", "unix://run/redis.sock", "unix:///run/redis.sock?db=x", "unix:///run/redis.sock?db=1&db=2", "redis://:hunter2@db\x00", "redis://:hunter2%@db"} {
		if _, err := shared.ParseAddress(bad, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := shared.ParseAddress("redis://db", x509.NewCertPool()); err == nil {
		t.Error("roots are taken where nothing is checked by them")
	}
}

// FuzzParseAddress: no text panics, and none is repeated in an error.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"redis://u:hunter2@db:6379/0", "rediss://db?x", "unix:///run/x?db=1", "redis://[::1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := shared.ParseAddress(text, nil); err != nil && len(text) > 160 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the address: %v", err)
		}
	})
}
