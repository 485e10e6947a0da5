"""Offline licences against the vectors that the Go package passes, too."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from typing import Any, Dict
from datetime import datetime, timezone

from guildhall_license import offline
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


if __name__ == "__main__":
    unittest.main()
