"""Files: lists and downloads."""

from __future__ import annotations

import os
import tempfile
import unittest
from typing import List, Tuple

from guildhall_license import Client, Refused, Unreachable, Untrusted

from .fakeserver import CARD, FakeServer


class Downloads(unittest.TestCase):
    def setUp(self) -> None:
        self.server = FakeServer()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "data.bin")
        self.client = Client(self.server.kit(), os.path.join(folder.name, "state.json"), CARD, version="9", clock=lambda: self.server.now)

    def part(self, content: bytes) -> None:
        with open(self.path + ".part", "wb") as f:
            f.write(content)

    def arrived(self) -> None:
        with open(self.path, "rb") as f:
            self.assertEqual(f.read(), self.server.content)
        self.assertFalse(os.path.exists(self.path + ".part"))

    def test_the_list(self) -> None:
        files = self.client.files()
        self.assertEqual([(f.id, f.version, f.name, f.size) for f in files], [("fil_1", "2.1", "data.bin", 10_000)])
        self.assertEqual(self.client.files("2.2"), ())

    def test_it_goes_on_where_it_broke_off(self) -> None:
        told: List[Tuple[int, int]] = []
        self.client.download(self.client.files()[0], self.path, lambda done, size: told.append((done, size)))
        self.arrived()
        self.assertEqual([r for _, r, _ in self.server.asked], [None, "bytes=4000-", "bytes=8000-"])
        self.assertEqual((told[0], told[-1]), ((0, 10_000), (10_000, 10_000)))

    def test_it_goes_on_after_the_program_ended(self) -> None:
        self.part(self.server.content[:9000])
        file = self.client.files()[0]
        self.client.download(file, self.path)
        self.arrived()
        self.assertEqual(self.server.asked, [("ticket-1", "bytes=9000-", f'"{file.sha256}"')])

    def test_a_part_of_another_file(self) -> None:
        for content in (b"x" * 5000, b"x" * 10_000, b"x" * 20_000):
            self.part(content)
            self.client.download(self.client.files()[0], self.path)
            self.arrived()

    def test_a_new_ticket(self) -> None:
        file = self.client.files()[0]
        self.server.ticket = "ticket-2"
        self.client.download(file, self.path)
        self.arrived()

    def test_a_file_that_is_gone(self) -> None:
        file = self.client.files()[0]._replace(id="fil_2", ticket="ticket-0")
        with self.assertRaises(Refused) as refused:
            self.client.download(file, self.path)
        self.assertEqual(refused.exception.code, "file_not_found")

    def test_a_card_that_is_revoked(self) -> None:
        file = self.client.files()[0]._replace(ticket="ticket-0")
        self.server.fields = {"verdict": "refused", "code": "card_revoked"}
        with self.assertRaises(Refused) as refused:
            self.client.download(file, self.path)
        self.assertEqual(refused.exception.code, "card_revoked")

    def test_a_ticket_that_is_never_good(self) -> None:
        file = self.client.files()[0]
        listed = self.server.listed()
        self.server.ticket = "ticket-2"
        self.server.fields = {"files": [listed]}
        with self.assertRaises(Unreachable):
            self.client.download(file, self.path)

    def test_changed_content(self) -> None:
        file = self.client.files()[0]
        self.server.content = b"x" * 10_000
        with self.assertRaises(Untrusted):
            self.client.download(file, self.path)
        self.assertFalse(os.path.exists(self.path))


if __name__ == "__main__":
    unittest.main()
