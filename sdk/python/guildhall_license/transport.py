"""The three modes of docs/formats/license-transport.md, a client's side.

Each makes an Exchange: what to send, and how to open what comes back. What comes out is
still to be verified (signing.verified) before anybody looks into it.
"""

from __future__ import annotations

import hashlib
import os
from typing import Callable, Dict, Mapping, NamedTuple, Optional

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from . import hpke
from .encoding import read64, text64
from .errors import Untrusted
from .signing import NO_PROOF, Params, Signed

HTTPS, PSK, HPKE = "https", "psk", "hpke"
MEDIA_TYPES = {HTTPS: "application/json", PSK: "application/vnd.guildhall.psk", HPKE: "application/vnd.guildhall.hpke"}
MAX_BODY = 256 << 10  # of the JSON
MAX_SEALED = MAX_BODY + 161

PSK_REQUEST, PSK_ANSWER = b"guildhall license psk request v1", b"guildhall license psk answer v1"
HPKE_INFO, HPKE_ANSWER = b"guildhall license hpke v1", b"guildhall license hpke answer v1"


class Exchange(NamedTuple):
    """A request as it goes over the wire, and how its answer is opened."""

    headers: Dict[str, str]
    body: bytes
    open: Callable[[Mapping[str, str], bytes], Signed]


def https(params: Params, proof: Optional[bytes], body: bytes) -> Exchange:
    """The JSON as it is: TLS hides it."""
    _check(params, body)
    headers = {"Content-Type": MEDIA_TYPES[HTTPS]}
    if proof is not None:
        headers["Guildhall-Proof"] = text64(proof)

    def open_answer(got: Mapping[str, str], answer: bytes) -> Signed:
        _media_type(got, HTTPS)
        key, signature = got.get("Guildhall-Key"), got.get("Guildhall-Signature")
        if not key or not signature:
            raise Untrusted("signature", "the answer is not signed")
        return _bounded(Signed(read64(key, 8), read64(signature, 64), answer))

    return Exchange(headers, body, open_answer)


def psk(params: Params, proof: Optional[bytes], body: bytes, key_id: bytes, key: bytes, *, salt: Optional[bytes] = None) -> Exchange:
    """Sealed under a key that both sides hold. Nobody chooses the salt but tests."""
    _check(params, body)
    header = b"\x01" + key_id + (salt or os.urandom(24))
    prk = hpke.extract(header[9:], key)
    text = hpke.encrypt(hpke.expand(prk, PSK_REQUEST, 44), (proof or NO_PROOF) + body, params.aad(header))
    sent = header + text

    def open_answer(got: Mapping[str, str], answer: bytes) -> Signed:
        _media_type(got, PSK)
        head = header_of(answer, 33, 72)
        _same_key(head, sent)
        secret = hpke.expand(prk, PSK_ANSWER + head[9:], 44)
        return _split(hpke.decrypt(secret, answer[33:], params.aad(head, hashlib.sha256(sent).digest())))

    return Exchange({"Content-Type": MEDIA_TYPES[PSK]}, sent, open_answer)


def sealed(params: Params, proof: Optional[bytes], body: bytes, key_id: bytes, public: bytes, *,
           enc_private: Optional[X25519PrivateKey] = None, ephemeral: Optional[X25519PrivateKey] = None) -> Exchange:
    """Sealed to a public key of the server. Nobody chooses the private keys but tests."""
    _check(params, body)
    own = ephemeral or X25519PrivateKey.generate()
    enc, context = hpke.sender(public, HPKE_INFO, enc_private)
    header = b"\x01" + key_id + enc
    plain = hpke.raw(own.public_key()) + (proof or NO_PROOF) + body
    sent = header + hpke.encrypt(context.secret, plain, params.aad(header))

    def open_answer(got: Mapping[str, str], answer: bytes) -> Signed:
        _media_type(got, HPKE)
        head = header_of(answer, 73, 72)
        _same_key(head, sent)
        secret = hpke_answer_secret(context, enc, head, hpke.exchange(own, head[41:]))
        return _split(hpke.decrypt(secret, answer[73:], params.aad(head, hashlib.sha256(sent).digest())))

    return Exchange({"Content-Type": MEDIA_TYPES[HPKE]}, sent, open_answer)


def hpke_answer_secret(context: hpke.Context, enc: bytes, head: bytes, shared: bytes) -> bytes:
    """Key and nonce of an answer: whoever steals the server's key later lacks `shared`."""
    prk = hpke.extract(enc + head[9:41], context.export(HPKE_ANSWER, 32) + shared)
    return hpke.expand(prk, HPKE_ANSWER, 44)


def header_of(message: bytes, length: int, frame: int) -> bytes:
    """The first bytes of a sealed message of version 1 that can hold its frame."""
    if not length + frame + 16 <= len(message) <= MAX_SEALED:
        raise Untrusted("format", f"a sealed message of {len(message)} bytes is too short or too long")
    if message[0] != 1:
        raise Untrusted("format", f"a sealed message has version {message[0]}; this program knows 1")
    return message[:length]


def _check(params: Params, body: bytes) -> None:
    params.check()
    if len(body) > MAX_BODY:
        raise Untrusted("format", f"the request has {len(body)} bytes, and {MAX_BODY} are the most")


def _media_type(headers: Mapping[str, str], mode: str) -> None:
    got = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if got != MEDIA_TYPES[mode]:
        raise Untrusted("format", f"the answer is of the media type {got!r:.60} and not {MEDIA_TYPES[mode]}")


def _same_key(head: bytes, sent: bytes) -> None:
    if head[1:9] != sent[1:9]:
        raise Untrusted("key", "the answer is sealed under another key than the request")


def _split(plain: bytes) -> Signed:
    return _bounded(Signed(plain[:8], plain[8:72], plain[72:]))


def _bounded(answer: Signed) -> Signed:
    if len(answer.body) > MAX_BODY:
        raise Untrusted("format", f"the answer has {len(answer.body)} bytes, and {MAX_BODY} are the most")
    return answer
