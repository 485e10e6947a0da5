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


class Heartbeat:
    """Heartbeats in a thread, which ends with the program."""

    def __init__(self, client: Client, every: float, on_refused: Optional[Callable[[Refused], None]] = None,
                 on_problem: Optional[Callable[[LicenseError], None]] = None, wait: Optional[Callable[[float], bool]] = None) -> None:
        """`wait` waits for that many seconds, and says whether to stop."""
        if not every >= 0:
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
        """Begins, if heartbeats are asked for at all, and once."""
        if self._every > 0 and self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and waits for it where it is another one."""
        self._stop.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _pause(self, seconds: float) -> bool:
        return self._stop.wait(min(seconds, _LONGEST) * random.uniform(0.9, 1.1))  # not all programs come at once

    def _run(self) -> None:
        pause = self._every
        while not self._wait(pause):
            pause = self._every
            try:
                pause = self._every = self._client.heartbeat().heartbeat or self._every
            except Refused as e:
                self._tell(self._on_refused, e)
            except LicenseError as e:
                if isinstance(e, TryLater):
                    pause = max(pause, e.retry_after)
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
