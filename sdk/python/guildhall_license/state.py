"""What an installation keeps: its device keys, the configuration and the last answers.

One file of JSON, readable by its owner alone. Who copies it to another machine copies
the installation; the server tells that by the fingerprint. Who loses it is another
installation.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from typing import Any, Dict, Union

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from . import hpke
from .encoding import read64, text64
from .errors import SetupError, Untrusted

_RAW = (Encoding.Raw, PrivateFormat.Raw, NoEncryption())
_LOST = "Restore it, or delete it and have the card unbound"
_MAX_MILLIS = 1 << 45  # a thousand years: with more nobody can count

# What the values are. What is none of it came from somebody else, and is forgotten.
_KINDS: Dict[str, type] = {"configuration": str, "leases": dict, "psk": dict, "offset_ms": int, "last_seen": int}


class State:
    """The file, read. Other values are JSON under `values`."""

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Reads the file, or makes it with new device keys."""
        self._path = os.fspath(path)
        fields = self._read()
        if fields is None:
            fresh = {"v": 1, "sign": text64(Ed25519PrivateKey.generate().private_bytes(*_RAW)), "seal": text64(X25519PrivateKey.generate().private_bytes(*_RAW))}
            self._write(fresh, first=True)
            fields = self._read() or fresh
        try:
            if fields.pop("v") != 1:
                raise ValueError("it has another version than 1")
            self.sign = Ed25519PrivateKey.from_private_bytes(read64(fields.pop("sign"), 32))
            self.seal = X25519PrivateKey.from_private_bytes(read64(fields.pop("seal"), 32))
        except (KeyError, TypeError, ValueError, AttributeError, Untrusted) as e:
            raise SetupError(f"the state file {self._path} is damaged: {e}. {_LOST}") from e
        self.values: Dict[str, Any] = {name: value for name, value in fields.items() if _is_value(name, value)}
        self.sign_public = self.sign.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.seal_public = hpke.raw(self.seal.public_key())

    def save(self) -> None:
        """Replaces the file, wholly or not at all."""
        keys = {"v": 1, "sign": text64(self.sign.private_bytes(*_RAW)), "seal": text64(self.seal.private_bytes(*_RAW))}
        self._write({**self.values, **keys}, first=False)

    def _read(self) -> Any:
        try:
            with open(self._path, encoding="utf-8") as f:
                mode = stat.S_IMODE(os.fstat(f.fileno()).st_mode)
                if os.name == "posix" and mode & 0o077:
                    raise SetupError(f"others can read the state file {self._path} (mode {mode:04o}). If nobody did, chmod 600 it, else delete it and have the card unbound")
                fields = json.load(f)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as e:
            raise SetupError(f"the state file {self._path} cannot be read: {e}. {_LOST}") from e
        if not isinstance(fields, dict):
            raise SetupError(f"the state file {self._path} is damaged: it holds no object. {_LOST}")
        return fields

    def _write(self, fields: Dict[str, Any], first: bool) -> None:
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".license-", dir=os.path.dirname(self._path) or ".")  # 0600
            with os.fdopen(handle, "w", encoding="utf-8") as f:
                json.dump(fields, f)
                f.flush()
                os.fsync(f.fileno())
            if first:
                os.link(temporary, self._path)  # fails where another process was first
            else:
                os.replace(temporary, self._path)
                temporary = ""
        except FileExistsError:
            pass  # its keys are ours
        except OSError as e:
            raise SetupError(f"the state file {self._path} cannot be written: {e}") from e
        finally:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)


def _is_value(name: str, value: Any) -> bool:
    return isinstance(value, _KINDS.get(name, object)) and not (isinstance(value, int) and abs(value) > _MAX_MILLIS)
