"""What can go wrong. Nothing else ever leaves this package, apart from the built-in
exceptions that end a program (KeyboardInterrupt, SystemExit, MemoryError).

    LicenseError
      Refused          the server said no, and signed it: the licence is not good
      Unreachable      there is no answer, and no lease to go on with
        Untrusted      something answered, but not the server: it does not verify
        TryLater       the server asks to wait
      SetupError       the kit, the state file or an argument is wrong: a bug or a
                       fault of the installation, not of the licence
      InternalError    a fault of this package
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, TypeVar

if TYPE_CHECKING:
    from .status import Status


class LicenseError(Exception):
    """The base of all errors of this package."""


class Refused(LicenseError):
    """The server refused, and signed that. ``code`` is stable, ``detail`` for people."""

    def __init__(self, code: str, detail: str = "", status: Optional[Status] = None) -> None:
        super().__init__(f"{detail} ({code})" if detail else code)
        self.code = code
        self.detail = detail
        self.status = status


class Unreachable(LicenseError):
    """The server gave no answer: a matter of the network, and no verdict."""


class Untrusted(Unreachable):
    """What came is not the server's answer. ``reason`` is a name of the page on the
    transport: format, key, open, no_proof, signature, product, older or expired."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class TryLater(Unreachable):
    """The server wants no request for ``retry_after`` seconds."""

    def __init__(self, text: str, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SetupError(LicenseError):
    """The kit, the state file or an argument cannot be used."""


class InternalError(LicenseError):
    """A fault of this package; its cause is attached."""


_E = TypeVar("_E", bound=LicenseError)


def also(error: _E, text: str) -> _E:
    """The error, with what was wrong besides in its text."""
    error.args = (f"{error}; and {text}",)
    return error
