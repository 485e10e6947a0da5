"""The server's side of the transport, for tests: it opens requests and seals answers."""

from __future__ import annotations

import hashlib
import os
from typing import Callable, Dict, Mapping, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from guildhall_license import hpke, signing, transport
from guildhall_license.encoding import read64, text64
from guildhall_license.errors import Untrusted
from guildhall_license.signing import NO_PROOF, Params, Signed

MODES = {media: mode for mode, media in transport.MEDIA_TYPES.items()}


class Opened(NamedTuple):
    """A request, and what seals its answer into headers and body."""

    proof: bytes
    body: bytes
    replay: bytes
    seal: Callable[[Signed], "tuple[Dict[str, str], bytes]"]


def open_request(keys: Mapping[str, Mapping[bytes, bytes]], params: Params, headers: Mapping[str, str], sent: bytes) -> Opened:
    params.check()
    mode = MODES.get(headers.get("Content-Type", ""))
    if mode is None:
        raise Untrusted("format", "no mode has this media type")
    media = {"Content-Type": transport.MEDIA_TYPES[mode]}
    if mode == transport.HTTPS:
        text = headers.get("Guildhall-Proof")
        proof = NO_PROOF if text is None else read64(text, 64)
        return Opened(proof, sent, b"", lambda a: (dict(media, **{"Guildhall-Key": text64(a.key_id), "Guildhall-Signature": text64(a.signature)}), a.body))
    header = transport.header_of(sent, *((33, 64) if mode == transport.PSK else (41, 96)))
    secret = keys[mode].get(header[1:9])
    if secret is None:
        raise Untrusted("key", "unknown key")
    if mode == transport.PSK:
        prk = hpke.extract(header[9:], secret)
        plain = hpke.decrypt(hpke.expand(prk, transport.PSK_REQUEST, 44), sent[33:], params.aad(header))

        def seal_psk(a: Signed) -> "tuple[Dict[str, str], bytes]":
            head = header[:9] + os.urandom(24)
            aad = params.aad(head, hashlib.sha256(sent).digest())
            return media, head + hpke.encrypt(hpke.expand(prk, transport.PSK_ANSWER + head[9:], 44), b"".join(a), aad)

        return Opened(plain[:64], plain[64:], header[9:], seal_psk)
    context = hpke.receiver(X25519PrivateKey.from_private_bytes(secret), header[9:], transport.HPKE_INFO)
    plain = hpke.decrypt(context.secret, sent[41:], params.aad(header))

    def seal(a: Signed) -> "tuple[Dict[str, str], bytes]":
        own = X25519PrivateKey.generate()
        head = header[:9] + os.urandom(32) + hpke.raw(own.public_key())
        secret = transport.hpke_answer_secret(context, header[9:], head, hpke.exchange(own, plain[:32]))
        return media, head + hpke.encrypt(secret, b"".join(a), params.aad(head, hashlib.sha256(sent).digest()))

    return Opened(plain[32:96], plain[96:], hashlib.sha256(header[9:]).digest(), seal)


def check_proof(public: bytes, params: Params, request: Opened) -> None:
    if request.proof == NO_PROOF:
        raise Untrusted("no_proof", "there is no proof")
    signing.verify(public, signing.request_text(params, request.body), request.proof)


def sign_answer(key_id: bytes, key: Ed25519PrivateKey, params: Params, request: bytes, answer: bytes) -> Signed:
    return Signed(key_id, key.sign(signing.answer_text(params, request, answer)), answer)
