package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"guildhall/platform/app"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
)

// The scripts under testdata/script are the command line's contract: each runs
// the real program in an empty directory. "await DIR" waits until the process
// on DIR is healthy.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"guildhall": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":        await,
			"exits":        exits,
			"machine":      machine,
			"refuses-mail": refusesMail,
		},
	})
}

// await waits until "guildhall status" would exit 0.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await DIR")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if healthy(ctx, ts.MkAbs(args[0])) {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("%s is not healthy after 90 seconds", args[0])
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, dir string) bool {
	c, err := app.Dial(ctx, dir)
	if err != nil {
		return false
	}
	defer c.Close()
	var s app.Status
	return c.Do(ctx, "GET", "/status", nil, &s) == nil && s.OK()
}

// exits runs a command and compares its exit code: exits 3 guildhall status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it bare
		code = strconv.Itoa(exit.ExitCode())
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// machine validates a card on a machine of its own, by the kit in a file, and does not mind
// a refusal: machine KIT CARD NAME.
func machine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: machine KIT CARD NAME")
	}
	kit, err := license.ParseKit([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	dir := ts.MkAbs(args[2])
	ts.Check(os.Mkdir(dir, 0o700))
	sum := sha256.Sum256([]byte(args[2]))
	digest := base64.RawURLEncoding.EncodeToString(sum[:])
	c, err := license.Open(license.Options{Kit: kit, Dir: dir, Version: "1.0", Components: fingerprint.Components{"machine_id": digest, "disk": digest}})
	ts.Check(err)
	_, err = c.Activate(context.Background(), strings.TrimSpace(ts.ReadFile(args[1])))
	if _, refused := errors.AsType[*license.RefusedError](err); err != nil && !refused {
		ts.Fatalf("activate on %s: %v", args[2], err)
	}
}
