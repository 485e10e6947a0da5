"""Heartbeats in the background."""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

from .errors import LicenseError, Refused, SetupError, TryLater

if TYPE_CHECKING:
    from .client import Client

_log = logging.getLogger("guildhall_license")
_LONGEST = 24 * 3600.0  # seconds: nobody is asked less often
_UNANSWERED = 15 * 60.0  # seconds between heartbeats while no answer has said how often
_IDLE = 3600.0  # seconds until it is looked again whether any are asked for


class Heartbeat:
    """Heartbeats in a thread, which ends with the program."""

    def __init__(self, client: Client, every: Optional[float], on_refused: Optional[Callable[[Refused], None]] = None,
                 on_problem: Optional[Callable[[LicenseError], None]] = None, wait: Optional[Callable[[float], bool]] = None) -> None:
        """`every` is in seconds; None: as often as the server asks for. `wait` waits for
        that many seconds, and says whether to stop."""
        if every is not None and not every > 0:
            raise SetupError(f"heartbeats cannot be sent every {every!r:.40} seconds")
        self._client, self._every = client, every
        self._on_refused, self._on_problem = on_refused, on_problem
        self._stop = threading.Event()
        self._wait = wait or self._pause
        self._thread = threading.Thread(target=self._run, name="guildhall-license-heartbeat", daemon=True)

    @property
    def running(self) -> bool:
        """Whether heartbeats are sent."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begins, once. While the server asks for no heartbeats, it sends none."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and waits for it where it is another one."""
        self._stop.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _pause(self, seconds: float) -> bool:
        return self._stop.wait(min(seconds, _LONGEST) * random.uniform(0.9, 1.1))  # not all programs come at once

    def _pace(self) -> float:
        """The seconds to the next heartbeat; 0: none is asked for."""
        if self._every is not None:
            return self._every
        asked = self._client._heartbeat_seconds
        return _UNANSWERED if asked is None else asked

    def _run(self) -> None:
        later = 0.0
        while not self._wait(max(self._pace() or _IDLE, later)):
            later = 0.0
            if not self._pace():
                continue
            try:
                self._client.heartbeat()
            except Refused as e:
                self._tell(self._on_refused, e)
            except LicenseError as e:
                if isinstance(e, TryLater):
                    later = e.retry_after
                self._tell(self._on_problem, e)

    @staticmethod
    def _tell(callback: Optional[Callable[[Any], None]], error: LicenseError) -> None:
        if callback is None:
            _log.warning("heartbeat: %s", error)
            return
        try:
            callback(error)
        except Exception:
            _log.exception("the program's callback failed")
