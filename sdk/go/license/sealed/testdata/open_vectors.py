"""Opens the vectors of the sealed transports, and refuses the wrong ones.

docs/formats/license-transport.md in Python, with python3-cryptography: it shares
nothing with the Go package. The parts "psk", "hpke" and "signatures" are what a client
or a server in another language needs.
"""

import base64
import hashlib
import hmac
import json
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Refused(Exception):
    pass


def sha256(data):
    return hashlib.sha256(data).digest()


def extract(salt, secret):
    return hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()


def expand(prk, info, n):
    return HKDFExpand(SHA256(), n, info).derive(prk)


def fields(*values):
    return b"".join(len(v).to_bytes(2, "big") + v for v in values)


def header_of(sealed, length, frame):
    if len(sealed) < length + frame + 16 or sealed[0] != 1:
        raise Refused("format")
    return sealed[:length]


def decrypt(secret, text, aad):
    try:
        return AESGCM(secret[:32]).decrypt(secret[32:44], text, aad)
    except InvalidTag:
        raise Refused("open") from None


# psk

def open_psk(keys, sealed, params):
    header = header_of(sealed, 33, 64)
    key = keys.get(header[1:9])
    if key is None:
        raise Refused("key")
    prk = extract(header[9:], key)
    secret = expand(prk, b"guildhall license psk request v1", 44)
    return prk, decrypt(secret, sealed[33:], fields(header, *params))


def open_psk_answer(prk, request, sealed, params):
    header = header_of(sealed, 33, 72)
    if header[1:9] != request[1:9]:
        raise Refused("key")
    secret = expand(prk, b"guildhall license psk answer v1" + header[9:], 44)
    return decrypt(secret, sealed[33:], fields(header, *params, sha256(request)))


# hpke: RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def labeled_extract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, n):
    return expand(prk, n.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, n)


def exchange(private, public):
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:  # a point of low order
        raise Refused("open") from None


def public_of(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def open_hpke(keys, sealed, params):
    header = header_of(sealed, 41, 96)
    if header[1:9] not in keys:
        raise Refused("key")
    private, enc = X25519PrivateKey.from_private_bytes(keys[header[1:9]]), header[9:]
    eae = labeled_extract(KEM, b"", b"eae_prk", exchange(private, enc))
    shared = labeled_expand(KEM, eae, b"shared_secret", enc + public_of(private), 32)
    context = b"\x00" + labeled_extract(SUITE, b"", b"psk_id_hash", b"")
    context += labeled_extract(SUITE, b"", b"info_hash", b"guildhall license hpke v1")
    prk = labeled_extract(SUITE, shared, b"secret", b"")
    secret = labeled_expand(SUITE, prk, b"key", context, 32) + labeled_expand(SUITE, prk, b"base_nonce", context, 12)
    exporter = labeled_expand(SUITE, prk, b"exp", context, 32)
    exported = labeled_expand(SUITE, exporter, b"sec", b"guildhall license hpke answer v1", 32)
    plain = decrypt(secret, sealed[41:], fields(header, *params))
    return exported, plain[32:]


def open_hpke_answer(exported, ephemeral, request, sealed, params):
    header = header_of(sealed, 73, 72)
    if header[1:9] != request[1:9]:
        raise Refused("key")
    mixed = exchange(ephemeral, header[41:73])
    prk = extract(request[9:41] + header[9:41], exported + mixed)
    secret = expand(prk, b"guildhall license hpke answer v1", 44)
    return decrypt(secret, sealed[73:], fields(header, *params, sha256(request)))


# signatures

def check(public, text, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        raise Refused("signature") from None


def check_proof(public, params, proof, body):
    if proof == bytes(64):
        raise Refused("no_proof")
    lines = [b"guildhall license request v1", params[1], params[2], sha256(body).hex().encode()]
    check(public, b"\n".join(lines), proof)


def check_answer(keys, params, request, plain):
    key, signature, body = plain[:8], plain[8:72], plain[72:]
    if key not in keys:
        raise Refused("key")
    lines = [b"guildhall license answer v1", params[1], params[2], sha256(request).hex().encode(), sha256(body).hex().encode()]
    check(keys[key], b"\n".join(lines), signature)
    return body


def unbase64(text, length=None):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text or length not in (None, len(data)):
        raise Refused("format")
    return data


def open_configuration(root, text):
    payload, dot, signature = text.partition(".")
    if not dot:
        raise Refused("format")
    payload, signature = unbase64(payload), unbase64(signature, 64)
    check(root, b"guildhall license configuration v1\n" + payload, signature)
    return json.loads(payload)


# the vectors

MODES = {"application/json": "https", "application/vnd.guildhall.psk": "psk", "application/vnd.guildhall.hpke": "hpke"}


class Vectors:
    def __init__(self, file):
        self.__dict__.update(file)
        secrets = {m: {bytes.fromhex(k["id"]): bytes.fromhex(k["secret"]) for k in self.keys[m]} for m in ("psk", "hpke")}
        self.psk, self.hpke = secrets["psk"], secrets["hpke"]
        self.answer_keys = {bytes.fromhex(k["id"]): bytes.fromhex(k["public"]) for k in self.keys["answer"]}
        self.device = bytes.fromhex(self.keys["device"]["public"])
        self.root = bytes.fromhex(self.keys["root"]["public"])

    def open_request(self, v, wire):
        params = [v[n].encode() for n in ("method", "path", "product")]
        if any(c < 32 or c == 127 for p in params for c in p):
            raise Refused("format")
        mode, body, state = MODES.get(wire["header"].get("Content-Type")), bytes.fromhex(wire["body"]), None
        if mode is None:
            raise Refused("format")
        if mode == "https":
            proof = unbase64(wire["header"].get("Guildhall-Proof", "A" * 86), 64)
        else:
            state, plain = (open_psk if mode == "psk" else open_hpke)(getattr(self, mode), body, params)
            proof, body = plain[:64], plain[64:]
        return params, state, proof, body

    def open_answer(self, e, wire):
        params, state, _, request = self.open_request(e, e["request"]["wire"])
        body, sent = bytes.fromhex(wire["body"]), bytes.fromhex(e["request"]["wire"]["body"])
        if MODES.get(wire["header"].get("Content-Type")) != e["mode"]:
            raise Refused("format")
        if e["mode"] == "https":
            if not {"Guildhall-Key", "Guildhall-Signature"} <= wire["header"].keys():
                raise Refused("signature")
            plain = unbase64(wire["header"]["Guildhall-Key"], 8) + unbase64(wire["header"]["Guildhall-Signature"], 64) + body
        elif e["mode"] == "psk":
            plain = open_psk_answer(state, sent, body, params)
        else:
            ephemeral = X25519PrivateKey.from_private_bytes(bytes.fromhex(e["request"]["random"]["ephemeral_private"]))
            plain = open_hpke_answer(state, ephemeral, sent, body, params)
        return check_answer(self.answer_keys, params, request, plain).decode()


def refused(v, what):
    try:
        what()
    except Refused as e:
        assert str(e) == v["error"], f"{v['name']}: {e}, and not {v['error']}"
        return 1
    raise AssertionError(f"{v['name']}: taken, although {v['wrong']}")


def main(path):
    with open(path, encoding="utf-8") as f:
        v = Vectors(json.load(f))
    opened = no = 0
    for e in v.exchanges:
        params, _, proof, body = v.open_request(e, e["request"]["wire"])
        assert body.decode() == e["request"]["body"], e["name"]
        if "signature" in e["request"]:
            check_proof(v.device, params, proof, body)
        else:
            assert proof == bytes(64), e["name"]
        assert v.open_answer(e, e["answer"]["wire"]) == e["answer"]["body"], e["name"]
        opened += 1
    for b in v.bad_requests:
        def request(b=b):
            params, _, proof, body = v.open_request(b, b["wire"])
            check_proof(v.device, params, proof, body)
        no += refused(b, request)
    exchanges = {e["name"]: e for e in v.exchanges}
    for b in v.bad_answers:
        no += refused(b, lambda b=b: v.open_answer(exchanges[b["exchange"]], b["wire"]))
    for c in v.configurations:
        if "error" not in c:
            got = open_configuration(v.root, c["text"])
            assert all(got[k] == want for k, want in c["payload"].items()), c["name"]
            opened += 1
        elif c["error"] == "signature":
            no += refused(c, lambda c=c: open_configuration(v.root, c["text"]))
    print(f"as it should be: {opened} opened, {no} refused")


main(sys.argv[1])
