"""Tells what materials weigh. Its table is encrypted, and opens with a licence alone.

    materials.py activate CARD     once on each machine
    materials.py list
    materials.py mass copper 12.5  what 12.5 cubic centimetres weigh
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import pathlib
import sys
from typing import Dict, Tuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guildhall_license import Client, LicenseError, Refused, SetupError, Status, Unreachable, collect

PRODUCT, VERSION = "materials", "1.0"


def main() -> None:
    options = arguments()
    try:
        run(options)
    except Refused as e:
        sys.exit(f"materials: this licence is not good here: {e.detail} ({e.code})")
    except Unreachable as e:
        sys.exit(f"materials: the licence server does not answer, and without it the licence is not good: {e}")
    except SetupError as e:
        sys.exit(f"materials: the installation is damaged: {e}")
    except LicenseError as e:
        sys.exit(f"materials: please report this: {e}")


def run(options: argparse.Namespace) -> None:
    card_file = options.home / "card"
    if options.command == "activate":
        status = client(options.home, options.card).activate()
        card_file.touch(mode=0o600)
        card_file.write_text(options.card)
        print("activated", until(status))
        return
    if not card_file.exists():
        sys.exit("materials: no licence yet. Begin by: materials.py activate CARD")
    table = unpack(client(options.home, card_file.read_text()), options.home / "materials.dat")
    if options.command == "list":
        for name, (density, melts) in table.items():
            print(f"{name:10} {density:6.2f} g/cm3  melts at {melts:4.0f} °C")
    elif options.material in table:
        print(f"{options.volume:g} cm3 of {options.material} weigh {options.volume * table[options.material][0]:.2f} g")
    else:
        sys.exit(f"materials: there is no {options.material!r} in the table: see materials.py list")


def client(home: pathlib.Path, card: str) -> Client:
    # A program that is sold has its kit among its sources, where nobody replaces it.
    return Client((home / "kit.json").read_bytes(), home / "license.json", card, parts=collect(PRODUCT), version=VERSION)


def unpack(licence: Client, packed: pathlib.Path) -> Dict[str, Tuple[float, float]]:
    """The table, opened by the key that the server gives to a licensed installation."""
    head, _, rest = packed.read_bytes().partition(b"\n")
    opened = licence.open(head.decode().split()[2])
    print("licence", until(opened.status), file=sys.stderr)
    try:
        text = AESGCM(opened.key).decrypt(rest[:12], rest[12:], head + b"\n").decode()
    except InvalidTag:
        sys.exit(f"materials: {packed} is damaged: install the program again")
    return {name: (float(density), float(melts)) for name, density, melts in list(csv.reader(io.StringIO(text)))[1:]}


def until(status: Status) -> str:
    end = f"good until {status.expires_at:%Y-%m-%d}" if status.expires_at else "without an end"
    if status.offline and status.lease_until:
        return f"{end}; the server does not answer, which does not matter before {status.lease_until:%Y-%m-%d %H:%M} UTC"
    return f"{end}, says the server"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tells what materials weigh.")
    parser.add_argument("--home", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "work", help="where the program is installed")
    parser.add_argument("--no-network", action="store_true", help="to try what happens when the server cannot be reached")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("activate", help="use a licence on this machine").add_argument("card")
    commands.add_parser("list", help="show all materials")
    mass = commands.add_parser("mass", help="tell what a volume weighs")
    mass.add_argument("material")
    mass.add_argument("volume", type=float, help="in cubic centimetres")
    options = parser.parse_args()
    if options.no_network:
        os.environ.update(http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9", no_proxy="", NO_PROXY="")  # nobody listens there
    return options


if __name__ == "__main__":
    main()
