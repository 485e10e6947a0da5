package fingerprint

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tree makes files below a directory; a text that begins with -> is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) { // a link before what is behind it
		text := files[name]
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		var err error
		if len(text) > 2 && text[:2] == "->" {
			target := filepath.Join(root, text[2:])
			if err = os.MkdirAll(target, 0o750); err == nil {
				err = os.Symlink(target, path)
			}
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func linuxMachine() map[string]string {
	return map[string]string{
		"etc/machine-id":                         "4c1b2a39d8e7465f9a0b1c2d3e4f5a6b\n",
		"proc/1/cgroup":                          "0::/init.scope\n",
		"sys/class/dmi/id/product_uuid":          "4C4C4544-0042-3510-8056-B4C04F4A4D32\n",
		"sys/block/nvme0n1/device":               "->sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0",
		"sys/block/nvme0n1/device/serial":        "S4EWNX0R123456      \n",
		"sys/block/sda/device":                   "->sys/devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0",
		"sys/block/sda/device/vpd_pg80":          "\x00\x80\x00\x10WD-WCC4N1234567 ",
		"sys/block/sda/removable":                "0\n",
		"sys/block/sdb/device":                   "->sys/devices/pci0000:00/usb1/1-1/host2/target2:0:0/2:0:0:0",
		"sys/block/sdb/device/serial":            "USBSTICK1\n",
		"sys/block/sr0/device":                   "->sys/devices/pci0000:00/ata2/host1/target1:0:0/1:0:0:0",
		"sys/block/sr0/device/serial":            "DVDDRIVE1\n",
		"sys/block/sr0/removable":                "1\n",
		"sys/block/loop0/serial":                 "LOOP\n",
		"sys/block/vda/device":                   "->sys/devices/pci0000:00/0000:00:05.0/virtio2",
		"sys/block/vda/serial":                   "vol-0123456789abcdef0\n",
		"sys/class/net/eth0/device":              "->sys/devices/pci0000:00/0000:02:00.0",
		"sys/class/net/eth0/address":             "d8:9e:f3:01:02:03\n",
		"sys/class/net/eth0/addr_assign_type":    "0\n",
		"sys/class/net/wlan0/device":             "->sys/devices/pci0000:00/0000:03:00.0",
		"sys/class/net/wlan0/address":            "d8:9e:f3:0a:0b:0c\n",
		"sys/class/net/wlan0/addr_assign_type":   "3\n",
		"sys/class/net/docker0/address":          "02:42:ac:11:00:01\n",
		"sys/class/net/docker0/addr_assign_type": "0\n",
	}
}

func TestLinuxTellsWhatEveryUserCanRead(t *testing.T) {
	t.Parallel()
	want := []part{{MachineID, "4c1b2a39d8e7465f9a0b1c2d3e4f5a6b"}, {Disk, "S4EWNX0R123456"}, {Disk, "WD-WCC4N1234567"}, {Disk, "vol-0123456789abcdef0"}, {MAC, "d8:9e:f3:01:02:03"}}
	root := tree(t, linuxMachine())
	if got := linuxParts(root, false); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	want = slices.Insert(want, 1, part{DMIUUID, "4C4C4544-0042-3510-8056-B4C04F4A4D32"})
	if got := linuxParts(root, true); !slices.Equal(got, want) {
		t.Errorf("as root: got  %v\nwant %v", got, want)
	}
}

func TestAContainerHasNoPartsOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{".dockerenv": "", "run/.containerenv": "", "run/systemd/container": "lxc",
		"proc/1/cgroup": "12:cpu:/kubepods/besteffort/pod1/abc\n"} {
		files := linuxMachine()
		files[name] = text
		if got := linuxParts(tree(t, files), true); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	c := Collect(t.Context(), "acme", Sources{InstallKey: "q7-_Xy"})
	if want, _ := Digest("acme", InstallKey, "q7-_Xy"); c[InstallKey] != want {
		t.Errorf("the install key is missing: %v", c)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestAnEmptyMachineTellsNothing(t *testing.T) {
	t.Parallel()
	if got := linuxParts(t.TempDir(), true); !slices.Equal(got, []part{{MachineID, ""}, {DMIUUID, ""}}) {
		t.Errorf("%v", got)
	}
}

func TestWindowsOutputIsRead(t *testing.T) {
	t.Parallel()
	want := []part{{DMIUUID, "4C4C4544-0042-3510-8056-B4C04F4A4D32"}, {MachineID, "b7c0f5d1-6a0e-4d0c-9d5b-0a1b2c3d4e5f"},
		{Disk, "0025_3852_0140_1234."}, {Disk, "     WD-WCC4N1234567"}, {MAC, "D8:9E:F3:01:02:03"}}
	text := `{"disks":["0025_3852_0140_1234.","     WD-WCC4N1234567"],"guid":"b7c0f5d1-6a0e-4d0c-9d5b-0a1b2c3d4e5f","uuid":"4C4C4544-0042-3510-8056-B4C04F4A4D32","cards":["D8:9E:F3:01:02:03"]}`
	for _, text := range []string{text, text + "\r\n", "\xef\xbb\xbf" + text} {
		if got := windowsParts([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got := windowsParts([]byte(`{"disks":[null],"guid":null,"uuid":"U","cards":[]}`)); !slices.Equal(got, []part{{DMIUUID, "U"}, {MachineID, ""}, {Disk, ""}}) {
		t.Errorf("nulls: %v", got)
	}
	if got := windowsParts([]byte("Get-CimInstance : Access denied")); got != nil {
		t.Errorf("an error's text: %v", got)
	}
}

func TestDarwinOutputIsRead(t *testing.T) {
	t.Parallel()
	board := `+-o J314sAP  <class IOPlatformExpertDevice, id 0x10000024a, registered, matched, active, busy 0 (0 ms), retain 38>
    {
      "IOPlatformSerialNumber" = "C02ABCDEFGHI"
      "IOPlatformUUID" = "5D1E6C2A-0F5B-5C8A-9B1D-2E3F4A5B6C7D"
      "model" = <"MacBookPro18,3">
    }
`
	ports := `
Hardware Port: Ethernet Adapter (en4)
Device: en4
Ethernet Address: d8:9e:f3:aa:aa:aa

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:7c:11:00:00:00

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: f0:18:98:01:02:03

VLAN Configurations
===================
`
	disks := `{"SPNVMeDataType":[{"_name":"Apple SSD Controller","_items":[
		{"_name":"APPLE SSD AP0512R","device_serial":"0ba012345678901c","removable_media":"no"},
		{"_name":"Stick","device_serial":"X1","removable_media":"yes"}]}]}`
	want := []part{{DMIUUID, "5D1E6C2A-0F5B-5C8A-9B1D-2E3F4A5B6C7D"}, {MAC, "f0:18:98:01:02:03"}, {Disk, "0ba012345678901c"}}
	if got := darwinParts([]byte(board), []byte(ports), []byte(disks)); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := darwinParts(nil, nil, nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
