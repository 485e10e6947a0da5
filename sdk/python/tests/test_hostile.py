"""Whatever a server sends, and whatever is in the state file: nothing comes out of a client but
what is documented."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import socket
import threading
import time
from typing import Any, Callable, Dict, Iterator, List
from unittest import mock

from guildhall_license import Client, Heartbeat, InternalError, LicenseError, SetupError, Unreachable

from .fakeserver import rfc3339
from .test_client import ClientTest

FIELDS = ("verdict", "code", "detail", "time", "mode", "expires_at", "grace_until", "lease_until", "heartbeat", "environment", "modules", "changed",
          "retry_after", "handshake", "next_psk", "output", "files")
WITHIN = ("id", "to", "enc", "ciphertext", "version", "name", "size", "sha256", "media_type", "ticket", "ticket_until")


def anything(chance: random.Random, depth: int = 2) -> Any:
    """A value of JSON, also of what is no JSON but what Python makes of it."""
    plain: List[Callable[[], Any]] = [
        lambda: chance.choice([None, True, False, 0, -1, 7, 2**31, 10**30, -(10**30), 0.5, 1e300, float("nan"), float("inf")]),
        lambda: chance.choice(["", "ok", "refused", "activated", "run", "card_revoked", "clock_skew", "too_many_requests", "\ud800", "\x00\n", "AAAA", "é", "x" * 5000]),
        lambda: rfc3339(chance.choice([0, 1_795_000_000, 1_795_000_000 + 7200, 250_000_000_000])),
    ]
    if depth == 0 or chance.random() < 0.6:
        return chance.choice(plain)()
    if chance.random() < 0.5:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {name: anything(chance, depth - 1) for name in chance.sample(WITHIN, chance.randrange(len(WITHIN)))}


class Answers(ClientTest):
    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch("time.sleep")  # downloads that are tried again
        patch.start()
        self.addCleanup(patch.stop)

    def ask(self, client: Client, chance: random.Random) -> None:
        """One call of any kind."""
        def download() -> None:
            for one in client.files()[:2]:
                client.download(one, self.state.with_name("data"))

        calls: List[Callable[[], Any]] = [client.activate, client.validate, lambda: client.validate("core"), client.heartbeat, client.open, lambda: client.open("key-7"),
                                         lambda: client.call("echo", b"1"), client.files, download, client.server_time, client.now,
                                         lambda: client.start_heartbeat().stop()]
        try:
            chance.choice(calls)()
        except InternalError as e:
            raise AssertionError(f"{self.server.fields}") from e
        except LicenseError:
            pass

    def test_signed_answers_of_any_shape(self) -> None:
        for mode in ("psk", "hpke"):
            chance = random.Random(mode)
            client = self.client(mode=mode)
            for _ in range(100):
                self.server.fields = {name: anything(chance) for name in chance.sample(FIELDS, chance.randrange(4))}
                with self.quiet():
                    self.ask(client, chance)
            self.server.fields = {}
            self.assertFalse(client.validate().offline, "it is well when the server is")

    def test_a_state_of_any_shape(self) -> None:
        chance = random.Random(3)
        self.client().open()
        kept = json.loads(self.state.read_text())
        for _ in range(25):
            changed = {**kept, **{name: anything(chance) for name in chance.sample(("configuration", "leases", "psk", "offset_ms", "last_seen", "other"), 3)}}
            if chance.random() < 0.5:
                changed["leases"] = {slot: chance.choice([anything(chance), {**record, "request": anything(chance)}]) for slot, record in kept["leases"].items()}
            self.state.write_text(json.dumps(changed))
            mode = chance.choice(["psk", "hpke"])
            with self.quiet():
                for _ in range(3):
                    self.ask(self.client(mode=mode), chance)
                self.assertFalse(self.client(mode=mode).validate().offline, changed)

    def test_an_unknown_verdict_is_none(self) -> None:
        client = self.client()
        client.validate()
        self.server.fields = {"verdict": "perhaps", "code": "card_revoked"}
        self.assertTrue(client.validate().offline)
        with self.assertRaises(Unreachable):
            client.files()

    def test_heartbeats_of_any_pace(self) -> None:
        for pace in (-5, 0, 2**31, 10**30):
            self.server.fields = {"heartbeat": pace, "retry_after": pace, "code": "too_many_requests", "verdict": "refused"}
            asked = threading.Event()
            beat = Heartbeat(self.client(), 0.001, on_problem=lambda _: asked.set())
            beat.start()
            beat.start()
            asked.wait()
            self.assertTrue(beat.running)
            beat.stop()
        for every in (0, -1.0, float("nan")):
            with self.assertRaises(SetupError):
                self.client().start_heartbeat(every)

    def test_what_is_kept_has_a_bound(self) -> None:
        client = self.client()
        for n in range(40):
            client.open(f"key-{n}")
        self.server.close()
        self.assertEqual(client.open("key-39").id, "key-39")
        self.assertTrue(client.validate().offline)
        with self.assertRaises(Unreachable):
            client.open("key-0")

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        with mock.patch("guildhall_license.client._log"), mock.patch("guildhall_license.heartbeat._log"):
            yield


class Lines(ClientTest):
    def test_an_answer_that_drips(self) -> None:
        for begin in (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"):
            with self.subTest(begin[:40]), dripping(begin) as address, self.assertRaises(Unreachable):
                self.client(kit={**self.server.kit(), "addresses": [address], "configuration": ""}, timeout=0.2, mode="psk").activate()

    def test_nonsense_of_http(self) -> None:
        answers: Dict[str, bytes] = {"no HTTP": b"SSH-2.0\r\n", "too many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
                                     "a long line": b"HTTP/1.1 200 " + b"x" * 100_000, "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                                     "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "nothing": b""}
        for name, answer in answers.items():
            with self.subTest(name), saying(answer) as address, self.assertRaises(Unreachable):
                self.client(kit={**self.server.kit(), "addresses": [address], "configuration": ""}, mode="psk").activate()


class Disks(ClientTest):
    def test_a_full_disk_is_told(self) -> None:
        client = self.client()
        one = client.files()[0]
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch("guildhall_license.files.os.fsync", side_effect=full), self.assertRaisesRegex(SetupError, "No space left"):
            client.download(one, self.state.with_name("data"))
        with self.assertRaises(SetupError):
            client.download(one, self.state.with_name("none") / "data")
        if os.path.exists("/dev/full"):
            os.symlink("/dev/full", self.state.with_name("more.part"))
            with self.assertRaisesRegex(SetupError, "cannot be written"):
                client.download(one, self.state.with_name("more"))

    def test_a_state_that_cannot_be_written_stops_nobody(self) -> None:
        client = self.client()
        with mock.patch("guildhall_license.state.os.fsync", side_effect=OSError(errno.ENOSPC, "No space left on device")):
            with self.assertLogs("guildhall_license", "WARNING"):
                self.assertFalse(client.validate().offline)
        self.assertEqual([p.name for p in self.state.parent.iterdir()], [self.state.name], "nothing half-written is left")
        self.assertFalse(self.client().validate().offline)


@contextlib.contextmanager
def dripping(begin: bytes) -> Iterator[str]:
    """A server that sends a byte now and then, for ever."""
    def drip(line: socket.socket) -> None:
        line.sendall(begin)
        while True:
            line.sendall(b"x")
            time.sleep(0.02)

    with listening(drip) as address:
        yield address


@contextlib.contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that says one thing."""
    with listening(lambda line: line.sendall(answer)) as address:
        yield address


@contextlib.contextmanager
def listening(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                with line, contextlib.suppress(OSError):
                    line.recv(1 << 16)
                    reply(line)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
