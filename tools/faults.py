"""Break one part of a working site again and again, at random moments, and see what comes of it.

    python tools/faults.py --rounds 20
    python tools/faults.py --rounds 20 --only redis --only disk

web, worker, redis, postgres: killed with -9. disk: full for some seconds (a small tmpfs; needs root).
network: nothing passes between the site and Redis for `--cut` seconds. clock: it jumps by up to two hours,
forwards and back (needs a C compiler). Cameras watch and batches of pictures are handed in all the time. Each
time the part comes back, and within 10 s of that the site has to be ready, to answer every camera and to take
another batch. In the end every batch that was accepted has to have succeeded, with each picture finished
once. FAULTS_SEED repeats the moments.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.bench.breakages import FAULTS, wait_until
from tools.bench.visitors import PICTURES, Cameras, Sender

BACK_WITHIN = 10.0
CAMERAS = 4
ENDS = "NEW.state IN ('succeeded', 'failed', 'cancelled')"
COUNT_ENDS = {
    "sqlite": (
        "CREATE TABLE ended (item INTEGER NOT NULL)",
        f"CREATE TRIGGER item_ends AFTER UPDATE ON detector_batchitem WHEN {ENDS} "
        "BEGIN INSERT INTO ended VALUES (NEW.id); END",
    ),
    "postgres": (
        "CREATE TABLE ended (item BIGINT NOT NULL)",
        "CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO ended VALUES (NEW.id); RETURN NULL; END $$",
        "CREATE TRIGGER item_ends AFTER UPDATE ON detector_batchitem FOR EACH ROW "
        f"WHEN ({ENDS}) EXECUTE FUNCTION note_end()",
    ),
}


def rows(url: str, statement: str) -> list[tuple]:
    """Run a statement in the site's database, from outside."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection, connection:
            return connection.execute(statement).fetchall()
    import psycopg

    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def lost_and_doubled(url: str, sender: Sender) -> tuple[list[str], int]:
    """What is not as it has to be, in words, and how many pictures were handed in."""
    batches = dict(rows(url, "SELECT id, state FROM detector_batchjob"))
    items = rows(url, "SELECT id, state FROM detector_batchitem")
    ended = sorted(item for (item,) in rows(url, "SELECT item FROM ended"))
    found = []
    if lost := set(sender.accepted) - set(batches):
        found.append(f"{len(lost)} accepted batches are not there")
    if len(batches) > len(sender.accepted) + 1:  # the last one's answer may be out
        found.append(f"{len(batches)} batches, {len(sender.accepted)} accepted")
    if len(sender.accepted) > len(set(sender.accepted)):
        found.append("batches were accepted twice")
    if unfinished := [state for state in batches.values() if state != "succeeded"]:
        found.append(f"{len(unfinished)} batches have not succeeded: {set(unfinished)}")
    if len(items) != PICTURES * len(batches):
        found.append(f"{len(items)} pictures instead of {PICTURES * len(batches)}")
    if failed := [state for _, state in items if state != "succeeded"]:
        found.append(f"{len(failed)} pictures have not succeeded: {set(failed)}")
    if ended != sorted(item for item, _ in items):
        found.append(f"{len(ended)} times a picture was finished, of {len(items)}")
    return found, len(items)


def strike_again_and_again(name: str, arguments: argparse.Namespace, chance: random.Random) -> list[str]:
    """All rounds of one fault; prints a line, and returns what did not hold."""
    broken: list[str] = []
    back: list[float] = []
    with FAULTS[name](arguments) as (site, strike), site:
        url = site.environment["DATABASE_URL"]
        for statement in COUNT_ENDS["sqlite" if url.startswith("sqlite") else "postgres"]:
            rows(url, statement)
        sender, cameras = Sender(site), Cameras(site.url, CAMERAS)
        wait_until(lambda: cameras.all_answered_since(0.0) and sender.accepted, "work to begin")
        for number in range(arguments.rounds):
            time.sleep(chance.uniform(0.5, 3))
            struck = time.monotonic()
            strike(site, chance)
            part_back = time.monotonic()
            try:
                wait_until(lambda since=part_back: cameras.all_answered_since(since), "every camera")
                wait_until(lambda: site.is_ready, "readiness")
                wait_until(lambda since=part_back: sender.accepted_at > since, "a batch to be accepted")
            except TimeoutError as error:
                broken.append(f"round {number}: {error}")
                break
            back.append(time.monotonic() - part_back)
            gone = part_back - struck
            print(f"{name} {number + 1}: part gone {gone:.1f} s, all well {back[-1]:.1f} s later", flush=True)
        sender.stop()
        open_ones = "SELECT id FROM detector_batchjob WHERE state IN ('queued', 'running')"
        with suppress(TimeoutError):
            wait_until(lambda: not rows(url, open_ones), "all batches to end")
        cameras.stop()
        wrong, pictures = lost_and_doubled(url, sender)
        log = site.log.read_text(errors="replace")
        if arguments.logs:
            shutil.copy(site.log, Path(arguments.logs) / f"faults-{name}.log")
    broken += wrong
    if slow := [seconds for seconds in back if seconds > arguments.within]:
        broken.append(
            f"{len(slow)} times it took more than {arguments.within:g} s, at most {max(slow):.1f} s"
        )
    summary = {
        "fault": name,
        "rounds": len(back),
        "back_median_s": round(statistics.median(back), 1) if back else None,
        "back_slowest_s": round(max(back), 1) if back else None,
        "batches": len(sender.accepted),
        "unanswered": sender.unanswered,
        "denied": dict(sender.denied),
        "failed": dict(sender.failed),
        "pictures": pictures,
        "camera_answers": cameras.answers,
        "camera_connections": cameras.connections,
        "camera_errors": dict(cameras.errors),
        "tracebacks": log.count("Traceback"),
        "broken": broken,
    }
    print(json.dumps(summary), flush=True)
    return broken


def main() -> int:
    """All faults asked for; 1 when something did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=tuple(FAULTS), action="append", help="all, if not given")
    parser.add_argument("--cut", type=float, default=10.0, help="network: seconds that nothing passes")
    parser.add_argument(
        "--within", type=float, default=BACK_WITHIN, help="seconds after which all has to be well again"
    )
    parser.add_argument("--logs", help="a folder for the sites' logs")
    arguments = parser.parse_args()
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={seed}, {os.cpu_count()} cores")
    chance = random.Random(seed)
    broken = {
        name: strike_again_and_again(name, arguments, chance) for name in arguments.only or tuple(FAULTS)
    }
    return int(any(broken.values()))


if __name__ == "__main__":
    sys.exit(main())
