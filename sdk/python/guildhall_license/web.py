"""HTTP, by the standard library. What it says is never a verdict."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any, Mapping, NamedTuple, Optional

from .errors import Unreachable
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


class Web:
    """Sends requests; proxies are those of the system."""

    def __init__(self, timeout: float, context: Optional[ssl.SSLContext]) -> None:
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect(), urllib.request.HTTPSHandler(context=context))

    def stream(self, url: str, headers: Mapping[str, str]) -> Any:
        """GETs what is read piece by piece. Any HTTP status is a response; errors are
        those of the standard library."""
        try:
            return self._opener.open(urllib.request.Request(url, headers=dict(headers)), timeout=self._timeout)
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
