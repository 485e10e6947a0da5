"""The kit: what a vendor builds into his program, as the service exports it."""

from __future__ import annotations

import base64
import json
from typing import Any, Mapping, NamedTuple, Optional, Tuple, Union

from . import configuration, signing
from .errors import SetupError, Untrusted


class SharedKey(NamedTuple):
    """A key of the mode psk."""

    id: bytes
    key: bytes


class Kit(NamedTuple):
    """How a program finds its server, and how it knows that it has."""

    product: str
    addresses: Tuple[str, ...]
    root: bytes
    psk: Optional[SharedKey]
    configuration: str  # empty: to be fetched


def read(source: Union[str, bytes, Mapping[str, Any], Kit]) -> Kit:
    """Reads a kit: its JSON, or what a JSON parser made of it."""
    if isinstance(source, Kit):
        return source
    try:
        fields = json.loads(source) if isinstance(source, (str, bytes)) else source
        kit = Kit(fields["product"], tuple(map(configuration.address, fields["addresses"])), read_bytes(fields["root"], 32),
                  shared_key(fields.get("psk")), fields.get("configuration") or "")
        if not kit.product or not isinstance(kit.product, str):
            raise SetupError("the kit names no product")
        if not kit.addresses:
            raise SetupError("the kit has no address of the server")
        signing.Params("POST", "/", kit.product).check()
        if kit.configuration:
            configuration.read(kit.root, kit.product, 0, kit.configuration)
    except (Untrusted, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise SetupError(f"the kit cannot be used: {type(e).__name__}: {e}") from e
    return kit


def shared_key(fields: Optional[Mapping[str, Any]]) -> Optional[SharedKey]:
    """The key of {"id": 16 hexadecimal digits, "key": base64}; None where there is none."""
    if not fields or not fields.get("id"):
        return None
    key_id = bytes.fromhex(fields["id"])
    if len(key_id) != 8:
        raise ValueError("the id of a shared key has 16 hexadecimal digits")
    return SharedKey(key_id, read_bytes(fields["key"], 32))


def read_bytes(text: str, length: int) -> bytes:
    """The bytes of base64 in either alphabet, with padding or without."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    if len(data) != length:
        raise ValueError(f"a key has {len(data)} bytes and not {length}")
    return data
