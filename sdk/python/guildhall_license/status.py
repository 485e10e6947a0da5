"""What the server says about a licence."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, Dict, NamedTuple, Optional, Tuple

from . import files
from .encoding import from_millis, read_time
from .errors import Untrusted
from .files import File


VERDICTS = ("ok", "activated", "refused")


class Handshake(NamedTuple):
    """A handshake key, sealed to this installation."""

    id: str
    enc: bytes
    ciphertext: bytes


class NextKey(NamedTuple):
    """The shared key to use from now on, sealed to this installation."""

    id: str
    to: datetime
    enc: bytes
    ciphertext: bytes


class Status(NamedTuple):
    """An answer that was verified."""

    verdict: str  #: ok, activated or refused
    code: str  #: why; codes are stable
    detail: str  #: an English sentence
    time: datetime  #: the server's
    mode: str  #: run or read_only; empty when refused
    expires_at: Optional[datetime]  #: the card's end; None: none
    grace_until: Optional[datetime]  #: until when it goes on after its end
    lease_until: Optional[datetime]  #: until when the program may go on without the server
    heartbeat: int  #: seconds between heartbeats; 0: none are asked for
    environment: str  #: the id of this machine's binding
    modules: Tuple[str, ...]  #: the parts of the product that may run; "*": all
    changed: Tuple[str, ...]  #: components that are others than enrolled
    retry_after: int  #: seconds to wait, when there were too many requests
    handshake: Optional[Handshake]
    next_psk: Optional[NextKey]
    output: bytes = b""  #: what the function wrote that was called
    files: Tuple[File, ...] = ()  #: those of a list, the newest release first
    offline: bool = False  #: the server was not reached: this is its last answer

    @property
    def read_only(self) -> bool:
        """Whether the program may show data and change none."""
        return self.mode == "read_only"

    def allows(self, module: str) -> bool:
        """Whether a part of the product may run."""
        return module in self.modules or "*" in self.modules


def read(body: bytes) -> Status:
    """Reads the JSON of an answer, after it was verified."""
    try:
        f = json.loads(body)
        sealed = f.get("handshake")
        handshake = sealed and Handshake(str(sealed["id"]), base64.b64decode(sealed["enc"]), base64.b64decode(sealed["ciphertext"]))
        told = f.get("next_psk")
        next_psk = told and NextKey(str(told["id"]), read_time(told["to"]), base64.b64decode(told["enc"]), base64.b64decode(told["ciphertext"]))
        if f["verdict"] not in VERDICTS:
            raise ValueError(f"this program does not know the verdict {f['verdict']!r:.60}")
        return Status(str(f["verdict"]), str(f["code"]), str(f.get("detail") or ""), from_millis(int(f["time"])), str(f.get("mode") or ""),
                      _optional(f, "expires_at"), _optional(f, "grace_until"), _optional(f, "lease_until"), max(0, int(f.get("heartbeat") or 0)),
                      str(f.get("environment") or ""), _texts(f, "modules"), _texts(f, "changed"),
                      max(0, int(f.get("retry_after") or 0)), handshake, next_psk, base64.b64decode(f.get("output") or ""),
                      tuple(files.read(one) for one in f.get("files") or ()))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as e:
        raise Untrusted("format", f"the answer is signed and cannot be read: {type(e).__name__}: {e}") from e


def _texts(fields: Dict[str, Any], name: str) -> Tuple[str, ...]:
    texts = fields.get(name) or []
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise ValueError(f"{name} is no list of texts")
    return tuple(texts)


def _optional(fields: Dict[str, Any], name: str) -> Optional[datetime]:
    return read_time(fields[name]) if fields.get(name) else None
