"""The client against a server that can be killed, lie and be late."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import pathlib
import queue
import random
import socket
import ssl
import stat
import tempfile
import threading
import unittest
from typing import Any, Dict, Iterator, List

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from guildhall_license import Client, Heartbeat, InternalError, LicenseError, Refused, SetupError, TryLater, Unreachable, Untrusted

from .fakeserver import CARD, DAY, HANDSHAKE_KEY, HOUR, FakeServer, Wire

os.environ["no_proxy"] = "127.0.0.1"


def digest(text: str) -> str:
    """What has the form of a component."""
    return text * 43


PARTS = {"machine_id": digest("m"), "disk": digest("d"), "mac": digest("a")}


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = FakeServer()
        self.addCleanup(self.server.close)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = pathlib.Path(directory.name, "license.json")
        self.off = 0.0  # how wrong the client's clock is

    def client(self, **options: Any) -> Client:
        kit = options.pop("kit", None) or self.server.kit()
        options = {"parts": PARTS, "timeout": 300, **options}
        return Client(kit, options.pop("state", self.state), options.pop("card", CARD), clock=lambda: self.server.now + self.off, **options)


class Calls(ClientTest):
    def test_over_each_sealed_mode(self) -> None:
        for mode in ("psk", "hpke"):
            with self.subTest(mode):
                client = self.client(mode=mode)
                s = client.activate()
                self.assertEqual((s.verdict, s.mode, s.modules, s.offline, s.read_only), ("ok", "run", ("core",), False, False))
                self.assertFalse(client.validate("core").offline)
                self.assertFalse(client.heartbeat().offline)
                opened = client.open("key-7")
                self.assertEqual((opened.id, opened.key), ("key-7", HANDSHAKE_KEY))
                self.assertEqual(client.server_time(), s.time)
                self.assertEqual([(r["path"], r["mode"]) for r in self.server.seen],
                                 [("/license/v1/" + call, mode) for call in ("activate", "validate", "heartbeat", "open", "time")])
                self.server.seen.clear()

    def test_a_function_on_the_server(self) -> None:
        client = self.client()
        client.activate()
        for data in (b"", b"how much?\x00\xff", bytes(128 << 10)):
            self.assertEqual(client.call("echo", data), data)
        with self.assertRaises(SetupError):
            client.call("echo", bytes((128 << 10) + 1))
        with self.assertRaises(Refused) as refused:
            client.call("broken")
        self.assertEqual(refused.exception.code, "function_exit")
        self.server.close()
        with self.assertRaises(Unreachable):
            client.call("echo")
        self.assertTrue(client.validate().offline)

    def test_over_https(self) -> None:
        with certificate() as (theirs, ours):
            self.server.close()
            self.server = FakeServer(theirs)
            self.addCleanup(self.server.close)
            self.assertEqual(self.client(ssl_context=ours).open().key, HANDSHAKE_KEY)
            self.assertEqual((self.server.seen[0]["path"], self.server.seen[0]["mode"]), ("/v1/open", "https"))
            self.assertTrue(self.client().activate().offline)  # nobody vouches for the certificate
            with self.assertRaises(Unreachable):
                self.client().server_time()

    def test_nothing_goes_open_over_http(self) -> None:
        with self.assertRaises(Unreachable):
            self.client(mode="https").activate()
        self.assertEqual(self.server.seen, [])
        self.client().activate()
        self.assertEqual(self.server.seen[0]["mode"], "hpke")

    def test_no_two_requests_are_the_same(self) -> None:
        client = self.client()
        for _ in range(3):
            client.validate()
        self.assertEqual(len({r["nonce"] for r in self.server.seen}), 3)

    def test_the_next_address_is_asked(self) -> None:
        with FreeAddress() as nobody:
            kit = self.server.kit()
            kit["addresses"].insert(0, nobody)
            self.assertEqual(self.client(kit=kit).activate().verdict, "ok")

    def test_the_next_shared_key(self) -> None:
        client = self.client(mode="psk")
        self.server.psk[b"shared-2"] = b"2" * 32
        self.server.told = (b"shared-2", b"2" * 32)
        client.validate()
        del self.server.psk[b"shared-1"]
        client.validate()
        self.server.psk, self.server.told = {b"shared-3": b"3" * 32}, None
        self.client(mode="psk").validate()  # a later kit has a later key
        self.assertEqual([r["key"] for r in self.server.seen], [b"shared-1", b"shared-2", b"shared-3"])

    def test_a_kit_connects_after_years(self) -> None:
        kit = self.server.kit()
        kit_key = self.server.psk[b"shared-1"]

        def week(name: bytes) -> None:
            self.server.now += 4 * 365 * DAY
            self.server.psk = {b"shared-1": kit_key, name: name * 4}
            self.server.told = (name, name * 4)
            self.server.serial += 1

        for name in (b"shared-2", b"shared-3"):
            week(name)
            for _ in range(2):
                self.assertFalse(self.client(mode="psk", kit=kit).validate().offline)
        self.assertEqual([r["key"] for r in self.server.seen], [b"shared-1", b"shared-2", b"shared-1", b"shared-3"])
        # A key of the week that was ended before its time is left too.
        del self.server.psk[b"shared-3"]
        self.server.told = None
        self.assertFalse(self.client(mode="psk", kit=kit).validate().offline)
        self.assertEqual(self.server.seen[-1]["key"], b"shared-1")

    def test_a_shared_key_for_another_is_not_taken(self) -> None:
        client = self.client(mode="psk")
        for key_id, key in ((b"shared-2", b"2" * 31), (b"short", b"2" * 32)):
            self.server.told = (key_id, key)
            with self.assertLogs("guildhall_license", "WARNING"):
                self.assertFalse(client.validate().offline)
        self.server.told = None
        enc = {"id": b"shared-2".hex(), "to": "2100-01-01T00:00:00Z", "enc": "A" * 43 + "=", "ciphertext": "AAAA"}
        self.server.fields = {"next_psk": enc}
        with self.assertLogs("guildhall_license", "WARNING"):
            self.assertFalse(client.validate().offline)
        self.assertEqual({r["key"] for r in self.server.seen}, {b"shared-1"})

    def test_new_keys_of_the_server(self) -> None:
        client = self.client(mode="hpke")
        client.validate()
        self.server.answer_id, self.server.serial = b"answer-2", 2
        self.server.hpke = {b"sealed-2": self.server.hpke.popitem()[1]}
        self.assertFalse(client.validate().offline)
        self.assertEqual(self.server.seen[-1]["key"], b"sealed-2")
        self.assertIn("configuration", json.loads(self.state.read_text()))
        self.assertFalse(self.client().validate().offline)


class Refusals(ClientTest):
    def test_they_are_no_network_failures(self) -> None:
        with self.assertRaises(Refused) as refused:
            self.client(card="OTHER").activate()
        self.assertEqual((refused.exception.code, refused.exception.detail), ("card_unknown", "There is no such card."))
        self.assertNotIsInstance(refused.exception, Unreachable)

    def test_a_revoked_card_has_no_lease(self) -> None:
        client = self.client()
        client.validate()
        self.server.fields = {"verdict": "refused", "code": "card_revoked"}
        with self.assertRaises(Refused):
            client.validate()
        self.server.close()
        with self.assertRaises(Unreachable):
            client.validate()

    def test_a_refused_request_takes_no_lease(self) -> None:
        client = self.client()
        client.validate()
        self.server.fields = {"verdict": "refused", "code": "module_not_allowed"}
        with self.assertRaises(Refused):
            client.validate("extra")
        self.server.fields = {"verdict": "refused", "code": "too_many_requests", "retry_after": 9}
        self.assertTrue(client.validate().offline)
        self.assertTrue(client.activate().offline)
        with self.assertRaises(TryLater) as later:
            client.files()
        self.assertEqual(later.exception.retry_after, 9)


class Outages(ClientTest):
    def setUp(self) -> None:
        super().setUp()
        self.running = self.client()
        self.running.validate()
        self.running.open()
        self.server.close()

    def test_the_lease_counts_until_its_end(self) -> None:
        for client in (self.running, self.client()):
            self.assertTrue(client.validate().offline)
            self.assertTrue(client.heartbeat().offline)
            self.assertTrue(client.validate("core").offline)
            self.assertEqual(client.open().key, HANDSHAKE_KEY)
            with self.assertRaises(Refused):
                client.validate("extra")
            self.assertTrue(client.activate().offline)
            with self.assertRaises(Unreachable):
                client.open("another")
        self.assertTrue(self.client(card=" card key\n").activate().offline)
        with self.assertRaisesRegex(Unreachable, "another card"):
            self.client(card="card-keys").activate()
        self.off = 72 * HOUR - 1
        self.assertTrue(self.running.validate().offline)
        self.off = 72 * HOUR
        with self.assertRaisesRegex(Unreachable, "the lease has ended: it was good until 20"):
            self.running.validate()

    def test_a_clock_set_back_wins_nothing(self) -> None:
        self.off = 48 * HOUR
        self.running.validate()
        self.off = 1
        for client in (self.running, self.client()):
            with self.assertRaisesRegex(Unreachable, "set back"):
                client.validate()
        self.off = 48 * HOUR
        self.assertTrue(self.running.validate().offline)

    def test_it_is_of_one_card_and_machine(self) -> None:
        self.assertTrue(self.client(parts={**PARTS, "mac": digest("b")}).validate().offline)
        others: List[Dict[str, Any]] = [{"card": "OTHER"}, {"parts": {"machine_id": digest("n"), "disk": digest("d"), "mac": digest("b")}}, {"parts": {}}]
        for options in others:
            with self.assertRaises(Unreachable):
                self.client(**options).validate()
        other = self.state.with_name("other.json")
        stolen = json.loads(self.state.read_text())
        self.client(state=other)
        other.write_text(json.dumps({**json.loads(other.read_text()), "leases": stolen["leases"]}))
        with self.assertRaises(Unreachable):
            self.client(state=other).validate()

    def test_a_changed_answer_is_none(self) -> None:
        kept = json.loads(self.state.read_text())
        for field, value in kept["leases"]["status"].items():
            changed = json.loads(json.dumps(kept))
            changed["leases"]["status"][field] = value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:]
            self.state.write_text(json.dumps(changed))
            with self.subTest(field), self.assertRaises(Unreachable):
                self.client().validate()
        records: List[Any] = [None, 7, [], {}, {"path": 1}]
        for record in records:
            self.state.write_text(json.dumps({**kept, "leases": {"status": record}}))
            with self.subTest(record), self.assertRaises(Unreachable):
                self.client().validate()


class Clocks(ClientTest):
    def test_a_wrong_clock_is_corrected_once(self) -> None:
        for days in (0.1, -0.5, 25, -4000, 4000):  # from 20 on the configuration has ended, before -1 no key is used yet
            with self.subTest(days):
                self.off = days * DAY
                self.server.seen.clear()
                client = self.client(state=self.state.with_name(str(days)))
                self.server.devices.clear()
                self.assertFalse(client.activate().offline)
                client.validate()
                self.assertEqual([r["call"] for r in self.server.seen], ["activate" if abs(days) < 1 else "time", "activate", "validate"])
                self.assertAlmostEqual(client.now().timestamp(), self.server.now, delta=0.01)

    def test_a_server_that_is_never_content(self) -> None:
        self.server.fields = {"verdict": "refused", "code": "clock_skew"}
        with self.assertRaises(Refused):
            self.client().activate()
        self.assertEqual(len(self.server.seen), 2)

    def test_what_is_no_verdict_leaves_the_lease(self) -> None:
        client = self.client()
        client.open()
        self.server.fields = {"verdict": "refused", "code": "clock_skew"}
        self.assertTrue(client.validate().offline)
        self.assertEqual(client.open().key, HANDSHAKE_KEY)


class Liars(ClientTest):
    def test_an_answer_key_out_of_its_time(self) -> None:
        self.server.keys_from = DAY
        with self.assertRaises(Untrusted) as untrusted:
            self.client(mode="psk").activate()
        self.assertEqual(untrusted.exception.reason, "key")

    def test_a_kept_answer_of_before_its_key(self) -> None:
        client = self.client()
        self.server.fields = {"time": int((self.server.now - 2 * DAY) * 1000)}
        client.validate()
        self.server.close()
        with self.assertRaisesRegex(Unreachable, "answer key"):
            client.validate()

    def test_an_old_answer_is_none(self) -> None:
        for mode in ("psk", "hpke"):
            with self.subTest(mode):
                client = self.client(mode=mode, state=self.state.with_name(mode))
                self.server.devices.clear()
                recorded: List[Any] = []
                self.server.between = lambda wire: recorded.append(wire) or wire  # type: ignore[func-returns-value]
                client.activate()
                self.server.fields = {"verdict": "refused", "code": "card_revoked"}
                first: Wire = recorded[0]
                self.server.between = lambda _, first=first: first  # type: ignore[misc]
                self.assertTrue(client.activate().offline, "the lease is good; the old answer was not taken")
                with self.assertRaises(Untrusted):
                    client.files()
                self.server.fields, self.server.between = {}, lambda wire: wire

    def test_no_answer_but_the_servers(self) -> None:
        client = self.client()
        changes = {
            "nothing": lambda w: (w[0], w[1], b""), "cut": lambda w: (w[0], w[1], w[2][:-1]), "changed": lambda w: (w[0], w[1], w[2][:-1] + bytes([w[2][-1] ^ 1])),
            "too long": lambda w: (w[0], w[1], bytes(300_000)), "another type": lambda w: (200, {"Content-Type": "text/html"}, b"<p>Sign in"),
            "no type": lambda w: (200, {}, w[2]), "redirect": lambda w: (302, {"Location": self.server.address + "/elsewhere"}, b""),
            "failure": lambda w: (500, {"Content-Type": "application/problem+json"}, b"{}"), "bad request": lambda w: (400, {}, b""),
        }
        for name, self.server.between in changes.items():
            with self.subTest(name), self.assertRaises(Unreachable):
                client.activate()
        self.assertNotIn("/elsewhere", self.server.fetched)
        self.server.between = lambda wire: (503,) + wire[1:]
        self.assertEqual(client.activate().verdict, "ok", "the status of HTTP is not signed, and does not count")

    def test_signed_nonsense(self) -> None:
        client = self.client()
        nonsense: List[Dict[str, Any]] = [{"time": "noon"}, {"time": 1e30}, {"time": None}, {"lease_until": "soon"}, {"expires_at": 7}, {"handshake": 7}, {"handshake": {"id": "x"}},
                       {"handshake": {"id": "x", "enc": "AA==", "ciphertext": "é"}}, {"modules": 7}, {"heartbeat": "x"}, {"expires_at": "9999-12-31T23:59:59-23:59"}]
        for fields in nonsense:
            self.server.fields = fields
            with self.subTest(fields), self.assertRaises(Untrusted):
                client.open()

    def test_random_answers_raise_only_what_is_documented(self) -> None:
        chance = random.Random(1)
        client = self.client()
        for _ in range(60):
            junk, status = chance.randbytes(chance.randrange(300)), chance.choice([200, 204, 400, 404, 429, 500])
            self.server.between = lambda wire: (status, wire[1], b"" if status == 204 else junk)
            with self.assertRaises(LicenseError) as e:
                client.activate()
            self.assertNotIsInstance(e.exception, InternalError)

    def test_an_internal_fault_is_documented_too(self) -> None:
        client = self.client()
        client._web = None  # type: ignore[assignment]
        with self.assertRaises(InternalError):
            client.activate()


class Setup(ClientTest):
    def test_the_state_is_the_owners_and_stays(self) -> None:
        first, second = self.client(), self.client()
        self.assertEqual(first._state.sign_public, second._state.sign_public)
        first.validate()
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o600)
        self.assertEqual([p.name for p in self.state.parent.iterdir()], [self.state.name])

    def test_a_damaged_state_is_not_replaced(self) -> None:
        for text in ("", "{", "[]", "{}", '{"v": 2}', '{"v": 1, "sign": "AA", "seal": 7}'):
            self.state.write_text(text)
            self.state.chmod(0o600)
            with self.subTest(text), self.assertRaisesRegex(SetupError, "unbound"):
                self.client()
            self.assertEqual(self.state.read_text(), text)
        self.state.chmod(0o640)
        with self.assertRaisesRegex(SetupError, "others can read .* 0640"):
            self.client()
        with self.assertRaises(SetupError):
            self.client(state=self.state / "below")

    def test_a_kit_without_a_configuration(self) -> None:
        for mode in ("psk", "hpke"):
            kit = {k: v for k, v in self.server.kit().items() if k != "configuration"}
            self.assertEqual(self.client(kit=kit, mode=mode).server_time().timestamp(), self.server.now)
            self.assertEqual(self.client(kit=kit, mode=mode).activate().verdict, "ok")
            self.state.unlink()
            self.server.devices.clear()

    def test_a_wrong_kit(self) -> None:
        kit = self.server.kit()
        wrongs: List[Dict[str, Any]] = [{"product": "other"}, {"product": 7}, {"addresses": ["ftp://x"]}, {"addresses": None}, {"root": "AA=="}, {"psk": {"id": "zz"}}, {"configuration": "x.y"}]
        for wrong in wrongs:
            with self.subTest(wrong), self.assertRaises(SetupError):
                self.client(kit={**kit, **wrong})
        for text in ("", "7", "[]", "{}"):
            with self.subTest(text), self.assertRaises(SetupError):
                Client(text, self.state, CARD)
        with self.assertRaises(SetupError):
            self.client(mode="carrier pigeon")
        wrongs = [{"addresses": []}, {"product": "\ud800"}, {"product": "a\nb"}]
        for wrong in wrongs:
            with self.subTest(wrong), self.assertRaises(SetupError):
                self.client(kit={**kit, **wrong})
        arguments: List[Dict[str, Any]] = [{"card": 7}, {"version": None}, {"timeout": 0}, {"timeout": float("nan")}]
        for options in arguments:
            with self.subTest(options), self.assertRaises(SetupError):
                self.client(**options)
        self.assertEqual(self.client(kit=json.dumps({k: v for k, v in kit.items() if k != "psk"})).activate().verdict, "ok")


class Heartbeats(ClientTest):
    def test_they_call_back_and_never_end_the_program(self) -> None:
        turns: "queue.Queue[bool]" = queue.Queue()
        told: "queue.Queue[str]" = queue.Queue()
        waited: List[float] = []

        def wait(seconds: float) -> bool:
            waited.append(seconds)
            told.put("waits")
            return turns.get()

        def refused(e: Refused) -> None:
            told.put(e.code)
            raise RuntimeError("a fault of the program")

        beat = Heartbeat(self.client(), 5, refused, lambda e: told.put("no answer" if isinstance(e, Unreachable) else repr(e)), wait)
        beat.start()
        self.addCleanup(turns.put, True)
        def turn() -> List[str]:
            turns.put(False)
            return list(iter(told.get, "waits"))

        self.assertEqual(told.get(), "waits")
        self.assertEqual(turn(), [])
        self.assertEqual(self.server.seen[-1]["call"], "heartbeat")
        self.server.fields = {"verdict": "refused", "code": "card_suspended"}
        with self.assertLogs("guildhall_license", "ERROR"):
            self.assertEqual(turn(), ["card_suspended"])
        self.server.close()
        self.assertEqual(turn(), ["no answer"])
        self.assertTrue(beat.running)
        turns.put(True)
        beat.stop()
        self.assertFalse(beat.running)
        self.assertEqual(waited, [5, 5, 5, 5])

    def test_they_wait_as_long_as_the_server_asks(self) -> None:
        waited: List[float] = []

        def wait(seconds: float) -> bool:
            waited.append(seconds)
            self.server.fields = {"verdict": "refused", "code": "too_many_requests", "retry_after": 700} if len(waited) == 1 else {}
            return len(waited) == 3

        for every, paces in ((5, [5, 700, 5]), (None, [900, 900, 60])):  # an answer says how often, and before any it is 900 seconds
            waited.clear()
            beat = Heartbeat(self.client(state=self.state.with_name(str(every))), every, on_problem=lambda _: None, wait=wait)
            self.server.devices.clear()
            beat.start()
            beat._thread.join()
            self.assertEqual(waited, paces)

    def test_they_begin_without_the_server(self) -> None:
        self.client().open()
        self.server.close()
        started = self.client()
        self.assertTrue(started.open().status.offline)
        beat = started.start_heartbeat()
        self.assertTrue(beat.running, "the last answer asks for heartbeats")
        beat.stop()

    def test_nothing_is_left_of_them(self) -> None:
        client = self.client()
        client.validate()
        before = threading.active_count()
        for _ in range(20):
            beat = client.start_heartbeat()
            beat.stop()
            beat.stop()
        self.assertEqual(threading.active_count(), before)

    def test_none_where_none_are_asked_for(self) -> None:
        client, waited = self.client(), []
        self.server.fields = {"heartbeat": 0}
        client.validate()

        def wait(seconds: float) -> bool:
            waited.append(seconds)
            if len(waited) == 3:
                self.server.fields = {"heartbeat": 30}
                client.validate()
            return len(waited) == 5

        beat = Heartbeat(client, None, wait=wait)
        beat.start()
        beat._thread.join()
        self.assertEqual(waited, [3600, 3600, 3600, 30, 30])
        self.assertEqual([r["call"] for r in self.server.seen], ["validate", "validate", "heartbeat", "heartbeat"])

    def test_they_begin_before_any_answer(self) -> None:
        beat = self.client().start_heartbeat()
        self.assertTrue(beat.running)
        beat.stop()
        self.assertFalse(beat.running)


class FreeAddress:
    """An address where nobody listens, which nobody else gets meanwhile."""

    def __enter__(self) -> str:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: Any) -> None:
        self._socket.close()


@contextlib.contextmanager
def certificate() -> Iterator["tuple[ssl.SSLContext, ssl.SSLContext]"]:
    """What a server at 127.0.0.1 has, and what a client that trusts it has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    begin = datetime.datetime(2020, 1, 1)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(begin).not_valid_after(datetime.datetime(2120, 1, 1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, SHA256()))
    with tempfile.NamedTemporaryFile(suffix=".pem") as f:
        f.write(made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        f.flush()
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(f.name)
        yield theirs, ssl.create_default_context(cadata=made.public_bytes(Encoding.PEM).decode())


if __name__ == "__main__":
    unittest.main()
