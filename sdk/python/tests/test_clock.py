"""The guard of the clock: the same cases as in sdk/go/license/offline/clock, and histories
drawn by chance, the same ones in each run."""

from __future__ import annotations

import os
import random
import tempfile
import unittest
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Dict, Optional, Tuple

from guildhall_license import clock
from guildhall_license.clock import GRACE, NOTHING, TOLERANCE, Evidence, Level, Options, Reading
from guildhall_license.errors import SetupError

ISSUED = datetime(2031, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class World:
    """A machine with two files and a clock that anybody sets."""

    def __init__(self, every: timedelta = HOUR, run_for: timedelta = timedelta(0)) -> None:
        self.time = ISSUED + HOUR  # what time it really is
        self.wrong = timedelta(0)  # what the clock says beyond it
        self.boots, self.booted = 1, ISSUED
        self.ids = True  # whether the machine's starts have ids
        self.files: Dict[str, bytes] = {}
        self.full = ""  # the files that cannot be written
        self.guard: Optional[clock.Guard] = None  # none while the program does not run
        self.options = Options(("a", "b"), bytes(16), "meter", ISSUED, every=every, run_for=run_for, now=self.now, boot=self.boot)

    def now(self) -> datetime:
        return self.time + self.wrong

    def boot(self) -> Tuple[str, timedelta]:
        return str(self.boots) if self.ids else "", self.time - self.booted

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write(self, path: str, text: bytes) -> None:
        if path in self.full:
            raise OSError(28, "disk full")
        self.files[path] = text

    def check(self, evidence: Evidence = NOTHING) -> Reading:
        if self.guard is None:
            self.guard = clock.Guard(self.options)
            self.guard._read, self.guard._write = self.read, self.write
        return self.guard.check(evidence)

    def run(self, duration: timedelta) -> Reading:
        reading = self.check()
        while duration > timedelta(0):
            self.time += min(duration, self.options.every)
            duration -= self.options.every
            reading = self.check()
        return reading

    def kill(self) -> None:
        self.guard = None

    def stop(self) -> None:
        if self.guard is not None:
            self.guard.close()
        self.kill()

    def reboot(self, takes: timedelta) -> None:
        self.time += takes
        self.boots, self.booted = self.boots + 1, self.time
        self.kill()


class Rules(unittest.TestCase):
    def test_clock_set_back(self) -> None:
        w = World()
        r = w.run(100 * DAY)
        self.assertEqual((r.level, r.text, r.time, r.grace_left), (Level.OK, "", w.time, GRACE))
        w.wrong = -23 * HOUR
        r = w.check()
        self.assertEqual((r.level, r.time, r.behind), (Level.OK, w.time, 23 * HOUR))
        w.wrong = -50 * DAY
        r = w.run(10 * HOUR)
        self.assertEqual((r.level, r.code, r.time), (Level.WARNED, "clock_back", w.time))
        self.assertIn("says 2031-04-23 16:06 UTC, but it is at least 2031-06-12 16:06 UTC: it was set back. Set it right. If it is right, it was ahead before: a new licence mends that. The program runs for 62 more hours", r.text)
        r = w.run(15 * HOUR)
        self.assertEqual((r.level, r.grace_left), (Level.IN_GRACE, 47 * HOUR))
        w.wrong = timedelta(0)
        self.assertEqual(w.run(HOUR).level, Level.OK)
        w.wrong = -25 * HOUR
        self.assertEqual(w.run(46 * HOUR).level, Level.IN_GRACE)
        r = w.run(2 * HOUR)
        self.assertEqual((r.level, r.grace_left), (Level.REFUSE, timedelta(0)))
        w.kill()
        self.assertEqual(w.check().level, Level.REFUSE)
        w.wrong = timedelta(0)
        self.assertEqual(w.check().level, Level.OK)

    def test_time_goes_on_while_the_machine_runs(self) -> None:
        w = World()
        w.check()
        w.kill()
        w.time, w.wrong = w.time + 48 * HOUR, -48 * HOUR
        r = w.check()
        self.assertEqual((r.level, r.time, r.grace_left), (Level.WARNED, w.time, GRACE - HOUR))
        w.kill()
        self.assertEqual(w.check().grace_left, GRACE - 2 * HOUR, "a start costs as much as a check")

    def test_evidence(self) -> None:
        later = ISSUED + 30 * DAY
        for e in (Evidence(server=later), Evidence(sync=later), Evidence(database=later), Evidence(nodes=[later + 900 * DAY, later]),
                  Evidence(nodes=[later + 900 * DAY, ISSUED - 900 * DAY, later])):
            w = World()
            r = w.check(e)
            self.assertEqual((r.level, r.time), (Level.WARNED, later))
            w.wrong = later - w.time + HOUR
            r = w.check(Evidence(sync=ISSUED, database=ISSUED, nodes=[ISSUED, ISSUED]))
            self.assertEqual((r.level, r.time), (Level.OK, later + HOUR))
        self.assertEqual(World().check(Evidence(nodes=[later])).level, Level.OK, "one node alone")
        w = World()
        w.options = replace(w.options, built=later)
        self.assertEqual(w.check().time, later)

    def test_clock_set_forward_heals(self) -> None:
        def poisoned() -> World:
            w = World()
            w.wrong = 1000 * DAY
            w.check()
            w.wrong = timedelta(0)
            self.assertEqual(w.run(80 * HOUR).level, Level.REFUSE)
            return w

        w = poisoned()
        server = w.time
        r = w.check(Evidence(server=server))
        self.assertEqual((r.level, r.time, r.grace_left), (Level.OK, server, GRACE))
        w.time, w.wrong = w.time + HOUR, 1000 * DAY
        self.assertEqual(w.check(Evidence(server=w.time)).time, w.time, "a wrong clock is not believed beside a server")
        w.check()
        w.wrong = timedelta(0)
        self.assertNotEqual(w.check(Evidence(server=server)).level, Level.OK, "an old time of a server again")
        w = poisoned()
        w.kill()
        w.options = replace(w.options, issued_at=w.time - HOUR)
        r = w.check()
        self.assertEqual((r.level, r.time), (Level.OK, w.time), "a new licence")

    def test_run_hours(self) -> None:
        w = World(run_for=100 * HOUR)
        self.assertEqual(w.run(60 * HOUR).run_left, 40 * HOUR)
        w.stop()
        w.time += 1000 * HOUR
        self.assertEqual(w.run(40 * HOUR).level, Level.OK)
        r = w.run(HOUR)
        self.assertEqual((r.level, r.code), (Level.REFUSE, "run_out"))
        self.assertIn("the 100 hours", r.text)

    def test_two_processes_count_an_hour_once(self) -> None:
        w = World(run_for=100 * HOUR)
        w.check()
        first = w.guard
        assert first is not None
        w.kill()
        w.check()
        for _ in range(10):
            w.time += HOUR
            first.check()
            w.check()
        self.assertEqual(w.check().run_left, 90 * HOUR)

    def test_one_file_suffices(self) -> None:
        def before() -> World:
            w = World()
            w.run(30 * DAY)
            w.kill()
            w.wrong = -20 * DAY
            w.run(30 * HOUR)
            w.reboot(timedelta(minutes=1))
            return w

        want = before().check()
        self.assertEqual(want.level, Level.IN_GRACE)
        for path in "ab":
            for harm in (None, b"", b"{}\n\n", before().files["a"].replace(b'"behind":', b'"behind":-')):
                w = before()
                if harm is None:
                    del w.files[path]
                else:
                    w.files[path] = harm
                self.assertEqual(w.check(), want)
                self.assertEqual(w.files["a"], w.files["b"], "it is not mended")

    def test_old_files_are_not_believed(self) -> None:
        w = World()
        w.check()
        old = dict(w.files)
        w.run(60 * DAY)
        for kill in (False, True):
            w.files, w.wrong = dict(old), -60 * DAY
            if kill:
                w.kill()
            r = w.check()
            self.assertEqual((r.level, r.time), (Level.WARNED, w.time))

    def test_crash_costs_one_check(self) -> None:
        w = World()
        w.check()
        w.wrong -= 2 * HOUR
        w.reboot(2 * HOUR)
        self.assertEqual(w.check().behind, HOUR)
        w.stop()
        w.wrong -= 2 * HOUR
        w.reboot(2 * HOUR)
        self.assertEqual(w.check().behind, HOUR, "stopped in order")
        w.ids = False
        w.kill()
        w.check()
        w.kill()
        self.assertEqual(w.check().behind, HOUR, "where starts have no ids")

    def test_state_that_cannot_be_written(self) -> None:
        w = World()
        w.full = "ab"
        r = w.check()
        self.assertEqual((r.level, r.code), (Level.REFUSE, "state_unwritable"))
        self.assertIn("a: disk full", r.text)
        w.full = "a"
        self.assertEqual(w.check().level, Level.OK)
        w.full = "ab"
        self.assertEqual(w.run(24 * HOUR).level, Level.WARNED)
        self.assertEqual(w.run(HOUR).level, Level.REFUSE)
        w.full = ""
        self.assertEqual(w.check().level, Level.OK)

    def test_on_this_machine(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = Options((os.path.join(folder, "a"), os.path.join(folder, "b")), bytes(16), "meter", clock._utc_now() - HOUR)
            for _ in range(2):
                guard = clock.Guard(options)
                self.assertEqual(guard.check().level, Level.OK)
                guard.close()
            self.assertEqual(sorted(os.listdir(folder)), ["a", "b"])
            clock.sync_file()
            none = os.path.join(folder, "none", "a")
            r = clock.Guard(replace(options, files=(none, none + "b"))).check()
            self.assertEqual(r.level, Level.REFUSE)
            self.assertIn(none, r.text)

    def test_options_that_are_refused(self) -> None:
        good = World().options
        for bad in (replace(good, files=("a", "a")), replace(good, files=("", "b")), replace(good, secret=bytes(15)), replace(good, issued_at=None),
                    replace(good, issued_at=ISSUED.replace(tzinfo=None))):
            with self.assertRaises(SetupError):
                clock.Guard(bad)


class Histories(unittest.TestCase):
    def test_honest_clock_is_never_refused(self) -> None:
        """A clock that is never more than twelve hours wrong, whatever else happens."""
        for seed in range(300):
            draw = random.Random(seed)
            w = World(every=clock.EVERY)

            def minutes(least: int, most: int) -> timedelta:
                return timedelta(minutes=draw.randint(least * 60, most * 60))

            for step in range(draw.randint(1, 60)):
                kind = draw.randint(0, 8)
                if kind == 0:
                    w.wrong = minutes(-12, 12)
                elif kind == 1:
                    w.kill()
                elif kind == 2:
                    w.stop()
                elif kind == 3:
                    w.reboot(max(clock.EVERY, minutes(0, 2000)))
                elif kind == 4:
                    w.files.pop(draw.choice("ab"), None)
                elif kind == 5:
                    w.files.clear()
                elif kind == 6:
                    w.kill()
                    w.options = replace(w.options, issued_at=w.time + minutes(-12, 12))
                else:
                    w.time += minutes(0, 500)
                shown = [w.time + minutes(-12, 12) if draw.random() < 0.5 else None for _ in range(3)]
                nodes = [w.time + minutes(-12, 12) for _ in range(draw.randint(0, 3))]
                r = w.check(Evidence(shown[0], shown[1], shown[2], nodes))
                if r.level != Level.OK or r.grace_left != GRACE or abs(r.time - w.time) > DAY:
                    self.fail(f"seed {seed}, step {step}, clock {w.wrong}: {r}")

    def test_setting_the_clock_back_wins_little(self) -> None:
        """In all no more than the licence is long; with a clock behind, no more than the grace."""
        worst = timedelta(0)
        for seed in range(120):
            draw = random.Random(seed)
            w = World()
            ends = ISSUED + timedelta(hours=draw.randint(1, 500))
            w.wrong = ISSUED - w.time
            ran = behind = timedelta(0)
            for _ in range(draw.randint(1, 80)):
                kind = draw.randint(0, 7)
                if kind < 2:  # from long before the licence to a little after the mark
                    w.wrong = ISSUED + timedelta(minutes=draw.randint(-500 * 60, 1000 * 60)) - w.time
                elif kind == 2:
                    w.kill()
                elif kind == 3:
                    w.stop()
                elif kind == 4:
                    w.reboot(timedelta(minutes=draw.randint(0, 60000)))
                elif kind == 5 and len(w.files) == 2:  # the other is there
                    del w.files[draw.choice("ab")]
                elif kind > 5:
                    left = timedelta(minutes=draw.randint(0, 6000))
                    while left > timedelta(0):
                        r = w.check()
                        if r.level == Level.REFUSE or r.time >= ends:
                            break
                        step = min(left, HOUR)
                        w.time, left, ran = w.time + step, left - step, ran + step
                        behind += step if r.behind > TOLERANCE else timedelta(0)
            worst = max(worst, behind)
            self.assertLessEqual(ran, ends - ISSUED + HOUR, f"seed {seed}")
            self.assertLessEqual(behind, GRACE + HOUR, f"seed {seed}")
        self.assertGreater(worst, GRACE - 12 * HOUR, "no history comes near the bound")


if __name__ == "__main__":
    unittest.main()
