"""Notices that a machine's clock was set back, where there is no network to ask.

The rules and the files are those of sdk/go/license/offline/clock, so that programs in both
languages may share them: docs/formats/offline-licence.md, "The clock". What this cannot
stop is in docs/guides/offline-threats.md. offline.check uses it; by itself:

    guard = clock.Guard(clock.Options(("/var/lib/meter/.t", "/etc/meter/.t"), SECRET, "meter", licence.issued_at))
    reading = guard.check(clock.Evidence(database=newest_row, sync=clock.sync_file()))
    if reading.level == clock.Level.REFUSE: ...  # reading.text is for the operator
"""

from __future__ import annotations

import copy
import enum
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Callable, Optional, Sequence, Tuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .encoding import text64
from .errors import SetupError

#: How far the clock may be behind the mark.
TOLERANCE = timedelta(hours=24)
#: The running hours with a clock further behind until it is grace.
WARN = timedelta(hours=24)
#: Those until it is refused; of a licence in all, so that a moment's right clock renews none.
GRACE = timedelta(hours=72)
#: How often programs check.
EVERY = timedelta(minutes=1)

_MAX_STATE = 4 << 10  # bytes
_PROCESS = "process "  # begins the name of a process that stands in for the machine's start
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_SYNC_FILES = ("/var/lib/systemd/timesync/clock", "/var/lib/private/systemd/timesync/clock",
               "/var/lib/chrony/drift", "/var/lib/chrony/chrony.drift", "/var/lib/ntpsec/ntp.drift")


class Level(enum.IntEnum):
    """What a program does about the clock."""

    OK = 0  #: go on
    WARNED = 1  #: go on and tell the operator
    IN_GRACE = 2  #: go on and tell everybody, for the end is near
    REFUSE = 3  #: do not run


@dataclass(frozen=True)
class Options:
    """What a guard needs: ``files``, ``secret``, ``product`` and ``issued_at``. offline.check
    fills in the last two."""

    #: The two places of the state, in folders that are there and are not removed together.
    files: Tuple[str, str]
    #: Keys the state's check sum: bytes of the program, at least 16.
    secret: bytes
    product: str = ""
    #: When the licence was issued, and the program made: no earlier time is believed. A
    #: licence that was issued later than the one before begins anew.
    issued_at: Optional[datetime] = None
    built: Optional[datetime] = None
    #: How long the program may run under this licence; zero is no limit.
    run_for: timedelta = timedelta(0)
    tolerance: timedelta = TOLERANCE
    warn: timedelta = WARN
    grace: timedelta = GRACE
    every: timedelta = EVERY
    #: The machine's clock, and the time since it started with an id of that start, empty if
    #: it is not known: then the time since the program started. The system's if None.
    now: Optional[Callable[[], datetime]] = None
    boot: Optional[Callable[[], Tuple[str, timedelta]]] = None


@dataclass(frozen=True)
class Evidence:
    """What else tells the time. Give what there is."""

    #: A time that a server signed in answer to a request of this moment. It is the truth: it
    #: also takes the mark back, should the clock once have been set forward by mistake.
    server: Optional[datetime] = None
    #: When the machine's time was last synchronised: sync_file().
    sync: Optional[datetime] = None
    #: When the newest row was written. Not a date that somebody entered.
    database: Optional[datetime] = None
    #: The clocks of the other nodes. Of two or more the middle one counts (the earlier of two).
    nodes: Sequence[datetime] = ()


NOTHING = Evidence()


@dataclass(frozen=True)
class Reading:
    """What a check found. ``code`` (clock_back, run_out, state_unwritable) and ``text``, for
    the operator, are empty when all is well."""

    level: Level
    #: What to hold against the licence: the clock's time, or the mark's if that is later.
    time: datetime
    #: How far the clock is behind the mark; negative if it is not.
    behind: timedelta
    #: The running hours until it is refused, should the clock stay as it is.
    grace_left: timedelta
    #: Those under this licence; zero too where there is no limit.
    run_left: timedelta
    code: str = ""
    text: str = ""


@dataclass
class _State:
    """What the files keep, the same in both: times in microseconds since 1970, durations in
    nanoseconds. A later turn is never mixed with an earlier one."""

    turn: int = 0
    mark: int = 0
    issued: int = 0
    server: int = 0
    boot: str = ""
    up: int = 0
    run: int = 0
    behind: int = 0
    running: bool = False

    def raise_to(self, at: Optional[datetime]) -> None:
        if at is not None:
            self.mark = max(self.mark, _micros(at))

    def text(self, key: bytes) -> bytes:
        """A line of JSON and one of its HMAC-SHA256."""
        line = json.dumps(asdict(self), separators=(",", ":")).encode()
        return line + b"\n" + _sum(line, key)


class Guard:
    """Watches the clock. Threads may share it, processes its files."""

    def __init__(self, options: Options) -> None:
        """Reads nothing yet. Raises SetupError for options that cannot be."""
        if len(options.files) != 2 or not all(options.files) or options.files[0] == options.files[1]:
            raise SetupError("watch the clock: name two different files for its state")
        if len(options.secret) < 16:
            raise SetupError("watch the clock: the secret has fewer than 16 bytes")
        if options.issued_at is None:
            raise SetupError("watch the clock: it is not said when the licence was issued")
        self._o = options
        self._issued = _micros(options.issued_at)
        self._key = HKDF(SHA256(), 32, None, b"guildhall clock state v1\n" + options.product.encode("utf-8", "replace")).derive(options.secret)
        self._now = options.now or _utc_now
        self._boot = options.boot or _system_boot(time.monotonic())
        self._read: Callable[[str], bytes] = _read_file
        self._write: Callable[[str, bytes], None] = _write_file
        self._lock = threading.Lock()
        self._process = _PROCESS + secrets.token_hex(16)  # where the machine's start has no id
        self._last: Optional[_State] = None  # as of the last check
        self._up = 0  # at the last check
        self._unsaved = 0  # running time that no file knows of

    def check(self, evidence: Evidence = NOTHING) -> Reading:
        """Looks at the clock and at what else tells the time. Call it at the start and every
        minute (``Options.every``)."""
        with self._lock:
            return self._check(evidence, True)

    def close(self) -> None:
        """The last check: the program stops in order."""
        with self._lock:
            self._check(NOTHING, False)

    def _check(self, e: Evidence, running: bool) -> Reading:
        now = self._now()
        at = _micros(now)
        boot, since = self._boot()
        boot, up = boot or self._process, _nanos(since)
        s, seen = self._load(boot, up)
        ran = 0 if self._last is None else max(0, up - max(self._up, seen))
        if s.turn == 0 or self._issued > s.issued:  # a licence issued later begins anew
            s = _State(turn=s.turn + 1, mark=self._issued, issued=self._issued, server=s.server)
        s.run += ran
        ahead = False
        server = 0 if e.server is None else _micros(e.server)
        if server > s.server:  # the same one again says nothing about now
            s = _State(turn=s.turn + 1, mark=server, issued=s.issued, server=server, run=s.run)
            ahead = at > server + self._o.tolerance // _MICROSECOND
        if not ahead:
            s.raise_to(now)
        for shown in (self._o.issued_at, self._o.built, e.server, e.sync, e.database, _middle(e.nodes)):
            s.raise_to(shown)
        if (s.mark - at) * _MICROSECOND > self._o.tolerance:
            # A process that is killed before its second check would run for nothing.
            s.behind += max(ran, _nanos(self._o.every) if self._last is None else 0)
        s.boot, s.up, s.running = boot, up, running
        error = self._save(s)
        reading = self._reading(s, now, ahead, self._count(error, ran), error)
        self._last, self._up = s, up
        return reading

    def _load(self, boot: str, up: int) -> Tuple[_State, int]:
        """What the files and this process know together by now, and when one of them last
        was checked under this start of the machine. A file that is missing or was tampered
        with is passed over; the next save mends it."""
        known = _State() if self._last is None else copy.copy(self._last)
        seen = self._pass(known, boot, up)
        for path in self._o.files:
            try:
                kept = _parse(self._read(path), self._key)
            except (OSError, ValueError):
                continue
            checked = self._pass(kept, boot, up)
            if kept.turn > known.turn:
                known, seen = kept, checked
            elif kept.turn == known.turn:
                known.mark, known.run, known.behind = max(known.mark, kept.mark), max(known.run, kept.run), max(known.behind, kept.behind)
                seen = max(seen, checked)
        return known, seen

    def _pass(self, s: _State, boot: str, up: int) -> int:
        """Lets the mark go on with the time that the machine ran. After a crash and a new
        start nobody knows how long that was, but for the time until the next check. Where
        starts have no ids, a crash cannot be told from one."""
        if s.boot == boot:
            s.mark += max(0, up - s.up) // 1000
            return s.up
        if s.running and not boot.startswith(_PROCESS) and not s.boot.startswith(_PROCESS):
            s.mark += self._o.every // _MICROSECOND
        return 0

    def _save(self, s: _State) -> str:
        """What is wrong if neither file can be written, else nothing."""
        text, wrong = s.text(self._key), []
        for path in self._o.files:
            try:
                self._write(path, text)
            except OSError as e:
                wrong.append(f"{path}: {e.strerror or e}")
        return wrong[0] if len(wrong) == 2 else ""

    def _count(self, error: str, ran: int) -> int:
        """The running time that is not saved."""
        if not error:
            self._unsaved = 0
        elif self._last is None:
            self._unsaved = _nanos(self._o.tolerance) + 1  # nothing is known and nothing would be
        else:
            self._unsaved += ran
        return self._unsaved

    def _reading(self, s: _State, now: datetime, ahead: bool, unsaved: int, error: str) -> Reading:
        o, behind = self._o, (s.mark - _micros(now)) * _MICROSECOND
        left = max(timedelta(0), o.grace - _duration(s.behind))
        run_left = max(timedelta(0), o.run_for - _duration(s.run))
        worst, code, text = Level.OK, "", ""
        if error:
            worst, code = Level.REFUSE if unsaved > _nanos(o.tolerance) else Level.WARNED, "state_unwritable"
            text = f"What is known of the clock cannot be kept: {error}. Let the program write there."
        if behind > o.tolerance:
            level, then = Level.WARNED, f"The program runs for {_hours(left)} more hours with a clock like this."
            if s.behind > _nanos(o.grace):
                level, then = Level.REFUSE, "The program runs again as soon as the clock is right."
            elif s.behind > _nanos(o.warn):
                level = Level.IN_GRACE
            if level >= worst:
                worst, code = level, "clock_back"
                text = f"The clock of this machine says {_minute(now)}, but it is at least {_minute(_from_micros(s.mark))}: it was set back. Set it right. If it is right, it was ahead before: a new licence mends that. {then}"
        if o.run_for and s.run > _nanos(o.run_for):
            worst, code = Level.REFUSE, "run_out"
            text = f"The program has run the {_hours(o.run_for)} hours that the licence is for. Ask for a new licence."
        at = _from_micros(s.mark) if ahead or behind > timedelta(0) else now
        return Reading(worst, at, behind, left, run_left, code, text)


def sync_file() -> Optional[datetime]:
    """When the system's time synchronisation last kept the time, None if it never did."""
    newest = 0.0
    for path in _SYNC_FILES:
        try:
            newest = max(newest, os.stat(path).st_mtime)
        except OSError:
            continue
    return _from_micros(int(newest * 1e6)) if newest else None


def _middle(nodes: Sequence[datetime]) -> Optional[datetime]:
    """The median of the nodes' times, the earlier of two; None with fewer, for one wrong
    clock makes no other wrong."""
    return sorted(nodes)[(len(nodes) - 1) // 2] if len(nodes) > 1 else None


def _system_boot(start: float) -> Callable[[], Tuple[str, timedelta]]:
    """Linux's own count of the time since the machine started, which nobody sets; elsewhere
    the time since the program did."""
    def boot() -> Tuple[str, timedelta]:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                name = file.read().strip()
            with open("/proc/uptime", encoding="ascii") as file:
                return name, timedelta(seconds=float(file.read().split()[0]))
        except (OSError, ValueError, IndexError):
            return "", timedelta(seconds=time.monotonic() - start)
    return boot


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _micros(at: datetime) -> int:
    if at.tzinfo is None:
        raise SetupError(f"watch the clock: the time {at} has no time zone")
    return (at - _EPOCH) // _MICROSECOND


def _from_micros(micros: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:  # Go's times go on after the year 9999
        return _LATEST


def _nanos(duration: timedelta) -> int:
    return duration // _MICROSECOND * 1000


def _duration(nanos: int) -> timedelta:
    return timedelta(microseconds=nanos // 1000)


def _hours(duration: timedelta) -> str:
    return f"{duration / timedelta(hours=1):.0f}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def _sum(line: bytes, key: bytes) -> bytes:
    return text64(hmac.new(key, line, hashlib.sha256).digest()).encode() + b"\n"


def _parse(text: bytes, key: bytes) -> _State:
    """Raises ValueError for what was changed by somebody else."""
    line, _, rest = text.partition(b"\n")
    if not hmac.compare_digest(rest, _sum(line, key)):
        raise ValueError("the state of the clock was changed by somebody else")
    found = json.loads(line)
    fresh = asdict(_State())
    if not isinstance(found, dict) or any(type(found.get(name)) is not type(value) for name, value in fresh.items()):
        raise ValueError("the state of the clock is of another version")
    return _State(**{name: found[name] for name in fresh})


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MAX_STATE)


def _write_file(path: str, text: bytes) -> None:
    """Replaces the file as a whole."""
    handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path) or ".")  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
