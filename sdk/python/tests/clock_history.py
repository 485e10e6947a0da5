"""Checks the clock as standard input says, and prints the readings: python_test.go holds
them, and the files, to what Go makes of the same history."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from guildhall_license import clock


def moment(micros: int) -> Optional[datetime]:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros) if micros else None


def main() -> None:
    life = json.load(sys.stdin)
    step: Any = None

    def now() -> datetime:
        at = moment(step["now"])
        assert at is not None
        return at

    files = (life["files"][0], life["files"][1])
    guard = clock.Guard(clock.Options(files, life["secret"].encode(), life["product"], moment(life["issued"]),
                                      run_for=timedelta(hours=life["run_hours"]), now=now, boot=lambda: (step["boot"], timedelta(microseconds=step["up"]))))
    readings = []
    for step in life["steps"]:
        r = guard.check(clock.Evidence(server=moment(step["server"]), database=moment(step["database"])))
        readings.append({"level": int(r.level), "code": r.code, "text": r.text,
                         "time": (r.time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1),
                         "grace_left": r.grace_left // timedelta(microseconds=1), "run_left": r.run_left // timedelta(microseconds=1)})
    if life["stop"]:
        guard.close()
    json.dump(readings, sys.stdout)


main()
