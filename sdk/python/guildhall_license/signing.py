"""Signatures, the same in all modes: the proof of a request, and that of an answer."""

from __future__ import annotations

import hashlib
from typing import Callable, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .encoding import fields
from .errors import Untrusted

NO_PROOF = bytes(64)

# Finds the public key of an answer key's id, or raises Untrusted("key", ...).
AnswerKeys = Callable[[bytes], bytes]


class Params(NamedTuple):
    """What every message is bound to."""

    method: str
    path: str
    product: str

    def check(self) -> None:
        """Refuses what could be read in two ways."""
        for name, value in zip(self._fields, self):
            try:
                data = value.encode()
            except UnicodeEncodeError:
                data = b""
            if not 1 <= len(data) <= 1024 or any(c < 0x20 or c == 0x7F for c in data):
                raise Untrusted("format", f"the {name} of a message has 1 to 1024 bytes of UTF-8 without control characters")

    def aad(self, header: bytes, *more: bytes) -> bytes:
        """What a sealed message is bound to."""
        return fields(header, *(v.encode() for v in self), *more)


class Signed(NamedTuple):
    """An answer that nobody has verified yet."""

    key_id: bytes
    signature: bytes
    body: bytes


def request_text(params: Params, body: bytes) -> bytes:
    """What a proof signs."""
    return "\n".join(["guildhall license request v1", params.path, params.product, _hash(body)]).encode()


def answer_text(params: Params, request: bytes, answer: bytes) -> bytes:
    """What an answer key signs."""
    return "\n".join(["guildhall license answer v1", params.path, params.product, _hash(request), _hash(answer)]).encode()


def prove(device: Ed25519PrivateKey, params: Params, body: bytes) -> bytes:
    """The proof that the device's key made this request."""
    return device.sign(request_text(params, body))


def verify(public: bytes, text: bytes, signature: bytes) -> None:
    """Refuses a signature that is not good."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        raise Untrusted("signature", "a signature is not good") from None


def verified(keys: AnswerKeys, params: Params, request: bytes, answer: Signed) -> bytes:
    """The JSON of an answer that is the server's answer to this request."""
    verify(keys(answer.key_id), answer_text(params, request, answer.body), answer.signature)
    return answer.body


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
