package guildtest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/platform/guildtest"
)

const keepsCluster = "GUILDHALL_TEST_KEEPS_CLUSTER"

// TestPostgresStopsWhenTheTestIsKilled: a second process starts a cluster and is
// killed by SIGKILL; the cluster and its folder go with it.
func TestPostgresStopsWhenTheTestIsKilled(t *testing.T) {
	if os.Getenv(keepsCluster) != "" {
		fmt.Println(keepsCluster, guildtest.Postgres(t))
		<-t.Context().Done()
		return
	}
	t.Parallel()
	cmd := guildtest.Again(t, keepsCluster+"=yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir := ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), keepsCluster+" "); ok {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			dir = u.Query().Get("host")
		}
	}
	conn, err := net.Dial("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatalf("the cluster does not run: %v", err)
	}
	_ = conn.Close()
	if err := cmd.Process.Kill(); err != nil { // SIGKILL, to this very process
		t.Fatal(err)
	}
	_ = cmd.Wait()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", dir)
		}
	}
}
