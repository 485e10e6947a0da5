package guildtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is where Debian installs the browser.
const chromium = "/usr/bin/chromium"

// browserTimeout ends a test whose page never comes.
const browserTimeout = 10 * time.Minute

// BrowserOptions says how the browser starts.
type BrowserOptions struct {
	// RootPEM is a certificate authority to trust besides the usual ones.
	RootPEM []byte
	// Insecure takes any certificate: for pages, never for tests of trust.
	Insecure bool
	// OnError hears of errors in the pages' scripts and of what their own
	// content security policy blocked, on another goroutine; nil fails the test.
	OnError func(text string)
}

// Browser starts a Chromium with an empty profile, which ends with the test,
// and returns the context of its tab for chromedp. Names under .localhost lead
// to the loopback address.
func Browser(t *testing.T, o BrowserOptions) context.Context {
	t.Helper()
	need(t, chromium, "chromium fonts-noto-cjk")
	home := t.TempDir()
	if len(o.RootPEM) > 0 {
		trust(t, home, o.RootPEM)
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTimeout)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, flags(home, o)...)
	t.Cleanup(stop) // waits for the process
	onError := o.OnError
	if onError == nil {
		onError = func(text string) { t.Error(text) }
	}
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf),
		chromedp.WithListener(func(event any) { report(onError, event) }))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

func flags(home string, o BrowserOptions) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium),
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.NoSandbox, // it needs privileges that a container rarely has; the pages are our own
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("hide-scrollbars", false),
		chromedp.Flag("ignore-certificate-errors", o.Insecure),
	)
}

// need ends the test when a program is missing, with the command that installs
// it.
func need(t *testing.T, program, packages string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing; install it with: apt-get install -y %s", program, packages)
	}
}

// trust makes the NSS database of a home trust the root for servers.
func trust(t *testing.T, home string, rootPEM []byte) {
	t.Helper()
	need(t, "certutil", "libnss3-tools")
	database, root := filepath.Join(home, ".pki", "nssdb"), filepath.Join(home, "root.pem")
	if err := os.MkdirAll(database, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, rootPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	certutil(t, "-N", "-d", "sql:"+database, "--empty-password")
	certutil(t, "-A", "-d", "sql:"+database, "-n", "guildhall test root", "-t", "C,,", "-i", root)
}

func certutil(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "certutil", args...).CombinedOutput(); err != nil { //nolint:gosec // our own arguments
		t.Fatalf("certutil %s: %v\n%s", args[0], err, out)
	}
}

// report tells what a page should not do.
func report(onError func(text string), event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		onError("error in a page's script: " + text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && (e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceJavascript) {
			onError(fmt.Sprintf("error in a page: %s (%s:%d)", e.Entry.Text, e.Entry.URL, e.Entry.LineNumber))
		}
	}
}
