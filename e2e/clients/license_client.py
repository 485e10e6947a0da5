"""A customer's program with sdk/python, which does what it is told, a line of JSON each."""

import json
import os
import socket
import ssl
import sys
import time

from guildhall_license import Client, LicenseError, Refused

given = json.loads(os.environ["GUILDHALL_GIVEN"])
ports = {int(port): to for port, to in given["ports"].items()}
offset = 0.0


def through_the_proxy(host, port, *_, **__):
    """All names of the server are at the loopback address, behind the proxy."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", ports[int(port)]))]


socket.getaddrinfo = through_the_proxy


def do(client, told):
    name = told["call"]
    if name == "open":
        opened = client.open()
        return {"offline": opened.status.offline, "key": opened.key.hex(), "verdict": opened.status.verdict}
    status = getattr(client, name)()
    return {"offline": status.offline, "verdict": status.verdict}


client = None
for line in sys.stdin:
    told = json.loads(line)
    offset = told["offset"]
    try:
        client = client or Client(given["kit"], given["state"], given["card"], parts=given["parts"], version="1.0", mode=given["mode"], timeout=given["timeout"],
                                  ssl_context=ssl.create_default_context(cafile=given["roots"]), clock=lambda: time.time() + offset)
        said = do(client, told)
    except Refused as e:
        said = {"error": "refused", "code": e.code}
    except LicenseError as e:
        said = {"error": type(e).__name__, "text": str(e)}
    print(json.dumps(said), flush=True)
