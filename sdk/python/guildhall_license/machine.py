"""Asks the machine for its parts, the same ones as sdk/go/license/fingerprint: only what
stays the same for every user who runs the program, and in every run of it, is one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any, Dict, List, Sequence, Tuple

from . import fingerprint
from .fingerprint import DISK, DMI_UUID, INSTALL_KEY, MAC, MACHINE_ID

Part = Tuple[str, str]  # kind and value

_PATIENCE = 30.0  # seconds that a program of the system may take

#: Prints the parts as JSON. Disks and network cards that are plugged in from outside are none.
WINDOWS_SCRIPT = r"""@{
uuid = (Get-CimInstance Win32_ComputerSystemProduct).UUID
guid = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography').MachineGuid
disks = @(Get-CimInstance Win32_DiskDrive | Where-Object { $_.InterfaceType -ne 'USB' } | ForEach-Object { $_.SerialNumber })
cards = @(Get-CimInstance Win32_NetworkAdapter -Filter 'PhysicalAdapter=TRUE' | Where-Object { $_.PNPDeviceID -like 'PCI\*' } | ForEach-Object { $_.MACAddress })
} | ConvertTo-Json -Compress"""


def collect(product: str, install_key: str = "", root: bool = False) -> Dict[str, str]:
    """The fingerprint of this machine for a product. What the machine does not tell is
    left out, and nothing is raised.

    `install_key` is the public half of a key file that the installation made, if it has
    one: a container has nothing else that stays. `root` says that the program always runs
    as root: on Linux the mainboard's UUID can be read only so, and a program that runs
    now as root and now not would be two machines."""
    return fingerprint.components(product, [(INSTALL_KEY, install_key)] + _parts(root))


def _parts(root: bool) -> List[Part]:
    if sys.platform.startswith("linux"):
        return linux_parts("/", root)
    if sys.platform == "win32":
        shell = os.path.join(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "WindowsPowerShell", "v1.0", "powershell.exe")
        return windows_parts(_output([shell, "-NoProfile", "-NonInteractive", "-Command", WINDOWS_SCRIPT]))
    if sys.platform == "darwin":
        return darwin_parts(_output(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"]),
                            _output(["/usr/sbin/networksetup", "-listallhardwareports"]),
                            _output(["/usr/sbin/system_profiler", "SPNVMeDataType", "-json"]))
    return []


def _output(command: Sequence[str]) -> bytes:
    """What a program of the system prints; nothing if it fails."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW  # a program with windows shows no console
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE, check=True,
                              creationflags=flags).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


# Linux


def linux_parts(root: str, as_root: bool) -> List[Part]:
    """Reads the files below root that every user can read, so that a program is the same
    machine for all of them."""
    if _in_container(root):
        return []  # its network card is new each time, its disks and id are others'
    parts = [(MACHINE_ID, _first(root, "etc/machine-id", "var/lib/dbus/machine-id"))]
    if as_root:
        parts.append((DMI_UUID, _first(root, "sys/class/dmi/id/product_uuid")))
    for directory in _devices(root, "sys/block"):
        if _first(directory, "removable") != b"1":
            parts.append((DISK, _serial(directory)))
    for directory in _devices(root, "sys/class/net"):
        if _first(directory, "addr_assign_type") == b"0":  # given by the card itself
            parts.append((MAC, _first(directory, "address")))
    return [(kind, value.decode("utf-8", "surrogateescape")) for kind, value in parts]


def _in_container(root: str) -> bool:
    if any(os.path.exists(os.path.join(root, mark)) for mark in (".dockerenv", "run/.containerenv", "run/systemd/container")):
        return True
    groups = _first(root, "proc/1/cgroup")
    return any(by in groups for by in (b"docker", b"kubepods", b"containerd", b"libpod", b"/lxc"))


def _devices(root: str, group: str) -> List[str]:
    """The directories of those that have hardware of their own which is not plugged in by
    USB, by name."""
    found = []
    try:
        names = sorted(os.listdir(os.path.join(root, group)))
    except OSError:
        return []
    for name in names:
        directory = os.path.join(root, group, name)
        hardware = os.path.join(directory, "device")
        if os.path.exists(hardware) and "/usb" not in os.path.realpath(hardware):
            found.append(directory)
    return found


def _serial(directory: str) -> bytes:
    """A disk's serial number: NVMe and virtio tell it as text, SCSI and SATA as a page of
    vital product data, whose first four bytes are its header."""
    return _first(directory, "device/serial", "serial") or _first(directory, "device/vpd_pg80")[4:].strip(b"\0 ")


def _first(directory: str, *names: str) -> bytes:
    """What the first of the files holds that has anything in it."""
    for name in names:
        try:
            with open(os.path.join(directory, name), "rb") as f:
                text = f.read().rstrip(b"\r\n \t")
        except OSError:
            continue
        if text:
            return text
    return b""


# Windows


def windows_parts(printed: bytes) -> List[Part]:
    """Reads what the script for Windows prints."""
    told = _json(printed.strip().decode("utf-8-sig", "surrogateescape"))
    try:
        parts = [(DMI_UUID, _text(told.get("uuid"))), (MACHINE_ID, _text(told.get("guid")))]
        return parts + [(DISK, _text(v)) for v in told.get("disks") or []] + [(MAC, _text(v)) for v in told.get("cards") or []]
    except (AttributeError, TypeError):
        return []


# macOS

_PLATFORM_UUID = re.compile(r'"IOPlatformUUID" = "([^"]+)"')
_HARDWARE_PORT = re.compile(r"^Hardware Port: (.+)\nDevice: .*\nEthernet Address: ([0-9a-fA-F:]{17})$", re.MULTILINE)


def darwin_parts(board: bytes, ports: bytes, disks: bytes) -> List[Part]:
    """Reads what ioreg, networksetup and system_profiler print."""
    parts: List[Part] = []
    uuid = _PLATFORM_UUID.search(board.decode("utf-8", "surrogateescape"))
    if uuid:
        parts.append((DMI_UUID, uuid.group(1)))
    for name, address in _HARDWARE_PORT.findall(ports.decode("utf-8", "surrogateescape").replace("\r\n", "\n")):
        if name in ("Wi-Fi", "Ethernet") or name.startswith("Ethernet Slot"):  # others are plugged in
            parts.append((MAC, address))
    told = _json(disks.decode("utf-8", "surrogateescape"))
    try:
        return parts + [(DISK, _text(disk.get("device_serial"))) for controller in told.get("SPNVMeDataType") or []
                        for disk in controller.get("_items") or [] if disk.get("removable_media") != "yes"]
    except (AttributeError, TypeError):
        return parts


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    """A text that may be null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    return value
