"""HTTP, by the standard library. What it says is never a verdict."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Mapping, NamedTuple, Optional, cast

from .errors import SetupError, Unreachable
from .transport import MAX_SEALED


class Response(NamedTuple):
    """An answer that nobody has verified."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A request is bound to its path: it goes nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Timely(io.RawIOBase):
    """What comes over a connection until a moment, however slowly it comes: the time-out
    of a socket is for each of its pieces."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._pieces = connection, connection.makefile("rb", 0)
        self._until = time.monotonic() + (connection.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> Optional[int]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("it answers too slowly")
        self._connection.settimeout(left)
        return self._pieces.readinto(into)

    def close(self) -> None:
        self._pieces.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that has come as a whole within the time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self.fp = io.BufferedReader(_Timely(sock))


class _Plain(http.client.HTTPConnection):
    response_class = _Answer


class _TLS(http.client.HTTPSConnection):
    response_class = _Answer


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Plain, req)


class _TLSHandler(urllib.request.HTTPSHandler):
    def __init__(self, context: Optional[ssl.SSLContext]) -> None:
        super().__init__(context=context)
        self._given = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(cast(Any, _TLS), req, context=self._given)


class Web:
    """Sends requests; proxies are those of the system."""

    def __init__(self, timeout: float, context: Optional[ssl.SSLContext]) -> None:
        if not 0 < timeout < threading.TIMEOUT_MAX:
            raise SetupError(f"a time-out is no {timeout!r:.40} seconds")
        self._timeout = timeout
        self._long = urllib.request.build_opener(_NoRedirect(), urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(_NoRedirect(), _PlainHandler(), _TLSHandler(context))

    def stream(self, url: str, headers: Mapping[str, str]) -> Any:
        """GETs what is read piece by piece. Any HTTP status is a response; errors are
        those of the standard library."""
        try:
            return self._long.open(urllib.request.Request(url, headers=dict(headers)), timeout=self._timeout)
        except urllib.error.HTTPError as e:
            return e  # a response too

    def send(self, url: str, headers: Mapping[str, str], body: Optional[bytes]) -> Response:
        """POSTs the body, or GETs where there is none. Any HTTP status is a response."""
        try:
            request = urllib.request.Request(url, data=body, headers=dict(headers))
            try:
                answer = self._opener.open(request, timeout=self._timeout)
            except urllib.error.HTTPError as e:
                answer = e  # a response too
            with answer:
                return Response(answer.getcode(), answer.headers, answer.read(MAX_SEALED + 1))
        except (OSError, http.client.HTTPException, ValueError) as e:
            raise Unreachable(f"{url} does not answer: {e}") from e
