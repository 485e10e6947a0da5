package peer_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"guildhall/platform/peer"
)

// BenchmarkHandshake makes whole mutual TLS 1.3 connections to a process: with
// everything a node checks, and with what crypto/tls checks by itself.
func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b)
	bank := w.bank(b)
	shop := w.shop(b, bank)
	bankCert, shopCert := pair(b, bank, "bank"), pair(b, shop, "shop")
	roots := pool(w.authority.Root)
	client := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: peer.Name("bank"), RootCAs: roots, Certificates: []tls.Certificate{shopCert}, Time: w.clock.Now}

	b.Run("node", func(b *testing.B) {
		for b.Loop() {
			dialOnce(b, bank.addr, client)
		}
	})
	b.Run("crypto-tls", func(b *testing.B) {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{bankCert},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, Time: w.clock.Now})
		if err != nil {
			b.Fatal(err)
		}
		server := &http.Server{Handler: echo, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		go func() { _ = server.Serve(l) }()
		b.Cleanup(func() { _ = server.Close() })
		for b.Loop() {
			dialOnce(b, l.Addr().String(), client)
		}
	})
}

// dialOnce connects and waits for the server's answer to a request.
func dialOnce(b *testing.B, addr string, config *tls.Config) {
	conn, err := handshake(addr, config)
	if err != nil {
		b.Fatal(err)
	}
	_ = conn.Close()
}

func pair(b *testing.B, p *process, service string) tls.Certificate {
	b.Helper()
	file := p.dir + "/" + service + ".pem"
	c, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkCall makes calls on kept connections: plain HTTP, and a node's.
func BenchmarkCall(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "shop HTTP/1.1") }))
		b.Cleanup(plain.Close)
		callMany(b, plain.Client(), plain.URL)
	})
	b.Run("node", func(b *testing.B) {
		w := newWorld(b)
		bank := w.bank(b)
		shop := w.shop(b, bank)
		callMany(b, shop.As("shop").Client("bank"), peer.URL("bank")+"/open")
	})
}

func callMany(b *testing.B, client *http.Client, url string) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Get(url)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}
