package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// hasty cuts soon, so that the tests need not wait for long.
var hasty = pace{body: 300 * time.Millisecond, stall: 300 * time.Millisecond, piece: 4 << 10}

// patience is when a test gives up, far beyond what it waits for.
const patience = 30 * time.Second

// serveAt serves h at a pace, over HTTP/1.1 or HTTP/2, with small buffers.
func serveAt(t *testing.T, p pace, h2 bool, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = p.server(&http.Server{Handler: h, ReadHeaderTimeout: p.body, IdleTimeout: patience, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		if over, ok := c.(*tls.Conn); ok {
			c = over.NetConn()
		}
		if err := c.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
			t.Error(err)
		}
		return ctx
	}})
	if s.EnableHTTP2 = h2; h2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// onBoth runs the test over both protocols.
func onBoth(t *testing.T, test func(t *testing.T, h2 bool)) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%v", h2), func(t *testing.T) {
			t.Parallel()
			test(t, h2)
		})
	}
}

// within receives what the other side tells.
func within[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatal("still waiting")
	}
	return got
}

// endless writes until it cannot, and tells why.
func endless(ended chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				ended <- err
				return
			}
		}
	})
}

// stalled asks for / and then never reads on; over HTTP/2 it answers pings, and
// gives the stream no window.
func stalled(t *testing.T, s *httptest.Server, h2 bool) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if !h2 {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return
	}
	over := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if _, err := io.WriteString(over, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(over, over)
	var head bytes.Buffer
	e := hpack.NewEncoder(&head)
	for _, x := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", "/"}} {
		if err := e.WriteField(hpack.HeaderField{Name: x[0], Value: x[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}),
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true})); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if ping, ok := frame.(*http2.PingFrame); ok && !ping.IsAck() {
				_ = f.WritePing(true, ping.Data)
			}
		}
	}()
}

func TestClientThatStopsReadingIsCut(t *testing.T) {
	onBoth(t, func(t *testing.T, h2 bool) {
		ended := make(chan error, 1)
		stalled(t, serveAt(t, hasty, h2, endless(ended)), h2)
		if err := within(t, ended); err == nil {
			t.Error("the answer to nobody ended well")
		}
	})
}

// TestSmallAnswersToNobodyAreCut: they wait in buffers until the handler is done.
func TestSmallAnswersToNobodyAreCut(t *testing.T) {
	t.Parallel()
	s := serveAt(t, hasty, false, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) }))
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for err == nil { // until the answers fill all buffers on the way, and the requests too
		_, err = io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was not cut")
	}
}

func TestSlowBodyIsCut(t *testing.T) {
	onBoth(t, func(t *testing.T, h2 bool) {
		ended := make(chan error, 1)
		s := serveAt(t, hasty, h2, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			ended <- err
		}))
		body, feed := io.Pipe()
		t.Cleanup(func() { _ = feed.Close() })
		go func() { _, _ = io.WriteString(feed, "a little") }() // ends when the pipe is closed
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if resp, err := s.Client().Do(r); err == nil {
				_ = resp.Body.Close()
			}
		}()
		if err := within(t, ended); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the body ended with %v", err)
		}
	})
}

// TestLongAnswersArrive: neither a service that takes its time nor a client on a
// slow line is cut, however long it takes altogether.
func TestLongAnswersArrive(t *testing.T) {
	onBoth(t, func(t *testing.T, h2 bool) {
		const parts = 8
		alive := make(chan error, 1)
		s := serveAt(t, hasty, h2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			tick := time.NewTicker(hasty.stall / 2)
			defer tick.Stop()
			for range parts {
				<-tick.C
				if _, err := w.Write([]byte("part")); err != nil {
					t.Error(err)
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
			}
			alive <- r.Context().Err()
			<-tick.C
			_, _ = w.Write(make([]byte, 1<<20)) // the client says whether it came
		}))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("ask"))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		line := time.NewTicker(10 * time.Millisecond)
		defer line.Stop()
		var got int64
		for err == nil {
			<-line.C
			var n int64
			n, err = io.CopyN(io.Discard, resp.Body, 16<<10)
			got += n
		}
		if !errors.Is(err, io.EOF) || got != parts*4+1<<20 {
			t.Errorf("%d bytes came, then %v", got, err)
		}
		if err := within(t, alive); err != nil {
			t.Errorf("the request was given up while it was answered: %v", err)
		}
		if took := time.Since(began); took < 2*hasty.stall {
			t.Errorf("the test took %v, too short to show anything", took)
		}
	})
}

// TestNextRequestHasItsOwnTime: what one request used up the next one on the same
// connection has again, also one that is refused before any handler.
func TestNextRequestHasItsOwnTime(t *testing.T) {
	t.Parallel()
	s := serveAt(t, hasty, false, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	buf := make([]byte, 4096)
	for _, x := range []struct{ send, want string }{{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"}, {"nonsense\r\n\r\n", "400 Bad"}} {
		if _, err := io.WriteString(c, x.send); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), x.want) {
			t.Fatalf("%q was answered %q, %v", x.send, buf[:n], err)
		}
		<-time.After(hasty.stall + hasty.stall/4) // a client that rests for longer than any deadline
	}
}
