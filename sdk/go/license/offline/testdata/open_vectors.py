"""Verifies the licences of the vectors, opens their parts, and refuses the wrong ones.

docs/formats/offline-licence.md in Python, with python3-cryptography: it shares nothing
with the Go package. It says how many of each it looked at.
"""

import base64
import datetime
import hashlib
import hmac
import json
import re
import sys
import unicodedata

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WEIGHTS = {"tpm": 3, "install_key": 3, "dmi_uuid": 2, "machine_id": 2, "disk": 2, "mac": 1}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Refused(Exception):
    pass


def unbase64(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Refused("malformed")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Refused("malformed") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise Refused("malformed")
    return raw


def take_apart(text):
    """The claims, the signature and the footer of either form."""
    text = "".join(c if c == "\n" else " " if c.isspace() else c for c in text if unicodedata.category(c) != "Cf")
    if not re.search(r"BEGIN\s+GUILDHALL\s+LICENCE", text):
        parts = "".join(text.split()).split(".")
        if len(parts) != 4 or parts[:2] != ["v4", "public"]:
            raise Refused("malformed")
        payload, footer = unbase64(parts[2]), unbase64(parts[3])
    else:
        lines = re.search(r"BEGIN\s+GUILDHALL\s+LICENCE(.*?)\W*END\s+GUILDHALL\s+LICENCE", text, re.S)
        if not lines:
            raise Refused("malformed")
        raw = unarmour(re.sub(r"(?m)^[\s>|]+", "", lines[1].strip("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212 \n>|")))
        footer, payload = raw[1:1 + raw[0]], raw[1 + raw[0]:]
    if len(payload) <= 64 or len(footer) > 255:
        raise Refused("malformed")
    return payload[:-64], payload[-64:], footer


def unarmour(text):
    text, data = "".join(text.split()), ""
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    for n, line in enumerate(lines):
        last = n == len(lines) - 1
        summed = hashlib.sha256(bytes([last]) + n.to_bytes(2, "big") + line[:-4].encode()).digest()[:3]
        if base64.b64encode(summed).decode() != line[-4:]:
            raise Refused("malformed")
        data += line[:-4]
    return base64.b64decode(data, validate=True)


def pae(*pieces):
    out = len(pieces).to_bytes(8, "little")
    return out + b"".join(len(p).to_bytes(8, "little") + p for p in pieces)


def signed_for(product, claims, signature, footer, public):
    text = pae(b"v4.public.", claims, footer, b"guildhall offline licence v1\n" + product.encode())
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
        return True
    except InvalidSignature:
        return False


def verify(text, reader, keys):
    raw, signature, footer = take_apart(text)
    try:
        kid = json.loads(footer)["kid"]
    except (ValueError, KeyError):
        raise Refused("malformed") from None
    if kid not in keys:
        raise Refused("key_unknown")
    try:
        claims = json.loads(raw)
    except ValueError:
        claims = None
    if not signed_for(reader["product"], raw, signature, footer, keys[kid]):
        other = (claims or {}).get("product", "")
        raise Refused("product_other" if signed_for(other, raw, signature, footer, keys[kid]) else "signature_wrong")
    if claims is None:
        raise Refused("malformed")
    if claims["v"] != 1:
        raise Refused("version_unknown")
    if not claims.get("issued_at") or not claims.get("expires_at"):
        raise Refused("claims_wrong")
    if claims["product"] != reader["product"]:
        raise Refused("product_other")
    allow(claims, reader)
    return claims, node_of(claims["deployment"], reader["components"])


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def allow(claims, reader):
    limits, now = claims["restrictions"], moment(reader["now"])
    if any(now >= moment(end) for end in (claims["expires_at"], limits.get("valid_to")) if end):
        raise Refused("expired")
    if "valid_from" in limits and now < moment(limits["valid_from"]):
        raise Refused("not_yet_valid")
    versions = claims["deployment"].get("product_versions")
    if versions and not reader["version"]:
        raise Refused("not_said")
    if versions and not included(numbers(reader["version"]), versions):
        raise Refused("release_outside")
    if reader["module"] and reader["module"] not in claims["modules"]:
        raise Refused("module_missing")
    if 0 < limits.get("max_users", 0) < reader["users"]:
        raise Refused("too_many_users")


def numbers(version):
    return [int(n) for n in re.split(r"[-+]", version.lstrip("v"))[0].split(".")]


def included(version, versions):
    def padded(v, n):
        return (v + [0] * n)[:n]
    if "from" in versions and padded(version, 4) < padded(numbers(versions["from"]), 4):
        return False
    to = numbers(versions["to"]) if "to" in versions else []
    return padded(version, len(to)) <= to or not to


def node_of(deployment, components):
    nodes = deployment.get("nodes", [])
    if nodes and not components:
        raise Refused("not_said")
    shown = {(name.split("#")[0], digest) for name, digest in (components or {}).items()}
    for node in nodes:
        enrolled = {(name.split("#")[0], digest) for name, digest in node["components"].items()}
        whole = sum(WEIGHTS.get(kind, 0) for kind, _ in enrolled)
        same = sum(WEIGHTS.get(kind, 0) for kind, _ in enrolled & shown)
        if same >= (deployment.get("match") or 0.6) * whole - 1e-9:
            return node["name"]
    if nodes:
        raise Refused("machine_other")
    return ""


def part(claims, to, node):
    found = [s for s in claims.get("sealed", []) if s["to"] == to and s.get("node", "") == node]
    if not found:
        raise Refused("secret_missing")
    return unbase64(found[0]["data"]), (claims["license_id"] + "\n" + node).encode()


def decrypt(key, nonce, text, aad):
    try:
        return AESGCM(key).decrypt(nonce, text, aad)
    except InvalidTag:
        raise Refused("secret_closed") from None


def by_code(claims, typed):
    text = re.sub(r"[-\s]", "", typed.upper()).translate(str.maketrans("OIL", "011"))
    if len(text) != 28 or set(text) - set(CROCKFORD):
        raise Refused("code_typo")
    number = 0
    for c in text:
        number = number << 5 | CROCKFORD.index(c)
    code = (number >> 12).to_bytes(16, "big")
    if int.from_bytes(hashlib.sha256(code).digest()[:2], "big") >> 4 != number & 0xfff:
        raise Refused("code_typo")
    data, aad = part(claims, "code", "")
    info = b"guildhall offline licence code v1\n" + claims["product"].encode()
    return decrypt(HKDF(SHA256(), 32, data[:16], info).derive(code), bytes(12), data[16:], aad)


def by_key(claims, node, file):
    """HPKE, base mode: RFC 9180, sections 4.1 and 5.1."""
    data, aad = part(claims, "install_key", node)
    private = X25519PrivateKey.from_private_bytes(unbase64(file.strip().split(":")[1]))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    enc = data[:32]

    def extract(suite, salt, label, secret):
        return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + secret, hashlib.sha256).digest()

    def expand(suite, prk, label, info, n):
        return HKDFExpand(SHA256(), n, n.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info).derive(prk)

    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    dh = private.exchange(X25519PublicKey.from_public_bytes(enc))
    shared = expand(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + public, 32)
    info = b"guildhall offline licence secret v1\n" + claims["product"].encode()
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    return decrypt(expand(suite, secret, b"key", context, 32), expand(suite, secret, b"base_nonce", context, 12), data[32:], aad)


def outcome(call, *args):
    try:
        return call(*args), ""
    except Refused as refused:
        return None, str(refused)


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    opened = {}
    for v in vectors["licences"]:
        keys = {vectors["issuers"][n]["kid"]: bytes.fromhex(vectors["issuers"][n]["public_hex"]) for n in v["reader"]["issuers"]}
        got, code = outcome(verify, v["text"], v["reader"], keys)
        if code != v.get("code", "") or got and got[1] != v.get("node", ""):
            sys.exit("licence %s: %s %s" % (v["name"], code, got))
        opened[v["name"]] = got
    for s in vectors["secrets"]:
        claims, node = opened[s["licence"]]
        if "install_key" in s:
            secret, code = outcome(by_key, claims, node, vectors["install_keys"][s["install_key"]]["file"])
        else:
            secret, code = outcome(by_code, claims, s["typed_code"])
        if code != s.get("code", "") or (secret or b"").decode() != s.get("secret", ""):
            sys.exit("secret %s: %s %s" % (s["name"], code, secret))
    print("as it should be: %d licences, %d secrets" % (len(vectors["licences"]), len(vectors["secrets"])))


main(sys.argv[1])
