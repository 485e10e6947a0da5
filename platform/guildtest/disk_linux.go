package guildtest

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

const smallDisk = "GUILDTEST_SMALL_DISK"

// OnSmallDisk runs fn with a folder on a file system of so many bytes, to see
// what happens when a disk is full. It runs the calling test again in a child
// process with its own mounts, so nothing stays mounted; a test calls it once,
// before anything else, and not from a subtest.
func OnSmallDisk(t *testing.T, bytes int, fn func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(smallDisk); dir != "" {
		mountSmall(t, dir, bytes)
		fn(t, dir)
		return
	}
	cmd := Again(t, smallDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	t.Logf("in the child process:\n%s", out)
	if err != nil {
		t.Fatalf("the test on a small disk failed: %v", err)
	}
}

func mountSmall(t *testing.T, dir string, bytes int) {
	t.Helper()
	// Private first: else the mount would show outside.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make mounts private: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
}
