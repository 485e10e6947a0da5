"""Tells machines apart by their parts, byte for byte as sdk/go/license/fingerprint does.

machine.collect asks the machine for its parts; a program that knows them hands their
values to components.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Dict, Iterable, Mapping, Optional, Set, Tuple

from .encoding import text64
from .errors import SetupError

TPM = "tpm"  #: the endorsement key of the security chip
INSTALL_KEY = "install_key"  #: a key file that the installation made
DMI_UUID = "dmi_uuid"  #: the mainboard's UUID
MACHINE_ID = "machine_id"  #: the operating system's id
DISK = "disk"  #: the serial number of a disk
MAC = "mac"  #: the universally administered address of a network card

#: What the components of each kind weigh.
WEIGHTS: Mapping[str, int] = {TPM: 3, INSTALL_KEY: 3, DMI_UUID: 2, MACHINE_ID: 2, DISK: 2, MAC: 1}
#: The share of the enrolled weight that must be shown again.
SHARE = 0.6
#: How many components of one kind count.
MAX_OF_KIND = 8
#: How many components a fingerprint may have.
MAX_COMPONENTS = 32

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}(#[2-8])?", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

# What manufacturers leave in, as _normal makes it and without punctuation.
_PLACEHOLDERS = (
    "|tobefilledbyoem|defaultstring|default|none|null|nil|unknown|undefined|empty|invalid|oem|uninitialized"
    "|n/a|na|notapplicable|notspecified|notavailable|notpresent|serial|serialnumber|systemserialnumber|systemproductname"
    "|baseboardserialnumber|chassisserialnumber|assettag|0123456789|123456789|1234567890|12345678"
    "|03000200040005000006000700080009|00020003000400050006000700080009|12345678123412341234123456789abc|"
)


def digest(product: str, kind: str, value: str) -> Optional[str]:
    """The component that a part of the machine makes for a product; None for a value
    that tells no machine from another."""
    value = _normal(kind, value)
    if not value or _placeholder(value) or (kind == MAC and not _universal(value)):
        return None
    return text64(hmac.new(product.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).digest())


def components(product: str, parts: Iterable[Tuple[str, str]]) -> Dict[str, str]:
    """The fingerprint of the parts, each a kind and a value: "mac", "mac#2", ..."""
    found: Dict[str, str] = {}
    for kind, value in parts:
        made = digest(product, kind, value)
        names = [kind] + [f"{kind}#{n}" for n in range(2, MAX_OF_KIND + 1)]
        free = [name for name in names if name not in found]
        if made and free and made not in (found.get(name) for name in names):
            found[free[0]] = made
    return found


def check(found: Mapping[str, str]) -> None:
    """Raises SetupError for what the server would not take as a fingerprint: a value, say,
    where its digest belongs."""
    if len(found) > MAX_COMPONENTS:
        raise SetupError(f"the fingerprint has {len(found)} components, and {MAX_COMPONENTS} are the most")
    seen: Set[Tuple[str, str]] = set()
    for name, made in found.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SetupError(f"{name!r:.60} is no name of a component: use a kind such as {MAC!r}, with #2 to #{MAX_OF_KIND} for more of it")
        if not isinstance(made, str) or not _DIGEST.fullmatch(made):
            raise SetupError(f"the component {name} has no digest of 43 characters of base64url: make the fingerprint by collect() or fingerprint.components()")
        part = (name.partition("#")[0], made)
        if part in seen:
            raise SetupError(f"two components of the kind {part[0]} have the same digest: send it once")
        seen.add(part)


def same_machine(enrolled: Mapping[str, str], shown: Mapping[str, str]) -> bool:
    """Whether enough of what was enrolled is shown again. Nothing enrolled is no machine."""
    was, now = _parts(enrolled), _parts(shown)
    whole = sum(WEIGHTS.get(kind, 0) for kind, _ in was)
    return whole > 0 and sum(WEIGHTS.get(kind, 0) for kind, _ in was & now) >= SHARE * whole - 1e-9


def _parts(found: Mapping[str, str]) -> Set[Tuple[str, str]]:
    return {(name.partition("#")[0], value) for name, value in found.items()}


def _normal(kind: str, value: str) -> str:
    dropped = "-:.{}" if kind in (MAC, DMI_UUID, MACHINE_ID) else ""
    kept = []
    for c in value:
        if c <= " " or c == "\x7f" or c in dropped:
            continue
        if "A" <= c <= "Z":
            c = c.lower()
        elif "\ud800" <= c <= "\udfff":  # a byte that was no UTF-8
            c = "\ufffd"
        kept.append(c)
    return "".join(kept)


def _placeholder(value: str) -> bool:
    bare = "".join(c for c in value if c not in "-:._")
    return len(set(bare)) < 2 or f"|{bare}|" in _PLACEHOLDERS


def _universal(mac: str) -> bool:
    return len(mac) == 12 and all(c in "0123456789abcdef" for c in mac) and mac[1] in "048c"
