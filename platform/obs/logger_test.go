package obs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"guildhall/platform/config"
	"guildhall/platform/obs"
)

const planted = "hunter2-planted"

// account knows how to be logged, and shows a secret by mistake.
type account struct{ name string }

func (a account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", a.name), slog.String("pin", planted), slog.Any("inner", config.Secret(planted)))
}

type holder struct {
	Name     string
	Password string
	Token    string `json:"join_token"`
	hidden   config.Secret
	Deep     map[string][]*holder
	Raw      []byte
}

// plantings puts the secret into a log in every way we know.
func plantings(t *testing.T) map[string]func(*slog.Logger) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	deep := &holder{Name: "x", Password: planted, Token: planted, hidden: planted, Raw: []byte(planted)}
	deep.Deep = map[string][]*holder{"a": {{hidden: planted}}, "secret": {{Name: planted}}}
	pem := "-----BEGIN EC PRIVATE KEY-----\n" + planted + "\n-----END EC PRIVATE KEY-----"
	logs := map[string]func(*slog.Logger){
		"secret":           func(l *slog.Logger) { l.Info("m", "v", config.Secret(planted)) },
		"pointer":          func(l *slog.Logger) { s := config.Secret(planted); l.Info("m", "v", &s) },
		"list of secrets":  func(l *slog.Logger) { l.Info("m", "v", []config.Secret{planted}) },
		"map of secrets":   func(l *slog.Logger) { l.Info("m", "v", map[string]config.Secret{"a": planted}) },
		"struct":           func(l *slog.Logger) { l.Info("m", "v", *deep) },
		"pointer chain":    func(l *slog.Logger) { l.Info("m", "v", &deep) },
		"valuer":           func(l *slog.Logger) { l.Info("m", "v", account{"ada"}) },
		"valuer in a list": func(l *slog.Logger) { l.Info("m", "v", []any{account{"ada"}}) },
		"group":            func(l *slog.Logger) { l.Info("m", slog.Group("password", "v", planted)) },
		"with group":       func(l *slog.Logger) { l.WithGroup("cookies").Info("m", "v", planted) },
		"with":             func(l *slog.Logger) { l.With("token", planted).Info("m") },
		"header": func(l *slog.Logger) {
			l.Info("m", "h", http.Header{"Authorization": {"Bearer " + planted}, "X-Api-Key": {planted}, "Cookie": {planted}})
		},
		"url": func(l *slog.Logger) {
			l.Info("m", "v", &url.URL{Scheme: "postgres", User: url.UserPassword("u", planted), Host: "h"})
		},
		"url text":   func(l *slog.Logger) { l.Info("open postgres://u:" + planted + "@h/db failed") },
		"query":      func(l *slog.Logger) { l.Info("m", "v", "https://h/enrol?name=x&join_token="+planted+"&y=1") },
		"dsn":        func(l *slog.Logger) { l.Info("m", "v", "host=h password="+planted+" user=u") },
		"quoted dsn": func(l *slog.Logger) { l.Info("m", "v", "host=h password='"+planted+" "+planted+"' user=u") },
		"json text":  func(l *slog.Logger) { l.Info("m", "v", `{"client_secret": "`+planted+`"}`) },
		"error":      func(l *slog.Logger) { l.Error("m", "err", fmt.Errorf("dial: %w", errors.New("bearer "+planted))) },
		"basic":      func(l *slog.Logger) { l.Error("m", "err", errors.New("Authorization: Basic aHVudGVyMi1wbGFudGVk")) },
		"error %v": func(l *slog.Logger) {
			l.Error("m", "v", fmt.Sprintf("bad %v %+v %#v %d", config.Secret(planted), account{}, config.Secret(planted), config.Secret(planted)))
		},
		"pem":           func(l *slog.Logger) { l.Info("m", "v", pem) },
		"cut pem":       func(l *slog.Logger) { l.Info("m", "v", strings.TrimSuffix(pem, "-----END EC PRIVATE KEY-----")) },
		"jwt":           func(l *slog.Logger) { l.Info("m", "v", "got eyJhbGciOiJIUzI1NiJ9.eyJzIjoi."+planted) },
		"age":           func(l *slog.Logger) { l.Info("m", "v", "AGE-SECRET-KEY-1"+strings.ToUpper(planted[:7])) },
		"seal key":      func(l *slog.Logger) { l.Info("m", "v", "guildhall-key-1:identity:"+planted) },
		"bytes":         func(l *slog.Logger) { l.Info("m", "v", []byte(planted)) },
		"array":         func(l *slog.Logger) { l.Info("m", "v", [3]config.Secret{planted}) },
		"crypto key":    func(l *slog.Logger) { l.Info("m", "v", key, "w", *key) },
		"debug request": func(l *slog.Logger) { l.Debug("m", "v", planted) }, // below the level
	}
	for _, name := range []string{"password", "Password", "user_password", "password_hash", "token", "join_token", "joinToken", "JOIN_TOKEN",
		"secret", "clientSecret", "authorization", "Authorization", "cookie", "Set-Cookie", "key", "api_key", "apiKey", "X-Api-Key",
		"private_key", "pin", "cardPin", "passphrase", "credential", "totp"} {
		logs["name "+name] = func(l *slog.Logger) { l.Info("m", name, planted, slog.Any(name, []string{planted})) }
	}
	return logs
}

func TestNoPlantedSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	for name, log := range plantings(t) {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			log(obs.NewLogger(&out, obs.LogOptions{Format: format}))
			if strings.Contains(strings.ToLower(out.String()), "hunter2") || strings.Contains(out.String(), "aHVudGVy") {
				t.Errorf("%s, %s: %s", name, format, out.String())
			}
			if name != "debug request" && out.Len() == 0 {
				t.Errorf("%s, %s: nothing was logged", name, format)
			}
			if name == "crypto key" && strings.Count(out.String(), "(ecdsa.PrivateKey)") != 2 {
				t.Errorf("a private key is shown: %s", out.String())
			}
		}
	}
}

func TestWhatIsNotSecretStaysReadable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := obs.NewLogger(&out, obs.LogOptions{Format: "json", Level: slog.LevelDebug})
	l.Debug("certificate issued", "key_type", "P-256", "public_key", "abc", "code", "not_found", "took", 3*time.Second,
		"monkey", "ape", "token_id", "tok_1", "n", 3, "err", errors.New("open /x: no such file"), "url", "https://h:8443/a?b=c",
		"at", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600)), "list", []string{"a"}, "nil", nil, "sans", map[string]int{"a": 1})
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"key_type": "P-256", "public_key": "abc", "code": "not_found", "monkey": "ape", "token_id": "tok_1",
		"n": "3", "err": "open /x: no such file", "url": "https://h:8443/a?b=c", "list": "[a]", "sans": "map[a:1]", "level": "DEBUG", "nil": "<nil>"} {
		if fmt.Sprint(got[name]) != want {
			t.Errorf("%s: got %v, want %s", name, got[name], want)
		}
	}
	if at, _ := got["time"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("time is not UTC: %s", at)
	}
}

type bad struct{ next *bad }

func (b *bad) String() string { return fmt.Sprint(b.next.next) }

func TestOddValuesDoNotBreakTheLog(t *testing.T) {
	t.Parallel()
	type ring struct{ Next *ring }
	r := &ring{}
	r.Next = r
	var out bytes.Buffer
	l := obs.NewLogger(&out, obs.LogOptions{Format: "json"})
	l.Info("m", "cycle", r, "panics", &bad{}, "nil", (*bad)(nil), "func", func() {}, "chan", make(chan int), "inf", []float64{1 / zero()}, "long", make([]int, 1000))
	if !json.Valid(out.Bytes()) || out.Len() > 2000 {
		t.Errorf("%d bytes: %s", out.Len(), out.String())
	}
}

func zero() float64 { return 0 }

func TestLevelAndContext(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	level := new(slog.LevelVar)
	l := obs.NewLogger(&out, obs.LogOptions{Level: level}).With("a", 1).WithGroup("g")
	l.Debug("hidden")
	level.Set(slog.LevelDebug)
	trace := obs.NewTrace()
	l.DebugContext(obs.WithTrace(t.Context(), trace), "shown")
	for _, want := range []string{"shown", "a=1", "g.trace_id=" + trace.TraceID(), "g.span_id=" + trace.SpanID()} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log lacks %s: %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hidden") {
		t.Error("the level is not kept")
	}
}

func BenchmarkLogLine(b *testing.B) {
	l := obs.NewLogger(&bytes.Buffer{}, obs.LogOptions{Format: "json"})
	for b.Loop() {
		l.Info("request", "method", "GET", "path", "/certificates/cer_01h455vb4pex5vsknk084sn02q", "status", 200, "took", time.Millisecond, "from", "127.0.0.1")
	}
}
