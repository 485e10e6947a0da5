"""Offline licences: verified on this machine, without a server.

docs/formats/offline-licence.md has every byte, docs/guides/offline-threats.md what it
stops and what it cannot.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import stat
import tempfile
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import clock, hpke, machine
from .encoding import read64, read_time, text64
from .errors import LicenseError, Untrusted
from .fingerprint import SHARE, WEIGHTS

_PURPOSE = b"guildhall offline licence v1\n"
_SECRET = b"guildhall offline licence secret v1\n"
_CODE = b"guildhall offline licence code v1\n"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_INSTALL_KEY = "guildhall-install-key:"
_MAX_TEXT = 64 << 10
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212 \n>|"
_VERSION = re.compile(r"v?[0-9]{1,9}(\.[0-9]{1,9}){0,3}([-+].{0,64})?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class OfflineRefused(LicenseError):
    """An offline licence is not accepted. ``code`` is stable, the text for the operator.
    ``reading`` is the clock's where ``check`` had come to it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.reading: Optional[clock.Reading] = None


@dataclass(frozen=True)
class Licence:
    """A licence. ``node`` is the machine of it that this one is, empty if it is bound to none."""

    claims: Mapping[str, Any]
    key_id: str
    node: str = ""

    @property
    def id(self) -> str:
        """The licence's id."""
        return str(self.claims["license_id"])

    @property
    def product(self) -> str:
        """The product's code."""
        return str(self.claims["product"])

    @property
    def company(self) -> str:
        """Whom it is for."""
        return str(self.claims["licensee"]["company"])

    @property
    def modules(self) -> List[str]:
        """What it includes."""
        return list(self.claims.get("modules") or [])

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
        return _moment(self.claims["issued_at"])

    @property
    def expires_at(self) -> datetime:
        """When it is over."""
        return _moment(self.claims["expires_at"])

    def secret(self, install_key: str) -> bytes:
        """The confidential part, by the file of this machine's install key."""
        private = _install_key(install_key)
        data, aad = self._part("install_key", self.node)
        try:
            context = hpke.receiver(private, data[:32], _SECRET + self.product.encode())
            return hpke.decrypt(context.secret, data[32:], aad)
        except Untrusted:
            raise OfflineRefused("secret_closed", "The confidential part is for another install key.") from None

    def secret_by_code(self, code: str) -> bytes:
        """The confidential part, by a code as a person types it."""
        raw = _code(code)
        data, aad = self._part("code", "")
        key = HKDF(SHA256(), 32, data[:16], _CODE + self.product.encode()).derive(raw)
        try:
            return hpke.decrypt(key + bytes(12), data[16:], aad)
        except Untrusted:
            raise OfflineRefused("secret_closed", "The confidential part is for another code.") from None

    def _part(self, to: str, node: str) -> Tuple[bytes, bytes]:
        for part in self.claims.get("sealed") or []:
            if part.get("to") == to and part.get("node", "") == node:
                return _bytes(part.get("data")), f"{self.id}\n{node}".encode()
        raise OfflineRefused("secret_missing", "The licence has no confidential part for this key or code.")


@dataclass(frozen=True)
class KeySet:
    """What ``guildhall license key export`` wrote: whose licences the program accepts."""

    product: str
    keys: Mapping[str, bytes]

    @classmethod
    def parse(cls, text: str) -> KeySet:
        """Reads the file's text."""
        try:
            file = json.loads(text)
            keys = {k["id"]: read64(k["public"], 32) for k in file["keys"]}
            good = file["v"] == 1 and isinstance(file["product"], str) and keys and all(_key_id(raw) == name for name, raw in keys.items())
        except (ValueError, TypeError, KeyError, RecursionError, Untrusted):
            good = False
        if not good:
            _mixed_up("key_file", text, "no file of public keys")
            raise OfflineRefused("key_file", "This is no file of public keys: write it anew by \"guildhall license key export\".")
        return cls(file["product"], keys)


@dataclass(frozen=True)
class Program:
    """What a program says of itself. ``components`` are this machine's."""

    keys: KeySet
    version: str = ""
    module: str = ""
    users: int = 0
    components: Mapping[str, str] = field(default_factory=dict)


def inspect(text: str) -> Licence:
    """What a text says of itself, unverified: to look at, never to decide by."""
    raw, _, footer = _take_apart(text)
    return Licence(_claims(raw), _footer_key(footer))


def genuine(text: str, keys: KeySet) -> Licence:
    """The licence, if a trusted key signed it for the product, whether or not it is to be
    accepted here and now."""
    raw, signature, footer = _take_apart(text)
    name = _footer_key(footer)
    if name not in keys.keys:
        raise OfflineRefused("key_unknown", f"The licence is signed by the key {name!r:.40}, which this program does not know.")
    public = keys.keys[name]
    if not _signed(public, raw, signature, footer, keys.product):
        try:
            other = str(_claims(raw).get("product"))
        except OfflineRefused:
            other = keys.product
        if other != keys.product and _signed(public, raw, signature, footer, other):
            raise OfflineRefused("product_other", f"The licence is for {other!r:.200}; this program is {keys.product!r}.")
        raise OfflineRefused("signature_wrong", "The licence was changed after it was signed, or was never signed.")
    claims = _claims(raw)
    _check(claims)
    if claims["product"] != keys.product:
        raise OfflineRefused("product_other", "The licence is for another product.")
    return Licence(claims, name)


def verify(text: str, program: Program, now: datetime) -> Licence:
    """The licence, if it is to be accepted: genuine, for this program, on this machine, at
    the time. Take it from a reading of ``clock``, so that setting the clock back wins
    nothing; ``check`` does."""
    licence = genuine(text, program.keys)
    _in_time(licence, now)
    _allows(licence, program)
    return Licence(licence.claims, licence.key_id, _node(licence.claims["deployment"], program.components))


class Standing:
    """A licence that was accepted, under a clock that is watched. Threads may share it.
    Close it when the program ends, or use it in a ``with``."""

    def __init__(self, text: str, program: Program, guard: clock.Guard, install_key: str, evidence: clock.Evidence) -> None:
        self._text, self._program, self._guard, self._install_key = text, program, guard, install_key
        #: The licence, and the reading of the first check: worth showing if its level is not OK.
        self.licence, self.reading = self._check(evidence)

    def again(self, evidence: clock.Evidence = clock.NOTHING) -> clock.Reading:
        """Asks once more, whether time has run out or the clock was set back meanwhile. Call
        it every minute."""
        return self._check(evidence)[1]

    def secret(self) -> bytes:
        """The licence's confidential part for this machine's install key."""
        if not self._install_key:
            raise OfflineRefused("secret_missing", "The program named no install key, and the confidential part is sealed to one.")
        return self.licence.secret(self._install_key)

    def close(self) -> None:
        """Notes that the program stops in order."""
        self._guard.close()

    def __enter__(self) -> Standing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, evidence: clock.Evidence) -> Tuple[Licence, clock.Reading]:
        reading = self._guard.check(evidence)
        try:
            if reading.level == clock.Level.REFUSE:
                raise OfflineRefused(reading.code, reading.text)
            return verify(self._text, self._program, reading.time), reading
        except OfflineRefused as e:
            e.reading = reading
            raise


def check(text: str, program: Program, watch: clock.Options, install_key: str = "", root: bool = False,
          evidence: clock.Evidence = clock.NOTHING) -> Standing:
    """The whole question in one call: is the licence genuine, for this program, on this
    machine, and valid by a clock that was not set back? What refuses is an OfflineRefused.

    `watch` needs files and secret. `install_key` is the file of this machine's key, which is
    made when it is not there, so that the machine can ask for a licence. The machine is asked
    for its parts (`root` as in machine.collect) if the program has no components."""
    licence = genuine(text, program.keys)
    public = ""
    if install_key:
        if not os.path.exists(install_key):
            _make_install_key(install_key)
        public = install_key_public(install_key)
    if not program.components:
        program = replace(program, components=machine.collect(licence.product, public, root))
    guard = clock.Guard(replace(watch, product=licence.product, issued_at=licence.issued_at))
    try:
        return Standing(text, program, guard, install_key, evidence)
    except OfflineRefused:
        guard.close()
        raise


def _in_time(licence: Licence, now: datetime) -> None:
    limits = licence.claims["restrictions"]
    end = licence.expires_at
    if limits.get("valid_to"):
        end = min(end, _moment(limits["valid_to"]))
    if now >= end:
        raise OfflineRefused("expired", f"The licence expired on {end:%Y-%m-%d %H:%M} UTC.")
    if limits.get("valid_from") and now < _moment(limits["valid_from"]):
        raise OfflineRefused("not_yet_valid", f"The licence is not valid before {_moment(limits['valid_from']):%Y-%m-%d %H:%M} UTC.")


def _allows(licence: Licence, program: Program) -> None:
    versions = licence.claims["deployment"].get("product_versions") or {}
    if versions and not _VERSION.fullmatch(program.version):
        raise OfflineRefused("not_said", "The licence is for some versions, and the program did not say its own in numbers.")
    if versions and not _included(program.version, versions):
        raise OfflineRefused("release_outside", f"The licence is for other versions than {program.version}.")
    if program.module and program.module not in licence.modules:
        raise OfflineRefused("module_missing", f"The licence does not include the module {program.module!r}.")
    limit = licence.claims["restrictions"].get("max_users", 0)
    if 0 < limit < program.users:
        raise OfflineRefused("too_many_users", f"The licence is for {limit} users, and there are {program.users}.")


def _node(deployment: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    nodes = deployment.get("nodes") or []
    if nodes and not shown:
        raise OfflineRefused("not_said", "The licence is bound to machines, and the program did not say which machine this is.")
    have = _parts(shown)
    for node in nodes:
        was = _parts(node["components"])
        whole = sum(WEIGHTS.get(kind, 0) for kind, _ in was)
        if whole and sum(WEIGHTS.get(kind, 0) for kind, _ in was & have) >= (deployment.get("match") or SHARE) * whole - 1e-9:
            return str(node["name"])
    if nodes:
        raise OfflineRefused("machine_other", "This machine is not one of the licence's nodes. Ask for a licence for this machine.")
    return ""


def _parts(components: Mapping[str, str]) -> Set[Tuple[str, str]]:
    return {(name.partition("#")[0], digest) for name, digest in components.items()}


def _numbers(version: str) -> List[int]:
    return [int(n) for n in re.split(r"[-+]", version[1:] if version.startswith("v") else version)[0].split(".")]


def _included(version: str, versions: Mapping[str, str]) -> bool:
    def padded(v: Sequence[int], n: int) -> List[int]:
        return (list(v) + [0] * n)[:n]

    at = _numbers(version)
    if versions.get("from") and padded(at, 4) < padded(_numbers(versions["from"]), 4):
        return False
    to = _numbers(versions["to"]) if versions.get("to") else []
    return not to or padded(at, len(to)) <= to


def _check(claims: Mapping[str, Any]) -> None:
    """The rules of the format that later steps rely on."""
    def wrong(what: str) -> OfflineRefused:
        return OfflineRefused("claims_wrong", f"The licence is signed, but wrong: {what}. Ask for another one.")

    deployment, limits = claims.get("deployment"), claims.get("restrictions")
    if not isinstance(claims.get("license_id"), str) or not _ID.fullmatch(claims["license_id"]):
        raise wrong("its id")
    if not isinstance(claims.get("product"), str) or not isinstance(deployment, dict) or not isinstance(limits, dict):
        raise wrong("a part is missing")
    licensee = claims.get("licensee")
    if not isinstance(licensee, dict) or not str(licensee.get("company") or "").strip():
        raise wrong("the licensee")
    try:
        issued, expires = _moment(claims.get("issued_at")), _moment(claims.get("expires_at"))
        for name in ("valid_from", "valid_to"):
            if limits.get(name):
                _moment(limits[name])
    except OfflineRefused:
        raise wrong("its times") from None
    nodes = deployment.get("nodes") or []
    if issued.year < 1970 or expires <= issued:
        raise wrong("its times")
    if not isinstance(nodes, list) or deployment.get("instance_type") not in (0, 1) or len(nodes) not in (0, {0: 1, 1: 3}[deployment["instance_type"]]):
        raise wrong("its nodes")
    if not isinstance(limits.get("max_users", 0), int) or limits.get("max_users", 0) < 0 or not isinstance(claims.get("modules") or [], list):
        raise wrong("its limits")
    match = deployment.get("match", 0)
    if not isinstance(match, (int, float)) or not 0 <= match <= 1:
        raise wrong("its share")
    for node in nodes:
        parts = node.get("components") if isinstance(node, dict) else None
        if not isinstance(parts, dict) or not str(node.get("name") or "").strip() or not all(isinstance(v, str) for v in parts.values()):
            raise wrong("a node")
        if not any(kind in WEIGHTS for kind, _ in _parts(parts)):
            raise wrong("a node that nothing tells from another")
    versions = deployment.get("product_versions") or {}
    if not isinstance(versions, dict) or not all(isinstance(versions.get(k, ""), str) and (not versions.get(k) or _VERSION.fullmatch(versions[k])) for k in ("from", "to")):
        raise wrong("its versions")


def _mixed_up(code: str, text: str, wanted: str, path: str = "") -> None:
    """Refuses what people give in place of what is wanted, if it is known."""
    text = text.strip()
    if text.startswith(_INSTALL_KEY):
        other = "an install key, which is the secret of one machine"
    elif text.startswith("-----BEGIN") and "PRIVATE KEY" in text:
        other = "a private key, which nobody is to have but its owner"
    elif re.search(r"BEGIN\s+GUILDHALL\s+LICENCE", text) or text.startswith("v4.public."):
        other = "a licence"
    elif text.startswith("{") and '"nonce"' in text:
        other = "a request"
    elif text.startswith("{") and '"keys"' in text:
        other = "a file of public keys"
    else:
        return
    raise OfflineRefused(code, f"{path or 'This'} {'holds' if path else 'is'} {other}, and {wanted}.")


def _take_apart(text: str) -> Tuple[bytes, bytes, bytes]:
    """The claims, the signature and the footer of either form."""
    if len(text.encode("utf-8", "replace")) > _MAX_TEXT:
        raise OfflineRefused("malformed", "This is no licence: it is too long.")
    text = "".join(c if c == "\n" else " " if c.isspace() else c for c in text if unicodedata.category(c) != "Cf")
    begin = re.search(r"BEGIN\s+GUILDHALL\s+LICENCE", text)
    if begin is None:
        if re.search(r"END\s+GUILDHALL\s+LICENCE", text):
            raise OfflineRefused("malformed", "The beginning of the licence is missing.")
        parts = "".join(text.split()).split(".")
        if len(parts) != 4 or parts[:2] != ["v4", "public"]:
            _mixed_up("malformed", text, "no licence")
            raise OfflineRefused("malformed", "This is no licence.")
        payload, footer = _bytes(parts[2]), _bytes(parts[3])
    else:
        end = re.search(r"END\s+GUILDHALL\s+LICENCE", text[begin.end():])
        if end is None:
            raise OfflineRefused("malformed", "The licence is cut: copy it with its last line.")
        raw = _lines(re.sub(r"(?m)^[\s>|]+", "", text[begin.end():][:end.start()].strip(_DASHES)))
        if not raw or len(raw) < 1 + raw[0]:
            raise OfflineRefused("malformed", "There is no licence between the lines BEGIN and END.")
        footer, payload = raw[1:1 + raw[0]], raw[1 + raw[0]:]
    if len(payload) <= 64 or len(footer) > 255:
        raise OfflineRefused("malformed", "This is no licence: a part of it is missing.")
    return payload[:-64], payload[-64:], footer


def _lines(text: str) -> bytes:
    text, data = "".join(text.split()), ""
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    for n, line in enumerate(lines):
        summed = hashlib.sha256(bytes([n == len(lines) - 1]) + n.to_bytes(2, "big") + line[:-4].encode()).digest()[:3]
        if len(line) < 8 or base64.b64encode(summed).decode() != line[-4:]:
            raise OfflineRefused("malformed", f"The licence was damaged on its way: line {n + 1} of those between BEGIN and END is changed or missing.")
        data += line[:-4]
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise OfflineRefused("malformed", "There is no licence between the lines BEGIN and END.") from None


def _bytes(text: object) -> bytes:
    try:
        return read64(text if isinstance(text, str) else "?")
    except (Untrusted, ValueError):
        raise OfflineRefused("malformed", "This is no licence: its text is damaged.") from None


def _object(raw: bytes) -> Dict[str, Any]:
    try:
        found = json.loads(raw.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OfflineRefused("malformed", "What the licence says cannot be read.")
    return found


def _claims(raw: bytes) -> Dict[str, Any]:
    claims = _object(raw)
    if claims.get("v") != 1:
        raise OfflineRefused("version_unknown", "The licence is of another version of the format. Update the program.")
    return claims


def _footer_key(footer: bytes) -> str:
    name = _object(footer).get("kid")
    if not isinstance(name, str) or not name:
        raise OfflineRefused("malformed", "The licence does not say which key signed it.")
    return name


def _key_id(public: bytes) -> str:
    return hashlib.sha256(public).digest()[:8].hex()


def _signed(public: bytes, claims: bytes, signature: bytes, footer: bytes, product: str) -> bool:
    pieces = (b"v4.public.", claims, footer, _PURPOSE + product.encode("utf-8", "replace"))
    text = len(pieces).to_bytes(8, "little") + b"".join(len(p).to_bytes(8, "little") + p for p in pieces)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _moment(text: object) -> datetime:
    try:
        return read_time(text)
    except Untrusted:
        raise OfflineRefused("malformed", "What the licence says cannot be read: a time.") from None


def _install_key(path: str) -> X25519PrivateKey:
    try:
        with open(path, encoding="ascii") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise OfflineRefused("key_file", f"{path}: others can read the install key. If nobody did: chmod 600 {path}.")
            text = file.read(1 << 10).strip()
        if not text.startswith(_INSTALL_KEY):
            _mixed_up("key_file", text, "no install key", path)
            raise ValueError
        return X25519PrivateKey.from_private_bytes(read64(text[len(_INSTALL_KEY):], 32))
    except OSError as e:
        raise OfflineRefused("key_file", f"{path} cannot be read: {e.strerror}.") from None
    except (ValueError, Untrusted):
        raise OfflineRefused("key_file", f"{path} does not hold an install key. Restore the file from a backup.") from None


def _make_install_key(path: str) -> None:
    """Makes the file, whole or not at all; of several processes at once one wins."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path) or ".")  # 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_INSTALL_KEY + text64(X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process's is ours
    except OSError as e:
        raise OfflineRefused("key_file", f"{path} cannot be made: {e.strerror}.") from None
    finally:
        if temporary:
            os.unlink(temporary)


def install_key_public(path: str) -> str:
    """The public half of an install key: a part of this machine's fingerprint, and of a request."""
    return text64(hpke.raw(_install_key(path).public_key()))


def _code(typed: str) -> bytes:
    text = re.sub(r"[-\s\u2010-\u2014]", "", typed.upper()).translate(str.maketrans("OIL", "011"))
    if len(text) != 28 or set(text) - set(_CROCKFORD):
        raise OfflineRefused("code_typo", "A code has 28 letters and digits.")
    number = 0
    for c in text:
        number = number << 5 | _CROCKFORD.index(c)
    raw = (number >> 12).to_bytes(16, "big")
    if int.from_bytes(hashlib.sha256(raw).digest()[:2], "big") >> 4 != number & 0xFFF:
        raise OfflineRefused("code_typo", "The code is mistyped: compare it with the one that you got.")
    return raw


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(timezone.utc)
