package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"guildhall/platform/app"
	"guildhall/platform/guildtest"
)

// execute runs one command line in this process.
func execute(t *testing.T, args ...string) (code int, out, wrong string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, terminal{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

var awayText = regexp.MustCompile(`^guildhall: The database of ca does not answer\. Trying again until \d\d:\d\d:\d\d\.\nguildhall: (start ca: )?The database server does not answer\.`)

func TestWhoWaitsForTheDatabaseIsTold(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	dir := t.TempDir()
	data, config := filepath.Join(dir, "data"), filepath.Join(dir, "guildhall.yaml")
	text := "databases:\n  default: " + cluster.Database(t) + "\nserver:\n  http: 127.0.0.1:0\n  https: 127.0.0.1:0\n  internal: 127.0.0.1:0\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	place := []string{"--data", data, "--config", config}
	ready, ended := make(chan struct{}), make(chan int, 1)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	go func() {
		ended <- run(ctx, append([]string{"serve"}, place...), terminal{out: &untilReady{ready: ready}, err: io.Discard})
	}()
	select {
	case <-ready:
	case code := <-ended:
		t.Fatalf("serve ended with %d", code)
	case <-time.After(time.Minute):
		t.Fatal("not ready")
	}
	if code, _, wrong := execute(t, append([]string{"ca", "issue", "--name", "a.example.com", "--out", filepath.Join(dir, "a")}, place...)...); code != exitOK || wrong != "" {
		t.Fatalf("while the database answers: %d %s", code, wrong)
	}
	if err := cluster.Stop("fast"); err != nil {
		t.Fatal(err)
	}
	issue := append([]string{"ca", "issue", "--name", "b.example.com", "--out", filepath.Join(dir, "b")}, place...)
	if code, _, wrong := execute(t, issue...); code != exitFailed || !awayText.MatchString(wrong) {
		t.Errorf("with a process: %d %s", code, wrong)
	}
	stop()
	if code := <-ended; code != exitOK && code != exitFailed {
		t.Errorf("serve ended with %d", code)
	}
	if code, _, wrong := execute(t, issue...); code != exitFailed || !awayText.MatchString(wrong) {
		t.Errorf("without a process: %d %s", code, wrong)
	}
	if err := cluster.Start(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "b")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a certificate that there is not: %v", err)
	}
}

// untilReady closes ready when serve says that it is.
type untilReady struct {
	ready chan struct{}
	said  bytes.Buffer
}

func (u *untilReady) Write(text []byte) (int, error) {
	u.said.Write(text)
	if strings.Contains(string(text), "ready https://") {
		close(u.ready)
	}
	return len(text), nil
}

func TestWaitTextNamesServiceAndTime(t *testing.T) {
	t.Parallel()
	if got := app.WaitText("ca", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); got != "The database of ca does not answer. Trying again until 03:04:05." {
		t.Errorf("%q", got)
	}
}
