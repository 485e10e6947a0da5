"""Encrypts a program's data with the handshake key of a release, at the vendor's.

    pack.py handshake.key ID materials.csv materials.dat

The packed file is one line with the id of the key, which is no secret, then twelve bytes
of nonce, then what AES-256-GCM makes of the data. The line counts: the file does not open
with another one.
"""

from __future__ import annotations

import os
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def main(key_file: str, key_id: str, plain: str, packed: str) -> None:
    head = f"materials 1 {key_id}\n".encode()
    nonce = os.urandom(12)
    data = AESGCM(pathlib.Path(key_file).read_bytes()).encrypt(nonce, pathlib.Path(plain).read_bytes(), head)
    pathlib.Path(packed).write_bytes(head + nonce + data)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: pack.py KEY-FILE KEY-ID PLAIN PACKED")
    main(*sys.argv[1:])
