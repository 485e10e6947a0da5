"""Licences of guildhall for programs in Python. README.md shows how to use it."""

from . import clock, fingerprint, offline
from .client import Client, Opened
from .errors import InternalError, LicenseError, Refused, SetupError, TryLater, Unreachable, Untrusted
from .files import File
from .heartbeat import Heartbeat
from .kit import Kit
from .machine import collect
from .status import Status

__all__ = [
    "Client", "File", "Heartbeat", "InternalError", "Kit", "LicenseError", "Opened", "Refused", "SetupError", "Status", "TryLater", "Unreachable",
    "Untrusted", "clock", "collect", "fingerprint", "offline",
]
