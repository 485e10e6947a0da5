"""A licence server for tests: as much of it as a client can tell."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import socketserver
import ssl
import threading
from typing import Any, Callable, Dict, List, Optional, Set, Tuple
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from guildhall_license import hpke
from guildhall_license.client import HANDSHAKE_INFO, NEXT_PSK_INFO
from guildhall_license.encoding import from_millis, text64
from guildhall_license.errors import Untrusted
from guildhall_license.signing import Params

from . import serverside

PRODUCT, CARD, HANDSHAKE_KEY = "example-studio", "CARD-KEY", bytes(range(32))
HOUR, DAY = 3600, 24 * 3600
START = 1_795_000_000  # the time of the server when a test begins

Wire = Tuple[int, Dict[str, str], bytes]


def rfc3339(seconds: float) -> str:
    return from_millis(seconds * 1000).isoformat().replace("+00:00", "Z")


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class FakeServer:
    """Runs from its making until close. What tests change are its attributes."""

    def __init__(self, context: Optional[ssl.SSLContext] = None) -> None:
        self.now = float(START)
        self.root, self.answer_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.answer_id, self.serial = b"answer-1", 1
        self.psk: Dict[bytes, bytes] = {b"shared-1": os.urandom(32)}
        self.hpke = {b"sealed-1": X25519PrivateKey.generate()}
        self.fields: Dict[str, Any] = {}  # put into each answer
        self.told: Optional[Tuple[bytes, bytes]] = None  # the shared key that is told: id and key
        self.keys_from = -DAY  # when keys begin, from now
        self.seen: List[Dict[str, Any]] = []  # the requests, with path and mode
        self.fetched: List[str] = []  # the paths that were asked by GET
        self.devices: Dict[str, Dict[str, Any]] = {}
        self.between: Callable[[Wire], Wire] = lambda wire: wire  # who sits on the line
        self.content, self.piece, self.ticket = bytes(range(250)) * 40, 4000, "ticket-1"  # the one file, and how much of it goes out at once
        self.asked: List[Any] = []  # the tickets and ranges of downloads
        self._replays: Set[bytes] = set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.reply(outer.between(outer.post(self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))))

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                if asked.path == "/license/v1/files":
                    self.reply(outer.file(parse_qs(asked.query)["ticket"][0], self.headers))
                    return
                outer.fetched.append(asked.path)
                found = asked.path == "/license/v1/configuration" and parse_qs(asked.query)["product"] == [PRODUCT]
                self.reply((200, {}, outer.configuration().encode()) if found else (404, {}, b""))

            def reply(self, wire: Wire) -> None:
                self.send_response(wire[0])
                for name, value in {**wire[1], "Content-Length": str(len(wire[2]))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(wire[2])

            def log_message(self, *_: Any) -> None:
                pass

        self._http = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        if context:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.address = f"{'https' if context else 'http'}://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()

    def file(self, ticket: str, asked: Any) -> Wire:
        """A file, of which only so much goes out at once; an If-Range is of this file."""
        self.asked.append((ticket, asked.get("Range"), asked.get("If-Range")))
        if ticket != self.ticket:
            return 403, {"Content-Type": "application/problem+json"}, b'{"code": "ticket_over"}'
        if not asked.get("Range"):
            return 200, {}, self.content[:self.piece]
        first = int(asked["Range"][len("bytes="):-1])
        return 206, {"Content-Range": f"bytes {first}-{len(self.content) - 1}/{len(self.content)}"}, self.content[first:first + self.piece]

    def listed(self) -> Dict[str, Any]:
        return {"id": "fil_1", "version": "2.1", "name": "data.bin", "size": len(self.content), "sha256": hashlib.sha256(self.content).hexdigest(),
                "media_type": "application/zip", "ticket": self.ticket, "ticket_until": rfc3339(self.now + HOUR)}

    def configuration(self) -> str:
        def keys(listed: Dict[bytes, bytes]) -> List[Dict[str, str]]:
            return [{"id": text64(i), "public": text64(p), "not_before": rfc3339(self.now + self.keys_from), "not_after": rfc3339(self.now + 30 * DAY)} for i, p in listed.items()]

        payload = json.dumps({
            "v": 1, "product": PRODUCT, "serial": self.serial, "issued_at": rfc3339(self.now), "expires_at": rfc3339(self.now + 20 * DAY), "addresses": [self.address],
            "answer_keys": keys({self.answer_id: public(self.answer_key)}), "hpke_keys": keys({i: hpke.raw(k.public_key()) for i, k in self.hpke.items()}),
        }).encode()
        return text64(payload) + "." + text64(self.root.sign(b"guildhall license configuration v1\n" + payload))

    def kit(self) -> Dict[str, Any]:
        key_id, key = next(iter(self.psk.items()))
        return {"product": PRODUCT, "addresses": [self.address], "root": base64.b64encode(public(self.root)).decode(),
                "psk": {"id": key_id.hex(), "key": base64.b64encode(key).decode()}, "configuration": self.configuration()}

    def post(self, path: str, headers: Dict[str, str], sent: bytes) -> Wire:
        params = Params("POST", path, PRODUCT)
        raw = (Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        secrets = {"psk": self.psk, "hpke": {i: k.private_bytes(*raw) for i, k in self.hpke.items()}}
        try:
            request = serverside.open_request(secrets, params, headers, sent)
        except Untrusted:
            return 400, {"Content-Type": "application/problem+json"}, b'{"title": "not opened"}'
        if request.replay in self._replays:
            return 409, {"Content-Type": "application/problem+json"}, b'{"title": "replay"}'
        if request.replay:
            self._replays.add(request.replay)
        message = json.loads(request.body)
        mode = serverside.MODES[headers["Content-Type"]]
        self.seen.append({**message, "path": path, "mode": mode, "key": sent[1:9]})
        answer = json.dumps({**self.decide(message, params, request), "time": int(self.now * 1000), **self.fields}).encode()
        return (200,) + request.seal(serverside.sign_answer(self.answer_id, self.answer_key, params, request.body, answer))

    def decide(self, message: Dict[str, Any], params: Params, request: serverside.Opened) -> Dict[str, Any]:
        if abs(message["time"] / 1000 - self.now) > 300:
            return {"verdict": "refused", "code": "clock_skew"}
        if message["call"] == "time":
            return {"verdict": "ok", "code": "ok"}
        if message["card"] != CARD.replace("-", ""):
            return {"verdict": "refused", "code": "card_unknown", "detail": "There is no such card."}
        bound = self.devices.setdefault(message["card"], message["device"])
        serverside.check_proof(base64.b64decode(bound["sign"]), params, request)
        answer = {"verdict": "ok", "code": "ok", "mode": "run", "environment": "ENV", "modules": ["core"], "heartbeat": 60,
                  "lease_until": rfc3339(self.now + 72 * HOUR)}
        if self.told:
            key_id, key = self.told
            enc, context = hpke.sender(base64.b64decode(message["device"]["seal"]), NEXT_PSK_INFO)
            text = hpke.encrypt(context.secret, key, f"{PRODUCT}\n{key_id.hex()}".encode())
            answer["next_psk"] = {"id": key_id.hex(), "to": rfc3339(self.now + 21 * DAY), "enc": base64.b64encode(enc).decode(), "ciphertext": base64.b64encode(text).decode()}
        if message["call"] == "function":
            if message["function"] != "echo":
                return {"verdict": "refused", "code": "function_exit", "detail": "The function ended with an error."}
            answer["output"] = message["input"]
        if message["call"] == "files":
            answer["files"] = [self.listed()] if message["version"] in ("", "2.1") else []
        if message["call"] == "open":
            name = message.get("handshake_key", "key-1")
            enc, context = hpke.sender(base64.b64decode(bound["seal"]), HANDSHAKE_INFO)
            text = hpke.encrypt(context.secret, HANDSHAKE_KEY, f"ENV\n{name}".encode())
            answer["handshake"] = {"id": name, "enc": base64.b64encode(enc).decode(), "ciphertext": base64.b64encode(text).decode()}
        return answer
