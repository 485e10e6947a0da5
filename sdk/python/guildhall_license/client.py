"""The client: asks the server whether the program may run, and goes on without it for
as long as its last answer says."""

from __future__ import annotations

import base64
import functools
import json
import logging
import os
import secrets
import ssl
import threading
import time
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple, TypeVar, Union, cast
from urllib.parse import quote, urlsplit

from . import configuration, fingerprint, hpke, kit, signing, status, transport
from .encoding import from_millis, read64, read_time, text64, to_millis
from .errors import InternalError, LicenseError, Refused, SetupError, TryLater, Unreachable, Untrusted, also
from .files import File, Part, Progress, TicketRefused
from .heartbeat import Heartbeat
from .signing import Params, Signed
from .state import State
from .status import Status
from .web import Web

SDK = "python/1.0"
_DOWNLOAD_TRIES = 5  # how often a download goes on without a byte in between
SKEW = timedelta(minutes=5)  # the server takes a clock that is off by no more
HANDSHAKE_INFO = b"guildhall license handshake v1"
NEXT_PSK_INFO = b"guildhall license shared key v1"

# Refusals of a request, which take no lease away.
_OF_THE_REQUEST = frozenset((
    "clock_skew", "too_many_requests", "replayed", "malformed", "module_not_allowed", "handshake_key_not_found", "call_unknown", "device_key_missing",
))
_REMEDIED = ("key", "expired")  # by a newer configuration, or by the right time
_MAX_LEASES = 32  # answers that are kept
MAX_INPUT = 128 << 10  # bytes of a function's input

_log = logging.getLogger("guildhall_license")
_F = TypeVar("_F", bound=Callable[..., Any])


def _documented(method: _F) -> _F:
    """Lets nothing out but the errors of this package."""

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except LicenseError:
            raise
        except Exception as e:
            raise InternalError(f"a fault of guildhall_license: {type(e).__name__}: {e}") from e

    return cast(_F, wrapper)


def _canonical(card: str) -> str:
    """A card's key without what people put in."""
    return "".join(card.split()).replace("-", "").upper()


def _passing(error: LicenseError) -> LicenseError:
    """Raises a refusal that is a verdict. That the clock is wrong, say, is none."""
    if isinstance(error, Refused) and error.code not in ("clock_skew", "replayed"):
        raise error
    return error


def _hope(error: Unreachable) -> int:
    """How much there is to do about a failure: other keys may be all that lacks."""
    if not isinstance(error, Untrusted):
        return 0
    return 2 if error.reason in _REMEDIED else 1


class Opened(NamedTuple):
    """The handshake key that opens the program's core data, with the status it came with."""

    status: Status
    id: str
    key: bytes


def _keep(leases: Dict[str, Any], new: Dict[str, Any]) -> None:
    """Keeps the newest."""
    for slot in new:
        leases.pop(slot, None)
    leases.update(new)
    for slot in list(leases)[:-_MAX_LEASES]:
        del leases[slot]


class _Answered(NamedTuple):
    status: Status
    record: Dict[str, str]  # what it takes to verify it again


class Client:
    """One card on one installation. It may be used by several threads; they wait for
    one another."""

    @_documented
    def __init__(self, kit_json: Union[str, bytes, Mapping[str, Any], kit.Kit], state_path: Union[str, "os.PathLike[str]"], card: str, *,
                 parts: Optional[Mapping[str, str]] = None, version: str = "", mode: Optional[str] = None, timeout: float = 10.0,
                 ssl_context: Optional[ssl.SSLContext] = None, clock: Callable[[], float] = time.time) -> None:
        """`parts` is the fingerprint (collect), `version` the program's.
        `mode` is https, psk or hpke; None chooses for each address: https as it is, and
        to one of http the best that the kit has keys for."""
        if mode not in (None, transport.HTTPS, transport.PSK, transport.HPKE):
            raise SetupError(f"there is no mode {mode!r:.40}: use https, psk or hpke")
        for name, text in (("card", card), ("version", version)):
            if not isinstance(text, str):
                raise SetupError(f"the {name} is no text")
        self._kit = kit.read(kit_json)
        self._state = State(state_path)
        self._card, self._parts, self._version = _canonical(card), dict(parts or {}), version
        fingerprint.check(self._parts)
        self._mode, self._clock = mode, clock
        self._web = Web(timeout, ssl_context)
        self._lock = threading.RLock()
        self._heartbeat_seconds: Optional[int] = None  # no answer has said it yet
        self._configuration = self._newest()

    @_documented
    def activate(self) -> Status:
        """Binds the card to this machine; of a card that is bound here already, the
        status. Without the server it is `validate`: a program may call it at each start."""
        return self._check("activate", "")

    @_documented
    def validate(self, module: str = "") -> Status:
        """Whether the program, or a part of it, may run. Without the server the last
        answer counts until its lease ends."""
        return self._check("validate", module)

    @_documented
    def heartbeat(self) -> Status:
        """Says that the program still runs, and whether it may. start_heartbeat does it
        in the background."""
        return self._check("heartbeat", "")

    @_documented
    def open(self, handshake_key: str = "") -> Opened:
        """The handshake key with the id that stands in the program's data; without an
        id, the present one of the program's version."""
        fields = {"version": self._version, "handshake_key": handshake_key}
        with self._lock:
            slot = "open " + json.dumps([self._version, handshake_key])
            try:
                s = self._online("open", slot, {k: v for k, v in fields.items() if v}).status
            except (Unreachable, Refused) as e:
                s = self._leased(slot, _passing(e))
            if s.handshake is None or handshake_key not in ("", s.handshake.id):
                raise Untrusted("format", "the answer holds no handshake key of this id")
            key = self._unseal(HANDSHAKE_INFO, f"{s.environment}\n{s.handshake.id}", s.handshake.enc, s.handshake.ciphertext)
            return Opened(s, s.handshake.id, key)

    @_documented
    def call(self, name: str, data: bytes = b"") -> bytes:
        """Runs a function of the product on the server, and returns what it wrote. Needs
        the server. A function that fails raises Refused with a code that begins with
        function_, and takes no lease away."""
        if len(data) > MAX_INPUT:
            raise SetupError(f"the input of a function has {len(data)} bytes and may have {MAX_INPUT}")
        with self._lock:
            return self._online("function", "", {"function": name, "input": base64.b64encode(data).decode()}).status.output

    @_documented
    def files(self, version: str = "") -> Tuple[File, ...]:
        """What the card may download: of a version, or of all, the newest release first.
        Of more than some hundreds only the first come: then name a version. Needs the
        server."""
        with self._lock:
            return self._online("files", "", {"version": version}).status.files

    @_documented
    def download(self, file: File, path: "Union[str, os.PathLike[str]]", progress: Optional[Progress] = None) -> None:
        """Downloads a file of `files` to the path. What has come so far is beside it in
        path.part, from which the next download of the file goes on, also after the
        program ended. path is there when all has come and the sum is right. `progress`
        is told how many bytes of how many are there."""
        part = Part(path, file.size, progress)
        try:
            if part.done > file.size:
                part.restart()
            kept = part.done > 0
            file = self._fetch(file, part)
            if not part.good(file) and kept:  # perhaps it was a part of another file
                part.restart()
                file = self._fetch(file, part)
            if not part.good(file):
                part.restart()
                raise Untrusted("format", "what was downloaded has another SHA-256 than the list says")
            part.finish(path)
        finally:
            part.close()

    def _fetch(self, file: File, part: Part) -> File:
        """Goes on until as much is there as the file has, with new tickets where needed."""
        part.tell(file.size)
        tries, renewed = 0, False
        while part.done < file.size:
            before = part.done
            try:
                self._attempt(file, part)
                continue
            except TicketRefused:
                if renewed:
                    raise
                renewed, file = True, self._renewed(file)
                continue
            except Unreachable:
                if part.done > before:
                    tries, renewed = 0, False
                    continue
                tries += 1
                if tries > _DOWNLOAD_TRIES:
                    raise
            time.sleep(2 ** (tries - 1))
        return file

    def _attempt(self, file: File, part: Part) -> None:
        """Tries the addresses until one sends something."""
        failure: Optional[Unreachable] = None
        before = part.done
        for address in self._addresses():
            if self._mode == transport.HTTPS and urlsplit(address).scheme != "https":
                continue
            try:
                return part.fetch(self._web, address, file)
            except TicketRefused:
                raise
            except Unreachable as e:
                if part.done > before:
                    raise
                failure = e
        raise failure or SetupError("neither the kit nor the configuration has an address for downloads")

    def _renewed(self, file: File) -> File:
        """The file with another ticket; a card that is good no more is refused here, signed."""
        for one in self.files(file.version):
            if (one.id, one.size, one.sha256) == (file.id, file.size, file.sha256):
                return one
        raise Refused("file_not_found", "The release has this file no more.")

    @_documented
    def server_time(self) -> datetime:
        """The server's time, signed. Later calls count from it."""
        with self._lock:
            for remedy in (self._forget_shared, self._refresh):
                try:
                    self._set_clock()
                    return self.now()
                except Untrusted as e:
                    if e.reason != "key":
                        raise
                    remedy()
            self._set_clock()
            return self.now()

    @_documented
    def now(self) -> datetime:
        """The time of this machine's clock, corrected by what the server said."""
        return from_millis(self._clock() * 1000 + self._state.values.get("offset_ms", 0))

    @_documented
    def start_heartbeat(self, every: Optional[float] = None, on_refused: Optional[Callable[[Refused], None]] = None,
                        on_problem: Optional[Callable[[LicenseError], None]] = None) -> Heartbeat:
        """Sends heartbeats in a thread until Heartbeat.stop: every so many seconds, or
        as often as the server asks for. It never ends the program: it calls back."""
        beat = Heartbeat(self, every, on_refused, on_problem)
        beat.start()
        return beat

    def _check(self, call: str, module: str) -> Status:
        with self._lock:
            try:
                return self._online(call, "" if module else "status", {"module": module} if module else {}).status
            except (Unreachable, Refused) as e:
                s = self._leased("status", _passing(e))
            if module and not s.allows(module):
                raise Refused("module_not_allowed", "The card is not good for this part of the program.", s)
            return s

    # With the server

    def _online(self, call: str, slot: str, fields: Mapping[str, str]) -> _Answered:
        """Asks, raises what was refused, and keeps the lease of what was not."""
        got = self._ask(call, fields)
        s = got.status
        values = self._state.values
        values["last_seen"] = to_millis(s.time)
        if s.verdict not in ("ok", "activated"):
            if s.code == "too_many_requests":
                raise TryLater(s.detail or "The server asks to wait.", s.retry_after)
            if s.code not in _OF_THE_REQUEST and not s.code.startswith(("function_", "file")):
                values.pop("leases", None)
                self._save()
            raise Refused(s.code, s.detail, s)
        self._heartbeat_seconds = s.heartbeat
        if slot and s.lease_until is not None:
            _keep(values.setdefault("leases", {}), {slot: got.record, "status": got.record})
        if s.next_psk:
            self._take_shared(s.next_psk)
        self._save()
        return got

    def _ask(self, call: str, fields: Mapping[str, str]) -> _Answered:
        """Asks all addresses, and again with a newer configuration and with the clock
        set, where that may be what is wrong: each once."""
        remedies = [self._refresh, self._set_clock]
        if "psk" in self._state.values:
            remedies.insert(0, self._forget_shared)
        corrected = False
        while True:
            try:
                got = self._everywhere(call, fields, lenient=False)
            except Untrusted as e:
                if e.reason not in _REMEDIED or not remedies:
                    raise
                remedies.pop(0)()
                continue
            if got.status.code != "clock_skew" or corrected:
                return got
            corrected = True
            self._correct(got.status.time)

    def _everywhere(self, call: str, fields: Mapping[str, str], lenient: bool) -> _Answered:
        failure: Optional[Unreachable] = None
        if not lenient:
            self._configuration.fresh(self.now())
        for address in self._addresses():
            try:
                return self._exchange(address, call, fields, lenient)
            except Unreachable as e:
                _log.info("%s of %s: %s", call, address, e)
                if failure is None or _hope(e) > _hope(failure):
                    failure = e
        raise failure or SetupError("neither the kit nor the configuration has an address")

    def _exchange(self, address: str, call: str, fields: Mapping[str, str], lenient: bool) -> _Answered:
        """One request to one address. It is made anew each time: the same bytes twice
        are a replay. Lenient is for the call "time": no key is out of its time then."""
        mode = self._mode_for(address)
        params = Params("POST", ("/v1/" if mode == transport.HTTPS else "/license/v1/") + call, self._kit.product)
        message: Dict[str, Any] = {"call": call, "product": self._kit.product, "time": to_millis(self.now()), "nonce": secrets.token_urlsafe(24), "sdk": SDK}
        if call != "time":
            message.update(card=self._card, fingerprint=self._parts, device={
                "sign": base64.b64encode(self._state.sign_public).decode(), "seal": base64.b64encode(self._state.seal_public).decode()})
            if self._version:
                message["version"] = self._version
        message.update(fields)
        body = json.dumps(message, separators=(",", ":")).encode()
        proof = None if call == "time" else signing.prove(self._state.sign, params, body)
        exchange = self._seal(mode, params, proof, body, lenient)
        got = self._web.send(address.rstrip("/") + params.path, exchange.headers, exchange.body)
        if not (got.headers.get("Content-Type") or "").startswith(transport.MEDIA_TYPES[mode]):
            if got.status == 400:  # perhaps keys that the server has no more
                raise Untrusted("key", f"{address} does not understand the request")
            raise Unreachable(f"{address} answers with HTTP status {got.status}, and not as a licence server")
        signed = exchange.open(got.headers, got.body)
        answer = signing.verified(self._configuration.answers(None if lenient else self.now()), params, body, signed)
        return _Answered(status.read(answer), {
            "path": params.path, "request": body.decode(), "key": text64(signed.key_id), "signature": text64(signed.signature), "answer": text64(answer)})

    def _mode_for(self, address: str) -> str:
        secure = urlsplit(address).scheme == "https"
        if self._mode == transport.HTTPS and not secure:
            raise Unreachable(f"{address} has no TLS, and the mode is https")
        if self._mode:
            return self._mode
        if secure:
            return transport.HTTPS
        return transport.HPKE if self._configuration.hpke_keys or self._kit.psk is None else transport.PSK

    def _seal(self, mode: str, params: Params, proof: Optional[bytes], body: bytes, lenient: bool) -> transport.Exchange:
        if mode == transport.HTTPS:
            return transport.https(params, proof, body)
        if mode == transport.HPKE:
            to = self._configuration.hpke_key(None if lenient else self.now())
            return transport.sealed(params, proof, body, to.id, to.public)
        shared = self._shared()
        return transport.psk(params, proof, body, shared.id, shared.key)

    # Shared keys

    def _shared(self) -> kit.SharedKey:
        """The key of the week that the server told, as long as it is good; else the kit's."""
        built_in = self._kit.psk
        if built_in is None:
            raise SetupError("the kit has no shared key for the mode psk")
        try:
            told = self._state.values["psk"]
            if told["after"] == built_in.id.hex() and self.now() < read_time(told["to"]):
                return kit.shared_key(told) or built_in
        except (Untrusted, ValueError, KeyError, TypeError, AttributeError):
            pass  # none was told, or the file was changed
        return built_in

    def _take_shared(self, told: status.NextKey) -> None:
        """Keeps a key that was told. One that is not for us is left: the present one goes on."""
        if self._kit.psk is None:
            return
        try:
            key = self._unseal(NEXT_PSK_INFO, f"{self._kit.product}\n{told.id}", told.enc, told.ciphertext)
            fields = {"id": told.id, "key": base64.b64encode(key).decode(), "to": told.to.isoformat(), "after": self._kit.psk.id.hex()}
            kit.shared_key(fields)
        except (Untrusted, ValueError) as e:
            _log.warning("the next shared key cannot be used: %s", e)
            return
        self._state.values["psk"] = fields

    def _forget_shared(self) -> None:
        """The server may not know the key of the week any more; it does know the kit's."""
        self._state.values.pop("psk", None)

    def _unseal(self, info: bytes, aad: str, enc: bytes, text: bytes) -> bytes:
        """What the server sealed to this installation."""
        return hpke.decrypt(hpke.receiver(self._state.seal, enc, info).secret, text, aad.encode())

    def _addresses(self) -> "tuple[str, ...]":
        return tuple(dict.fromkeys(self._configuration.addresses + self._kit.addresses))

    # Configuration and clock

    def _newest(self) -> configuration.Configuration:
        """The configuration that was kept, unless the kit has a newer one."""
        built_in = configuration.none(self._kit.product)
        if self._kit.configuration:
            built_in = configuration.read(self._kit.root, self._kit.product, 0, self._kit.configuration)
        try:
            return configuration.read(self._kit.root, self._kit.product, built_in.serial, self._state.values["configuration"])
        except (Untrusted, KeyError, AttributeError):
            return built_in

    def _refresh(self) -> None:
        """Fetches the configuration; without success the old one stays."""
        for address in self._addresses():
            try:
                got = self._web.send(f"{address.rstrip('/')}/license/v1/configuration?product={quote(self._kit.product)}", {}, None)
                text = got.body.decode("ascii", "replace")
                self._configuration = configuration.read(self._kit.root, self._kit.product, self._configuration.serial, text)
            except Unreachable as e:
                _log.info("the configuration of %s: %s", address, e)
                continue
            self._state.values["configuration"] = text
            self._save()
            return

    def _set_clock(self) -> None:
        self._correct(self._everywhere("time", {}, lenient=True).status.time)

    def _correct(self, server: datetime) -> None:
        self._state.values["offset_ms"] = to_millis(server) - int(self._clock() * 1000)
        self._save()

    # Without the server

    def _leased(self, slot: str, why: LicenseError) -> Status:
        """The last answer, verified again; or why there was no new one."""
        record = self._state.values.get("leases", {}).get(slot)
        if record is None:
            raise why
        try:
            s = self._reopen(record)
        except (Untrusted, KeyError, TypeError, ValueError, AttributeError) as e:
            raise also(why, f"the kept answer is not good: {e}") from e
        now, seen = self.now(), from_millis(max(self._state.values.get("last_seen", 0), to_millis(s.time)))
        if now < seen - SKEW:
            raise also(why, "the clock of this machine was set back")
        if s.lease_until is None or now >= s.lease_until:
            raise also(why, "the lease has ended" + (f": it was good until {s.lease_until.isoformat()}" if s.lease_until else ""))
        self._state.values["last_seen"] = to_millis(max(now, seen))
        self._save()
        self._heartbeat_seconds = s.heartbeat
        return s._replace(offline=True)

    def _reopen(self, record: Mapping[str, str]) -> Status:
        """A kept answer, with the key that was good when it was signed, for this card on
        this machine and this installation."""
        params, request = Params("POST", record["path"], self._kit.product), record["request"].encode()
        signed = Signed(read64(record["key"], 8), read64(record["signature"], 64), read64(record["answer"]))
        s = status.read(signing.verified(self._configuration.answers(None), params, request, signed))
        self._configuration.answers(s.time)(signed.key_id)
        asked = json.loads(request)
        own = base64.b64encode(self._state.sign_public).decode()
        if s.verdict not in ("ok", "activated") or _canonical(asked["card"]) != self._card or asked["device"]["sign"] != own:
            raise Untrusted("signature", "it is for another card or installation")
        shown = asked["fingerprint"]
        if shown != self._parts and not fingerprint.same_machine(shown, self._parts):
            raise Untrusted("signature", "it is for another machine")
        return s

    def _save(self) -> None:
        try:
            self._state.save()
        except SetupError as e:  # the verdict counts also where it cannot be kept
            _log.warning("%s", e)
