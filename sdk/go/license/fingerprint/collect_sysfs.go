package fingerprint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// linuxParts reads the files below root that every user can read, so that a program is
// the same machine for all of them.
func linuxParts(root string, asRoot bool) []part {
	if inContainer(root) {
		return nil // its network card is new each time, its disks and id are others'
	}
	parts := []part{{MachineID, first(root, "etc/machine-id", "var/lib/dbus/machine-id")}}
	if asRoot {
		parts = append(parts, part{DMIUUID, first(root, "sys/class/dmi/id/product_uuid")})
	}
	for _, dir := range devices(root, "sys/block") {
		if first(dir, "removable") != "1" {
			parts = append(parts, part{Disk, serial(dir)})
		}
	}
	for _, dir := range devices(root, "sys/class/net") {
		if first(dir, "addr_assign_type") == "0" { // given by the card itself
			parts = append(parts, part{MAC, first(dir, "address")})
		}
	}
	return parts
}

// inContainer says whether the files are those of a container.
func inContainer(root string) bool {
	for _, mark := range []string{".dockerenv", "run/.containerenv", "run/systemd/container"} {
		if _, err := os.Stat(filepath.Join(root, mark)); err == nil {
			return true
		}
	}
	groups := first(root, "proc/1/cgroup")
	return slices.ContainsFunc([]string{"docker", "kubepods", "containerd", "libpod", "/lxc"}, func(by string) bool { return strings.Contains(groups, by) })
}

// devices are the directories of those that have hardware of their own which is not
// plugged in by USB, by name.
func devices(root, class string) (dirs []string) {
	entries, err := os.ReadDir(filepath.Join(root, class))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		dir := filepath.Join(root, class, e.Name())
		hardware, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
		if err == nil && !strings.Contains(hardware, "/usb") {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// serial is a disk's serial number: NVMe and virtio tell it as text, SCSI and SATA as a
// page of vital product data, whose first four bytes are its header.
func serial(dir string) string {
	if s := first(dir, "device/serial", "serial"); s != "" {
		return s
	}
	page := first(dir, "device/vpd_pg80")
	if len(page) <= 4 {
		return ""
	}
	return strings.Trim(page[4:], "\x00 ")
}

// first is what the first of the files holds that has anything in it.
func first(dir string, names ...string) string {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if s := strings.TrimRight(string(text), "\r\n \t"); err == nil && s != "" {
			return s
		}
	}
	return ""
}
