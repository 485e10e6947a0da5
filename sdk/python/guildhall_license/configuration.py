"""The configuration: the server's keys and addresses, signed by the pinned root key."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from .encoding import read64, read_time
from .errors import Untrusted
from .signing import AnswerKeys, verify

_MAX_TEXT, _MAX_LISTED, _MAX_SERIAL = 64 << 10, 32, 2**53 - 1


class PublicKey(NamedTuple):
    """A key of the server and the time of its use."""

    id: bytes
    public: bytes
    not_before: datetime
    not_after: datetime

    def valid(self, at: datetime) -> bool:
        """Whether the key is used at a time."""
        return self.not_before <= at < self.not_after


class Configuration(NamedTuple):
    """What a client must know of its server and what changes."""

    product: str
    serial: int
    issued_at: datetime
    expires_at: datetime
    answer_keys: Tuple[PublicKey, ...]
    hpke_keys: Tuple[PublicKey, ...]
    addresses: Tuple[str, ...]

    def fresh(self, at: datetime) -> None:
        """Refuses a configuration that has ended."""
        if at >= self.expires_at:
            raise Untrusted("expired", f"the configuration ended at {self.expires_at.isoformat()}")

    def answers(self, at: Optional[datetime]) -> AnswerKeys:
        """Finds the keys that may sign at a time. None: all listed, for the call that
        asks for the time, and for no other."""

        def find(key_id: bytes) -> bytes:
            for key in self.answer_keys:
                if key.id == key_id and (at is None or key.valid(at)):
                    return key.public
            raise Untrusted("key", f"configuration {self.serial} lists no answer key {key_id.hex()} for this time")

        return find

    def hpke_key(self, at: Optional[datetime]) -> PublicKey:
        """The newest key to seal to at a time. None: whatever time that is."""
        usable = [k for k in self.hpke_keys if at is None or k.valid(at)]
        if not usable:
            raise Untrusted("key", f"configuration {self.serial} lists no key to seal to at this time")
        return max(usable, key=lambda k: k.not_before)


def none(product: str) -> Configuration:
    """What a client has before it has one: it ended long ago, and lists nothing."""
    long_ago = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return Configuration(product, 0, long_ago, long_ago, (), (), ())


def read(root: bytes, product: str, serial: int, text: str) -> Configuration:
    """The configuration, if the root key signed it for the product and it is no older
    than the one with the serial. Whether it has ended, ``fresh`` says."""
    text = text.strip()
    payload, dot, signature = text.partition(".")
    if not dot or len(text) > _MAX_TEXT:
        raise Untrusted("format", f"a configuration is two parts with a dot between, at most {_MAX_TEXT} bytes")
    data, signed = read64(payload), read64(signature, 64)
    verify(root, b"guildhall license configuration v1\n" + data, signed)
    c = _parse(data)
    if c.product != product:
        raise Untrusted("product", f"the configuration is for {c.product!r:.60} and not for {product!r:.60}")
    if c.serial < serial:
        raise Untrusted("older", f"the configuration has serial {c.serial}, and {serial} is known")
    return c


def _parse(data: bytes) -> Configuration:
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise _wrong("it is no JSON") from None
    if not isinstance(fields, dict) or fields.get("v") != 1 or isinstance(fields["v"], bool):
        raise _wrong("it has no version that this program knows")
    product, serial = fields.get("product"), fields.get("serial")
    if not isinstance(product, str) or not product:
        raise _wrong("it names no product")
    if not isinstance(serial, int) or isinstance(serial, bool) or not 1 <= serial <= _MAX_SERIAL:
        raise _wrong(f"its serial is not from 1 to {_MAX_SERIAL}")
    addresses = _list(fields, "addresses")
    c = Configuration(product, serial, read_time(fields.get("issued_at")), read_time(fields.get("expires_at")),
                      _keys(_list(fields, "answer_keys")), _keys(_list(fields, "hpke_keys")), tuple(map(address, addresses)))
    if c.issued_at >= c.expires_at:
        raise _wrong("it expires before it is issued")
    if not c.answer_keys:
        raise _wrong("it lists no answer key")
    return c


def _list(fields: Dict[str, Any], name: str) -> List[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > _MAX_LISTED:
        raise _wrong(f"{name} is no list of at most {_MAX_LISTED}")
    return value


def _keys(values: List[Any]) -> Tuple[PublicKey, ...]:
    keys = []
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not isinstance(value.get("public"), str):
            raise _wrong("a key lacks its id or its public key")
        key = PublicKey(read64(value["id"], 8), read64(value["public"], 32), read_time(value.get("not_before")), read_time(value.get("not_after")))
        if key.not_before >= key.not_after:
            raise _wrong("the time of a key ends before it begins")
        keys.append(key)
    if len({key.id for key in keys}) != len(keys):
        raise _wrong("two keys have one id")
    return tuple(keys)


def address(value: object) -> str:
    """A base URL of a server."""
    try:
        url = urlsplit(value) if isinstance(value, str) else None
        good = url is not None and url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc \
            and not url.query and not url.fragment and (url.port is None or url.port > 0)
    except ValueError:
        good = False
    if not good:
        raise _wrong(f"{value!r:.60} is not a base URL such as https://license.example.com")
    return str(value)


def _wrong(text: str) -> Untrusted:
    return Untrusted("format", f"the configuration: {text}")
