"""Files of releases: what may be downloaded, and downloads that go on where they broke
off."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
from datetime import datetime
from typing import Any, BinaryIO, Callable, Dict, Iterator, NamedTuple, Optional, Union
from urllib.parse import quote

from .encoding import read_time
from .errors import SetupError, Unreachable
from .web import Web

PATH = "/license/v1/files"
PIECE = 64 << 10
Progress = Callable[[int, int], None]


class File(NamedTuple):
    """A file of a release, as the server's signed list has it."""

    id: str
    version: str  #: of the release
    name: str
    size: int  #: in bytes
    sha256: str  #: in hexadecimal digits
    media_type: str
    ticket: str  #: opens the download until ticket_until, to whoever has it
    ticket_until: datetime


class TicketRefused(Unreachable):
    """The ticket does not open the file now; the signed list says why."""


def read(f: Dict[str, Any]) -> File:
    """A file of an answer."""
    return File(str(f["id"]), str(f["version"]), str(f["name"]), int(f["size"]), str(f["sha256"]).lower(), str(f["media_type"]), str(f["ticket"]),
                read_time(f["ticket_until"]))


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """What the disk says is a SetupError."""
    try:
        yield
    except OSError as e:
        raise SetupError(f"the file cannot be written: {e}") from e


class Part:
    """The file beside the one that is wanted, with what has come so far."""

    def __init__(self, path: "Union[str, os.PathLike[str]]", size: int, progress: Optional[Progress]) -> None:
        """Reads what is there already, but for what is more than the file has."""
        if os.path.isdir(path):
            raise SetupError(f"the file cannot be written: {os.fspath(path)} is a directory")
        self.path = os.fspath(path) + ".part"
        self._progress = progress
        self.done, self._sum = 0, hashlib.sha256()
        with _writing():
            self._file: BinaryIO = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600), "r+b")
        with _writing():
            while self.done <= size:
                piece = self._file.read(PIECE)
                if not piece:
                    break
                self._count(piece)

    def _count(self, piece: bytes) -> None:
        self._sum.update(piece)
        self.done += len(piece)

    def restart(self) -> None:
        """Forgets what came so far."""
        with _writing():
            self._file.seek(0)
            self._file.truncate()
        self.done, self._sum = 0, hashlib.sha256()

    def tell(self, size: int) -> None:
        """Tells how much is there."""
        if self._progress is not None:
            self._progress(self.done, size)

    def good(self, file: File) -> bool:
        """Whether all of the file is there, and nothing else."""
        return self.done == file.size and self._sum.hexdigest() == file.sha256

    def fetch(self, web: Web, address: str, file: File) -> None:
        """Gets what is missing from one address, and no more than that."""
        headers = {"Range": f"bytes={self.done}-", "If-Range": f'"{file.sha256}"'} if self.done else {}
        where = address.rstrip("/") + PATH
        try:
            with web.stream(f"{where}?ticket={quote(file.ticket)}", headers) as answer:
                self._accept(answer, where)
                while self.done < file.size:
                    piece = answer.read(min(PIECE, file.size - self.done))
                    if not piece:
                        raise Unreachable(f"the file of {where} broke off")
                    self._write(piece)
                    self.tell(file.size)
        except (OSError, http.client.HTTPException, ValueError) as e:
            raise Unreachable(f"{where} does not answer: {type(e).__name__}") from e  # the text of e may have the ticket

    def _accept(self, answer: Any, where: str) -> None:
        status = answer.getcode()
        if status in (403, 404):
            raise TicketRefused(f"{where} refuses the ticket")
        if status == 206 and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {self.done}-"):
            return
        if status != 200:
            raise Unreachable(f"{where} answers with HTTP status {status}")
        self.restart()

    def _write(self, piece: bytes) -> None:
        with _writing():
            self._file.write(piece)
            self._file.flush()  # what is counted is there
        self._count(piece)

    def close(self) -> None:
        """Keeps what came."""
        with contextlib.suppress(OSError):  # the last piece did not fit, which was told
            self._file.close()

    def finish(self, to: "Union[str, os.PathLike[str]]") -> None:
        """Puts the whole file where it is wanted."""
        with _writing():
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self.path, to)
