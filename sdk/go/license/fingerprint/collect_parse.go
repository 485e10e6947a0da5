package fingerprint

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// windowsParts reads what the script for Windows prints.
func windowsParts(text []byte) []part {
	var told struct {
		UUID  string   `json:"uuid"`
		GUID  string   `json:"guid"`
		Disks []string `json:"disks"`
		Cards []string `json:"cards"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\xef\xbb\xbf")), &told); err != nil {
		return nil
	}
	parts := []part{{DMIUUID, told.UUID}, {MachineID, told.GUID}}
	return append(append(parts, all(Disk, told.Disks)...), all(MAC, told.Cards)...)
}

var (
	platformUUID = regexp.MustCompile(`"IOPlatformUUID" = "([^"]+)"`)
	hardwarePort = regexp.MustCompile(`(?m)^Hardware Port: (.+)\nDevice: .*\nEthernet Address: ([0-9a-fA-F:]{17})$`)
)

// darwinParts reads what ioreg, networksetup and system_profiler print.
func darwinParts(board, ports, disks []byte) (parts []part) {
	if m := platformUUID.FindSubmatch(board); m != nil {
		parts = append(parts, part{DMIUUID, string(m[1])})
	}
	ports = bytes.ReplaceAll(ports, []byte("\r\n"), []byte("\n"))
	for _, m := range hardwarePort.FindAllSubmatch(ports, -1) {
		if name := string(m[1]); name == "Wi-Fi" || name == "Ethernet" || strings.HasPrefix(name, "Ethernet Slot") {
			parts = append(parts, part{MAC, string(m[2])}) // others are plugged in
		}
	}
	var told struct {
		Controllers []struct {
			Items []struct {
				Serial    string `json:"device_serial"`
				Removable string `json:"removable_media"`
			} `json:"_items"`
		} `json:"SPNVMeDataType"`
	}
	if err := json.Unmarshal(disks, &told); err != nil {
		return parts
	}
	for _, c := range told.Controllers {
		for _, d := range c.Items {
			if d.Removable != "yes" {
				parts = append(parts, part{Disk, d.Serial})
			}
		}
	}
	return parts
}
