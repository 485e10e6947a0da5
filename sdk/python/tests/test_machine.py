"""What machines said, and that this one says something too."""

from __future__ import annotations

import os
import pathlib
import tempfile
import unittest
from typing import Dict, List

from guildhall_license import SetupError, collect, fingerprint, machine

from .test_vectors import load

GO = pathlib.Path(__file__).resolve().parents[2] / "go" / "license" / "fingerprint"


class Recordings(unittest.TestCase):
    def setUp(self) -> None:
        self.all = load("machines.json")

    def check(self, name: str, got: List[machine.Part], parts: List[List[str]], components: Dict[str, str]) -> None:
        # A byte that was no UTF-8 is one replacement character elsewhere.
        texts = [[kind, "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)] for kind, value in got]
        self.assertEqual(texts, parts, name)
        self.assertEqual(fingerprint.components("acme", got), components, name)

    def test_linux(self) -> None:
        for v in self.all["linux"]:
            with tempfile.TemporaryDirectory() as root:
                tree(root, v["files"])
                self.check(v["name"], machine.linux_parts(root, v["root"]), v["parts"], v["components"])

    def test_windows(self) -> None:
        for v in self.all["windows"]:
            self.check(v["name"], machine.windows_parts(v["printed"].encode("latin-1")), v["parts"], v["components"])

    def test_macos(self) -> None:
        for v in self.all["darwin"]:
            got = machine.darwin_parts(*(v[name].encode("latin-1") for name in ("board", "ports", "disks")))
            self.check(v["name"], got, v["parts"], v["components"])

    def test_windows_is_asked_the_same_by_go(self) -> None:
        self.assertIn(f"`{machine.WINDOWS_SCRIPT}`", (GO / "collect_windows.go").read_text(encoding="utf-8"))


def tree(root: str, files: Dict[str, str]) -> None:
    """Makes files below a directory; a text that begins with -> is a link."""
    for name in sorted(files):  # a link before what is behind it
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if files[name].startswith("->"):
            target = os.path.join(root, files[name][2:])
            os.makedirs(target, exist_ok=True)
            os.symlink(target, path)
        else:
            pathlib.Path(path).write_bytes(files[name].encode("latin-1"))


class ThisMachine(unittest.TestCase):
    def test_it_is_the_same_each_time(self) -> None:
        found = collect("acme", install_key="q7-_Xy")
        fingerprint.check(found)
        self.assertEqual(found["install_key"], fingerprint.digest("acme", "install_key", "q7-_Xy"))
        self.assertEqual(found, collect("acme", install_key="q7-_Xy"))

    def test_programs_of_the_system_that_fail_are_nothing(self) -> None:
        for command in (["/nowhere/ioreg"], ["/bin/false"], ["/bin/sh", "-c", "echo some; exit 3"]):
            self.assertEqual(machine._output(command), b"")


class Malformed(unittest.TestCase):
    def test_it_is_told_at_once(self) -> None:
        good = "d" * 43
        fingerprint.check({"mac": good, "mac#8": "e" * 43, "dongle": good})
        for wrong, says in (
            ({"machine_id": "4c1b2a39d8e7465f9a0b1c2d3e4f5a6b"}, "machine_id has no digest"), ({"mac": good + "\n"}, "mac has no digest"),
            ({"MAC": good}, "'MAC' is no name"), ({"mac#1": good}, "no name"), ({"mac#9": good}, "no name"), ({"mac": good, "mac#2": good}, "the same digest"),
            ({f"kind{n}": good for n in range(33)}, "33 components"),
        ):
            with self.subTest(says), self.assertRaisesRegex(SetupError, says):
                fingerprint.check(wrong)


if __name__ == "__main__":
    unittest.main()
