"""Bytes and texts: base64url in its one form, lengths before values, times."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from typing import Optional

from .errors import Untrusted


def text64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read64(text: str, length: Optional[int] = None) -> bytes:
    """The bytes of base64url without padding; other forms of the same are refused."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Untrusted("format", "a text is not base64url") from None
    if text64(data) != text:
        raise Untrusted("format", "a text is not base64url without padding")
    if length is not None and len(data) != length:
        raise Untrusted("format", f"a value has {len(data)} bytes and not {length}")
    return data


def fields(*values: bytes) -> bytes:
    """Each value with its length in two bytes before it."""
    return b"".join(len(v).to_bytes(2, "big") + v for v in values)


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_time(text: object) -> datetime:
    """A time of RFC 3339, which datetime itself cannot read before Python 3.11."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Untrusted("format", f"{text!r:.60} is no time of RFC 3339")
    day, clock, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}" + ("+00:00" if zone == "Z" else zone))
        return (at + timedelta(microseconds=int(((fraction or ".") + "000000")[1:7]))).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise Untrusted("format", f"{text!r:.60} is no time") from None


def from_millis(millis: float) -> datetime:
    """The time that many milliseconds after 1970."""
    try:
        return datetime.fromtimestamp(millis / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise Untrusted("format", f"{millis!r:.60} is no time") from None


def to_millis(at: datetime) -> int:
    """The milliseconds from 1970 to the time."""
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
