package license

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/sdk/go/license/sealed"
)

// TestNothingGoesElsewhere redirects whatever a client sends to another host.
func TestNothingGoesElsewhere(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		var came atomic.Int64
		elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
		defer elsewhere.Close()
		c := w.active(mode, t.TempDir())
		for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
			w.set(func() {
				w.tamper = func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
					http.Redirect(rw, r, elsewhere.URL+r.URL.Path, status)
				}
			})
			if s, err := c.Validate(ctx); err != nil || !s.Cached {
				t.Errorf("%d: %+v, %v", status, s, err)
			}
			if err := c.fetch(ctx); !errors.Is(err, ErrUnreachable) {
				t.Errorf("%d: a configuration: %v", status, err)
			}
			c.pause = func(context.Context, time.Duration) bool { return false }
			f := File{ID: "fil_1", Size: 7, SHA256: strings.Repeat("0", 64), Ticket: "ticket"}
			if err := c.Download(ctx, f, filepath.Join(t.TempDir(), "file"), nil); !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "ticket=") {
				t.Errorf("%d: a download: %v", status, err)
			}
		}
		if n := came.Load(); n != 0 {
			t.Errorf("%d requests went elsewhere", n)
		}
	})
}

// TestAnswersWithoutEnd sends more than anybody reads, and less than anybody waits for.
func TestAnswersWithoutEnd(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		c := w.active(mode, t.TempDir())
		c.http.Timeout = 200 * time.Millisecond
		drip := func(rw http.ResponseWriter, begin string) {
			for gone := false; !gone; {
				_, err := io.WriteString(rw, begin)
				gone = err != nil || http.NewResponseController(rw).Flush() != nil
			}
		}
		for name, tamper := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
			"silence": func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
				_, _ = io.Copy(io.Discard, r.Body) // a server notices who leaves once it has read all
				<-r.Context().Done()
			},
			"a flood": func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", sealed.TypeHPKE)
				drip(rw, strings.Repeat("x", 1<<16))
			},
			"a long header": func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("X", strings.Repeat("x", 11<<20))
				rw.WriteHeader(http.StatusOK)
			},
		} {
			w.set(func() { w.tamper = tamper })
			if s, err := c.Validate(ctx); err != nil || !s.Cached {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
			if _, err := c.Files(ctx, ""); !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrAnswer) {
				t.Errorf("%s: files: %v", name, err)
			}
		}
	})
}

func TestManyUseOneClient(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
		c := w.active(mode, dir)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 4 {
					if _, err := c.Validate(ctx); err != nil {
						t.Error(err)
					}
					if _, _, err := c.OpenKey(ctx, fmt.Sprintf("hsk_%d_%d", i, n)); err != nil {
						t.Error(err)
					}
					if i == 0 && n == 1 { // once: whoever asks meanwhile tries again, once
						w.set(func() { w.rotateHPKE() })
					}
				}
			})
		}
		all.Wait()
		c = w.open(w.options(mode, dir))
		if n := len(c.known().Opens); n != maxOpens {
			t.Errorf("%d answers of open are kept", n)
		}
		w.set(func() { w.down = true })
		if s, err := c.Validate(ctx); err != nil || !s.Cached {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// TestTheOldestOpenIsForgotten opens more keys than are kept.
func TestTheOldestOpenIsForgotten(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	c := w.active(sealed.HPKE, t.TempDir())
	for n := range maxOpens + 3 {
		w.set(func() { w.now = w.now.Add(time.Second) })
		if _, _, err := c.OpenKey(ctx, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.down = true })
	for n, want := range map[int]bool{0: false, 2: false, 3: true, maxOpens + 2: true} {
		if _, _, err := c.OpenKey(ctx, fmt.Sprint(n)); (err == nil) != want {
			t.Errorf("key %d: %v", n, err)
		}
	}
}

// TestAStateThatCannotBeWrittenStopsNobody takes the right to write away.
func TestAStateThatCannotBeWrittenStopsNobody(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	c := w.active(sealed.HPKE, dir)
	c.file.path = filepath.Join(dir, "gone", "state.json") // root may write everywhere
	if s, err := c.Validate(ctx); err != nil || s.Cached {
		t.Errorf("%+v, %v", s, err)
	}
	w.set(func() {
		if len(w.troubles) == 0 || !errors.Is(w.troubles[len(w.troubles)-1], ErrState) {
			t.Errorf("the program was not told: %v", w.troubles)
		}
	})
	if runtime.GOOS == "linux" { // a disk that is full
		if err := os.Symlink("/dev/full", filepath.Join(dir, "full.part")); err != nil {
			t.Fatal(err)
		}
	}
	for what, dest := range map[string]string{"where nothing fits": filepath.Join(dir, "full"), "into nowhere": filepath.Join(dir, "gone", "file"), "over a directory": dir} {
		if what == "where nothing fits" && runtime.GOOS != "linux" {
			continue
		}
		err := c.Download(ctx, File{Size: 7, SHA256: strings.Repeat("0", 64)}, dest, nil)
		if !errors.Is(err, ErrFile) || errors.Is(err, ErrUnreachable) {
			t.Errorf("a download %s: %v", what, err)
		}
	}
}

// FuzzParseKit reads whatever as a kit: one that is taken can be used.
func FuzzParseKit(f *testing.F) {
	f.Add([]byte(`{"product":"press","addresses":["https://license.example"],"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`))
	f.Add([]byte(`{"product":"press","addresses":["http://a/b"],"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","psk":{"id":"0011223344556677","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParseKit(text)
		if err != nil {
			if !errors.Is(err, ErrKit) {
				t.Fatal(err)
			}
			return
		}
		mode := sealed.HTTPS
		if k.PSK != nil {
			mode = sealed.PSK
		}
		c := &Client{o: Options{Kit: k, Mode: mode, Now: time.Now}, file: newStateFile(dir, k.Product)}
		if mode == sealed.PSK && len(c.shared(time.Now())) != 1 {
			t.Fatal("nothing can be sealed by the shared key")
		}
		if !filepath.IsLocal(filepath.Base(c.file.path)) || filepath.Dir(c.file.path) != dir {
			t.Fatalf("the state would be at %s", c.file.path)
		}
		for _, a := range c.addresses() {
			if _, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a+PathSealed+CallTime, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzState opens a client on whatever is in the state file, and asks it without a server.
func FuzzState(f *testing.F) {
	fresh, err := newState()
	if err != nil {
		f.Fatal(err)
	}
	file := newStateFile(f.TempDir(), product)
	if err := file.save(fresh); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(file.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(strings.Replace(string(text), `"v":1`, `"v":1,"card":"A","serial":7,"configuration":"e30.AA","using":"x","psk":[{"id":"zz","key":"AA=="}],
		"last":{"params":{"Method":"POST","Path":"/v1/validate","Product":"example-studio"},"request":"e30=","answer":"e30=","key":"AAAAAAAAAAA","signature":"AA=="},"opens":{"":{"answer":"e30="}},"seen":-1`, 1)))
	kit := Kit{Product: product, Addresses: []string{"http://127.0.0.1:1"}, Root: make([]byte, 32), PSK: &SharedKey{ID: "0011223344556677", Key: make([]byte, 32)}}
	offline := &http.Client{Transport: nowhere{}}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := newStateFile(t.TempDir(), product)
		if err := os.WriteFile(file.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(Options{Kit: kit, Dir: filepath.Dir(file.path), Mode: sealed.PSK, HTTP: offline})
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Fatal(err)
			}
			return
		}
		c.interval()
		for _, ask := range []func() error{
			func() error { _, err := c.Validate(t.Context()); return err },
			func() error { _, _, err := c.OpenKey(t.Context(), ""); return err },
		} {
			if err := ask(); !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrRefused) {
				t.Fatalf("nobody signed anything, and it says %v", err)
			}
		}
	})
}

type nowhere struct{}

// RoundTrip fails.
func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
