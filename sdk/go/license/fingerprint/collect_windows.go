package fingerprint

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// windowsScript prints the parts as JSON. Disks and network cards that are plugged in from
// outside are no parts.
const windowsScript = `@{
uuid = (Get-CimInstance Win32_ComputerSystemProduct).UUID
guid = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography').MachineGuid
disks = @(Get-CimInstance Win32_DiskDrive | Where-Object { $_.InterfaceType -ne 'USB' } | ForEach-Object { $_.SerialNumber })
cards = @(Get-CimInstance Win32_NetworkAdapter -Filter 'PhysicalAdapter=TRUE' | Where-Object { $_.PNPDeviceID -like 'PCI\*' } | ForEach-Object { $_.MACAddress })
} | ConvertTo-Json -Compress`

func machineParts(ctx context.Context, _ Sources) []part {
	shell := filepath.Join(os.Getenv("SystemRoot"), "System32", "WindowsPowerShell", "v1.0", "powershell.exe")
	text, err := exec.CommandContext(ctx, shell, "-NoProfile", "-NonInteractive", "-Command", windowsScript).Output() //nolint:gosec // the system's own
	if err != nil {
		return nil
	}
	return windowsParts(text)
}
