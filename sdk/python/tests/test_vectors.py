"""The vectors that the clients of all languages read."""

from __future__ import annotations

import json
import pathlib
import unittest
from typing import Any, Dict, List, Tuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from guildhall_license import configuration, fingerprint, hpke, signing, transport
from guildhall_license.encoding import read_time, text64
from guildhall_license.errors import Untrusted
from guildhall_license.signing import NO_PROOF, Params

from . import serverside

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors"


def load(name: str) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return found


def private(text: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(text))


class Transport(unittest.TestCase):
    file: Dict[str, Any]
    secrets: Dict[str, Dict[bytes, bytes]]
    publics: Dict[bytes, bytes]
    device: bytes
    device_key: Ed25519PrivateKey
    root: bytes

    @classmethod
    def setUpClass(cls) -> None:
        cls.file = load("license-transport.json")
        keys = cls.file["keys"]
        cls.secrets = {mode: {bytes.fromhex(k["id"]): bytes.fromhex(k["secret"]) for k in keys[mode]} for mode in ("psk", "hpke")}
        cls.publics = {bytes.fromhex(k["id"]): bytes.fromhex(k["public"]) for kind in ("hpke", "answer") for k in keys[kind]}
        cls.device = bytes.fromhex(keys["device"]["public"])
        cls.device_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys["device"]["secret"]))
        cls.root = bytes.fromhex(keys["root"]["public"])

    def answer_key(self, key_id: bytes) -> bytes:
        listed = [bytes.fromhex(k["id"]) for k in self.file["keys"]["answer"]]
        if key_id not in listed:
            raise Untrusted("key", "not listed")
        return self.publics[key_id]

    def make(self, e: Dict[str, Any]) -> transport.Exchange:
        """The request of an exchange, with the randomness that it had."""
        params, request, body = params_of(e), e["request"], e["request"]["body"].encode()
        proof = signing.prove(self.device_key, params, body) if "signature" in request else None
        random = request.get("random", {})
        if e["mode"] == transport.HTTPS:
            return transport.https(params, proof, body)
        key_id = bytes.fromhex(e["key_id"])
        if e["mode"] == transport.PSK:
            return transport.psk(params, proof, body, key_id, self.secrets["psk"][key_id], salt=bytes.fromhex(random["salt"]))
        return transport.sealed(params, proof, body, key_id, self.publics[key_id],
                                enc_private=private(random["enc_private"]), ephemeral=private(random["ephemeral_private"]))

    def open_answer(self, e: Dict[str, Any], wire: Dict[str, Any]) -> str:
        signed = self.make(e).open(wire["header"], bytes.fromhex(wire["body"]))
        return signing.verified(self.answer_key, params_of(e), e["request"]["body"].encode(), signed).decode()

    def test_requests_are_made_byte_for_byte(self) -> None:
        for e in self.file["exchanges"]:
            with self.subTest(e["name"]):
                made, wire = self.make(e), e["request"]["wire"]
                self.assertEqual(made.headers, wire["header"])
                self.assertEqual(made.body.hex(), wire["body"])
                if "signed_text" in e["request"]:
                    self.assertEqual(signing.request_text(params_of(e), e["request"]["body"].encode()).decode(), e["request"]["signed_text"])

    def test_what_hpke_shares_and_exports(self) -> None:
        for e in self.file["exchanges"]:
            if e["mode"] != transport.HPKE:
                continue
            with self.subTest(e["name"]):
                steps = e["request"]["steps"]
                _, c = hpke.sender(self.publics[bytes.fromhex(e["key_id"])], transport.HPKE_INFO, private(e["request"]["random"]["enc_private"]))
                self.assertEqual((c.shared_secret.hex(), c.secret.hex()), (steps["shared_secret"], steps["key"] + steps["nonce"]))
                self.assertEqual(c.export(transport.HPKE_ANSWER, 32).hex(), steps["exported"])

    def test_requests_open(self) -> None:
        for e in self.file["exchanges"]:
            with self.subTest(e["name"]):
                wire = e["request"]["wire"]
                got = serverside.open_request(self.secrets, params_of(e), wire["header"], bytes.fromhex(wire["body"]))
                self.assertEqual(got.body.decode(), e["request"]["body"])
                self.assertEqual(got.replay.hex(), e.get("replay_identity", ""))
                if "signature" in e["request"]:
                    serverside.check_proof(self.device, params_of(e), got)
                else:
                    self.assertEqual(got.proof, NO_PROOF)

    def test_answers_open(self) -> None:
        for e in self.file["exchanges"]:
            with self.subTest(e["name"]):
                self.assertEqual(self.open_answer(e, e["answer"]["wire"]), e["answer"]["body"])

    def test_bad_requests(self) -> None:
        for v in self.file["bad_requests"]:
            with self.subTest(v["name"]), self.assertRaises(Untrusted) as refused:
                got = serverside.open_request(self.secrets, params_of(v), v["wire"]["header"], bytes.fromhex(v["wire"]["body"]))
                serverside.check_proof(self.device, params_of(v), got)
            self.assertEqual(refused.exception.reason, v["error"], v["name"])

    def test_bad_answers(self) -> None:
        exchanges = {e["name"]: e for e in self.file["exchanges"]}
        for v in self.file["bad_answers"]:
            with self.subTest(v["name"]), self.assertRaises(Untrusted) as refused:
                self.open_answer(exchanges[v["exchange"]], v["wire"])
            self.assertEqual(refused.exception.reason, v["error"], v["name"])

    def test_configurations(self) -> None:
        for v in self.file["configurations"]:
            with self.subTest(v["name"]):
                try:
                    got = configuration.read(self.root, v["product"], v["known_serial"], v["text"])
                    got.fresh(read_time(v["now"]))
                except Untrusted as e:
                    self.assertEqual(e.reason, v.get("error"), f"{v['name']}: {e}")
                    continue
                self.assertNotIn("error", v, v.get("wrong"))
                want = v["payload"]
                self.assertEqual((got.product, got.serial, list(got.addresses)), (want["product"], want["serial"], want["addresses"] or []))
                for key in ("answer_keys", "hpke_keys"):
                    self.assertEqual([text64(k.id) for k in getattr(got, key)], [k["id"] for k in want[key] or []])

    def test_bounds(self) -> None:
        params = Params("POST", "/v1/time", "p")
        transport.https(params, None, bytes(transport.MAX_BODY))
        with self.assertRaises(Untrusted):
            transport.https(params, None, bytes(transport.MAX_BODY + 1))
        for path in ("", "/a\nb", "/" + "a" * 1024):
            with self.assertRaises(Untrusted):
                transport.https(params._replace(path=path), None, b"")


class Fingerprints(unittest.TestCase):
    def test_digests(self) -> None:
        file = load("fingerprint.json")
        self.assertEqual((dict(fingerprint.WEIGHTS), fingerprint.SHARE), (file["weights"], file["share"]))
        for v in file["digests"]:
            with self.subTest(v["value"]):
                self.assertEqual(fingerprint.digest(v["product"], v["kind"], v["value"]), v["digest"])

    def test_components_are_named_and_kept_once(self) -> None:
        got = fingerprint.components("acme", [("disk", "a1"), ("disk", "A1"), ("disk", "b2"), ("mac", "02:42:ac:11:00:02")])
        self.assertEqual(got, {"disk": fingerprint.digest("acme", "disk", "a1"), "disk#2": fingerprint.digest("acme", "disk", "b2")})
        self.assertEqual(len(fingerprint.components("acme", [("disk", f"a{n}") for n in range(20)])), fingerprint.MAX_OF_KIND)

    def test_same_machine(self) -> None:
        whole = {"tpm": "t", "dmi_uuid": "d", "machine_id": "m", "disk": "k", "mac": "a"}
        cases: List[Tuple[Dict[str, str], bool]] = [
            (whole, True), ({**whole, "mac": "b", "disk": "l"}, True), ({"dmi_uuid": "d", "machine_id": "m", "disk": "k"}, True),
            ({"tpm": "t", "disk": "k"}, False), ({}, False),
        ]
        for shown, same in cases:
            self.assertIs(fingerprint.same_machine(whole, shown), same, shown)
        self.assertFalse(fingerprint.same_machine({}, whole))
        self.assertTrue(fingerprint.same_machine({"mac": "a", "mac#2": "b"}, {"mac": "b", "mac#2": "a"}))


def params_of(v: Dict[str, Any]) -> Params:
    return Params(v["method"], v["path"], v["product"])


if __name__ == "__main__":
    unittest.main()
