"""Offline licences against the vectors that the Go package passes, too."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from dataclasses import replace
from typing import Any, Dict
from datetime import datetime, timedelta, timezone

from guildhall_license import clock, fingerprint, offline
from guildhall_license.encoding import text64

HERE = os.path.dirname(os.path.abspath(__file__))


def load() -> Dict[str, Any]:
    with open(os.path.join(HERE, "..", "..", "vectors", "offline-licence.json"), encoding="utf-8") as file:
        found: Dict[str, Any] = json.load(file)
        return found


class Vectors(unittest.TestCase):
    def setUp(self) -> None:
        self.file = load()

    def program(self, reader: Dict[str, Any]) -> offline.Program:
        issuers = [self.file["issuers"][n] for n in reader["issuers"]]
        keys = offline.KeySet(reader["product"], {i["kid"]: bytes.fromhex(i["public_hex"]) for i in issuers})
        return offline.Program(keys, reader["version"], reader["module"], reader["users"], reader["components"] or {})

    def test_licences(self) -> None:
        for v in self.file["licences"]:
            with self.subTest(v["name"]):
                now = datetime.strptime(v["reader"]["now"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
                try:
                    got = offline.verify(v["text"], self.program(v["reader"]), now)
                except offline.OfflineRefused as e:
                    self.assertEqual(e.code, v.get("code"))
                    continue
                self.assertNotIn("code", v)
                self.assertEqual(got.node, v.get("node", ""))
                self.assertEqual(offline.inspect(v["text"]).id, got.id)

    def test_secrets(self) -> None:
        licences = {v["name"]: v for v in self.file["licences"]}
        for s in self.file["secrets"]:
            with self.subTest(s["name"]), tempfile.TemporaryDirectory() as folder:
                v = licences[s["licence"]]
                now = datetime.strptime(v["reader"]["now"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
                licence = offline.verify(v["text"], self.program(v["reader"]), now)
                try:
                    if "install_key" in s:
                        path = os.path.join(folder, "install.key")
                        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                            file.write(self.file["install_keys"][s["install_key"]]["file"])
                        self.assertEqual(offline.install_key_public(path), self.file["install_keys"][s["install_key"]]["public"])
                        secret = licence.secret(path)
                    else:
                        secret = licence.secret_by_code(s["typed_code"])
                except offline.OfflineRefused as e:
                    self.assertEqual(e.code, s.get("code"))
                    continue
                self.assertEqual(secret.decode(), s.get("secret"))

    def test_whatever_is_pasted_is_refused_in_order(self) -> None:
        good = self.file["licences"][0]
        program = self.program(good["reader"])
        for n in range(0, len(good["text"]), 7):
            for text in (good["text"][:n], good["text"][:n] + "\x00" + good["text"][n + 1:], good["text"][n:]):
                with self.assertRaises(offline.OfflineRefused):
                    offline.verify(text, program, offline.utc_now())

    def test_key_set(self) -> None:
        issuer = self.file["issuers"]["new"]
        text = json.dumps({"v": 1, "product": "meter", "keys": [{"id": issuer["kid"], "public": text64(bytes.fromhex(issuer["public_hex"]))}]})
        self.assertEqual(list(offline.KeySet.parse(text).keys), [issuer["kid"]])
        for bad in ("", "[]", "{}", text.replace(issuer["kid"], "0" * 16), text.replace('"v": 1', '"v": 2')):
            with self.assertRaises(offline.OfflineRefused) as refused:
                offline.KeySet.parse(bad)
            self.assertEqual(refused.exception.code, "key_file")

    def test_install_key_that_others_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "install.key")
            with open(path, "w", encoding="ascii") as file:
                file.write(self.file["install_keys"]["node-1"]["file"])
            os.chmod(path, 0o644)
            with self.assertRaises(offline.OfflineRefused) as refused:
                offline.install_key_public(path)
            self.assertEqual(refused.exception.code, "key_file")


class Check(unittest.TestCase):
    def setUp(self) -> None:
        file = load()
        secret = next(s for s in file["secrets"] if "install_key" in s and "secret" in s)
        licence = next(v for v in file["licences"] if v["name"] == secret["licence"])
        reader = licence["reader"]
        issuers = [file["issuers"][n] for n in reader["issuers"]]
        keys = offline.KeySet(reader["product"], {i["kid"]: bytes.fromhex(i["public_hex"]) for i in issuers})
        self.program = offline.Program(keys, reader["version"], reader["module"], reader["users"], reader["components"] or {})
        self.text, self.secret = licence["text"], secret["secret"]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.install_key = folder.name, os.path.join(folder.name, "install.key")
        with open(os.open(self.install_key, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
            out.write(file["install_keys"][secret["install_key"]]["file"])
        self.now = datetime.strptime(reader["now"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        self.watch = clock.Options((os.path.join(self.folder, "a"), os.path.join(self.folder, "b")), b"a constant of the program",
                                   now=lambda: self.now, boot=lambda: ("", timedelta(0)))

    def refused(self, code: str, **differs: Any) -> offline.OfflineRefused:
        options: Dict[str, Any] = {"text": self.text, "program": self.program, "watch": self.watch, "install_key": self.install_key, **differs}
        with self.assertRaises(offline.OfflineRefused) as refused:
            offline.check(**options)
        self.assertEqual(refused.exception.code, code)
        return refused.exception

    def test_it_is_the_whole_question(self) -> None:
        began = self.now
        with offline.check(self.text, self.program, self.watch, self.install_key) as standing:
            self.assertEqual((standing.reading.level, standing.secret().decode()), (clock.Level.OK, self.secret))
            self.assertEqual(standing.again().level, clock.Level.OK)
            self.now = standing.licence.expires_at
            with self.assertRaises(offline.OfflineRefused) as refused:
                standing.again()
            self.assertEqual(refused.exception.code, "expired")
        self.now = began  # set back: the mark stays where it was
        reading = self.refused("expired").reading
        assert reading is not None
        self.assertEqual(reading.code, "clock_back")

    def test_what_refuses(self) -> None:
        product = self.program.keys.product
        self.refused("key_unknown", program=replace(self.program, keys=offline.KeySet(product, {"0" * 16: bytes(32)})))
        self.refused("module_missing", program=replace(self.program, module="none"))
        self.refused("machine_other", program=replace(self.program, components=fingerprint.components(product, [("dongle", "7")])))
        self.refused("state_unwritable", watch=replace(self.watch, files=("/proc/none/a", "/proc/none/b")))
        self.refused("key_file", install_key=os.path.join(self.folder, "none", "install.key"))
        self.now -= timedelta(days=3000)
        moment = timedelta(microseconds=1)
        self.refused("clock_back", watch=replace(self.watch, warn=moment, grace=moment))

    def test_files_in_each_others_place(self) -> None:
        request, keys = '{"v": 1, "nonce": "x"}', '{"v": 1, "keys": []}'
        with open(self.install_key, encoding="ascii") as file:
            install_key = file.read()
        for given, name in ((request, "a request"), (keys, "a file of public keys"), (install_key, "an install key, which"), ("-----BEGIN PRIVATE KEY-----\n", "a private key, which")):
            with self.subTest(name):
                self.assertIn(f"This is {name}", str(self.refused("malformed", text=given)))
        for given, name in ((request, "a request"), (self.text, "a licence")):
            with self.subTest(name):
                with self.assertRaisesRegex(offline.OfflineRefused, f"This is {name}, and no file of public keys"):
                    offline.KeySet.parse(given)
                with open(self.install_key, "w", encoding="utf-8") as out:
                    out.write(given)
                self.assertIn(f"holds {name}, and no install key", str(self.refused("key_file")))

    def test_without_an_install_key(self) -> None:
        with offline.check(self.text, self.program, self.watch) as standing, self.assertRaises(offline.OfflineRefused) as refused:
            standing.secret()
        self.assertEqual(refused.exception.code, "secret_missing")

    def test_a_new_machine_makes_its_install_key(self) -> None:
        path = os.path.join(self.folder, "new.key")
        self.refused("machine_other", install_key=path, program=replace(self.program, components={}))
        public = offline.install_key_public(path)
        self.refused("machine_other", install_key=path, program=replace(self.program, components={}))
        self.assertEqual(offline.install_key_public(path), public)


if __name__ == "__main__":
    unittest.main()
