"""HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
AES-256-GCM, one message a context."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple, Optional, Tuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Untrusted

_KEM, _SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract of RFC 5869 with SHA-256."""
    return hmac.new(salt, secret, hashlib.sha256).digest()


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of RFC 5869 with SHA-256."""
    return HKDFExpand(SHA256(), length, info).derive(prk)


def encrypt(secret: bytes, plain: bytes, aad: bytes) -> bytes:
    """AES-256-GCM; the secret is the key and the nonce."""
    return AESGCM(secret[:32]).encrypt(secret[32:44], plain, aad)


def decrypt(secret: bytes, text: bytes, aad: bytes) -> bytes:
    """The plain text, or Untrusted for whatever makes the tag wrong."""
    try:
        return AESGCM(secret[:32]).decrypt(secret[32:44], text, aad)
    except (InvalidTag, ValueError):
        raise Untrusted("open", "what came does not open: it was changed, or is for another") from None


def raw(public: X25519PublicKey) -> bytes:
    """The 32 bytes of a public key."""
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def exchange(private: X25519PrivateKey, public: bytes) -> bytes:
    """What both sides share; a point of low order is refused."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Untrusted("open", "a public key is no good point of the curve") from None


class Context(NamedTuple):
    """One message's keys."""

    shared_secret: bytes
    secret: bytes  # key and nonce
    exporter: bytes

    def export(self, info: bytes, length: int) -> bytes:
        """A secret that both sides can make for another purpose."""
        return _labeled_expand(_SUITE, self.exporter, b"sec", info, length)


def sender(public: bytes, info: bytes, private: Optional[X25519PrivateKey] = None) -> Tuple[bytes, Context]:
    """The encapsulated key, and the context to seal with."""
    private = private or X25519PrivateKey.generate()
    enc = raw(private.public_key())
    return enc, _context(exchange(private, public), enc, public, info)


def receiver(private: X25519PrivateKey, enc: bytes, info: bytes) -> Context:
    """The context to open with."""
    return _context(exchange(private, enc), enc, raw(private.public_key()), info)


def _context(dh: bytes, enc: bytes, public: bytes, info: bytes) -> Context:
    prk = _labeled_extract(_KEM, b"", b"eae_prk", dh)
    shared = _labeled_expand(_KEM, prk, b"shared_secret", enc + public, 32)
    about = b"\x00" + _labeled_extract(_SUITE, b"", b"psk_id_hash", b"") + _labeled_extract(_SUITE, b"", b"info_hash", info)
    prk = _labeled_extract(_SUITE, shared, b"secret", b"")
    secret = _labeled_expand(_SUITE, prk, b"key", about, 32) + _labeled_expand(_SUITE, prk, b"base_nonce", about, 12)
    return Context(shared, secret, _labeled_expand(_SUITE, prk, b"exp", about, 32))


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + secret)


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)
