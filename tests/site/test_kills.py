"""Everything that works is killed with -9 in the middle of its work, ten times, and nobody lends a hand.

`manage.py up` and real work: batches of pictures and a training run. Rows are read from the site's database,
in which a trigger counts how often each picture is finished. KILLS_SEED repeats a run's random moments.
"""

import io
import json
import os
import random
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from tests.databases import ON_POSTGRES, execute
from tests.e2e.site_process import SiteProcess
from tests.ml.drawn_faces import make_dataset

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their death")
ASTRONAUT = Path(__file__).resolve().parents[2] / "webui/static/webui/sample/astronaut.jpg"
KILLS = 10
VICTIMS = ("training worker", "batch worker", "redis", "web", "ml.train", "batch pool")
PICTURES, EPOCHS = 400, 8
CHUNK = 8  # pictures a worker takes at a time
PATIENCE = 600.0  # seconds for anything to come about by itself
COUNT_ENDS = ["CREATE TABLE ended (item INTEGER NOT NULL)"]
if ON_POSTGRES:
    COUNT_ENDS += [
        "CREATE FUNCTION note_end() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO ended VALUES (NEW.id); RETURN NULL; END $$",
        "CREATE TRIGGER item_ends AFTER UPDATE ON detector_batchitem FOR EACH ROW "
        "WHEN (NEW.state IN ('succeeded', 'failed', 'cancelled')) EXECUTE FUNCTION note_end()",
    ]
else:
    COUNT_ENDS += [
        "CREATE TRIGGER item_ends AFTER UPDATE ON detector_batchitem "
        "WHEN NEW.state IN ('succeeded', 'failed', 'cancelled') BEGIN INSERT INTO ended VALUES (NEW.id); END"
    ]
OPEN_BATCHES = "SELECT id FROM detector_batchjob WHERE state IN ('queued', 'running')"
OPEN_RUNS = "SELECT id FROM detector_trainingrun WHERE status IN ('queued', 'running')"
RUN = "SELECT status, error, progress, version_id, run_dir FROM detector_trainingrun WHERE id = ?"
QUEUE_RUN = """
from detector.models import TrainingRun
from detector.services.training import queue_training_run
run = TrainingRun(name="killed", data_dirs=[{folder!r}], epochs={epochs}, image_size=64, batch_size=8,
    learning_rate=0.002, device="cpu")
print("run", queue_training_run(run=run, owner=None).pk)
"""


def small_pictures(chance: random.Random) -> bytes:
    """A zip archive of crops of one astronaut, all different."""
    astronaut = Image.open(ASTRONAUT).convert("RGB")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(PICTURES):
            width = chance.randint(300, 480)
            left = chance.randint(0, astronaut.width - width)
            picture = astronaut.crop((left, 0, left + width, width * 3 // 4)).resize((160, 120))
            encoded = io.BytesIO()
            picture.save(encoded, "JPEG")
            archive.writestr(f"{number}.jpg", encoded.getvalue())
    return buffer.getvalue()


class KilledSite(SiteProcess):
    """A running site, what has been handed in to it, and how to kill its parts."""

    def __init__(self, folder: Path, archive: bytes) -> None:
        temporary = folder / "tmp"
        temporary.mkdir()
        super().__init__(
            folder,
            TMPDIR=str(temporary),
            DJANGO_SUPERUSER_PASSWORD="secret-enough",
            OMP_NUM_THREADS="1",
            HAMSTER_BATCH_CHUNK=str(CHUNK),
            HAMSTER_BATCH_CLAIM_SECONDS="6",
            HAMSTER_BATCH_MAX_OPEN="20",
            HAMSTER_TRAINING_CLAIM_SECONDS="10",
        )
        self.archive = archive
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self.faces = make_dataset(folder / "faces", train=18, valid=9, size=64)
        self.runs: list[int] = []
        self.accepted: list[int] = []
        self.unanswered = 0

    def rows(self, query: str, *values: object) -> list[tuple]:
        """What the site's database says."""
        return execute(self.environment["DATABASE_URL"], query, *values)

    def sign_in(self) -> None:
        """As a person of the site, who from now on hands in batches."""
        self.manage("createsuperuser", "--noinput", "--username", "keeper", "--email", "keeper@example.com")
        self.client.get("/accounts/login/").raise_for_status()
        form = {"username": "keeper", "password": "secret-enough"}
        token = {"csrfmiddlewaretoken": self.client.cookies["csrftoken"]}
        assert self.client.post("/accounts/login/", data=form | token).status_code == 302
        self.client.headers["X-CSRFToken"] = self.client.cookies["csrftoken"]

    def hand_in(self) -> None:
        """A batch, once more when there is no answer, as people do."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = self.client.post("/api/batches/", files={"files": ("faces.zip", self.archive)})
            except httpx.TransportError:
                self.unanswered += 1
                time.sleep(0.5)
            else:
                assert answer.status_code == 202, answer.text[:500]
                self.accepted.append(answer.json()["id"])
                return
        raise AssertionError("the site takes no batch any more")

    def is_training(self) -> bool:
        """Whether a run is being trained. If all have ended already, one more is queued."""
        if not self.rows(OPEN_RUNS):
            self.runs.append(self.queue_run(self.faces, epochs=EPOCHS))
        return bool(self.processes("ml.train"))

    def queue_run(self, folder: Path, *, epochs: int) -> int:
        """A training run; its id."""
        said = self.manage("shell", "-c", QUEUE_RUN.format(folder=str(folder), epochs=epochs))
        (line,) = [line for line in said.splitlines() if line.startswith("run ")]
        return int(line.split()[1])

    def waiting(self) -> int:
        """Pictures that wait."""
        return self.rows("SELECT count(*) FROM detector_batchitem WHERE state = 'queued'")[0][0]

    def looked_at(self) -> int:
        """Pictures that are finished."""
        return self.rows("SELECT count(*) FROM ended")[0][0]

    def processes(self, name: str) -> list[psutil.Process]:
        """Those to kill under this name; none while they are away."""
        wanted = {
            **{"training worker": "--queues training", "batch worker": "--queues batch"},
            **{"redis": "redis-server", "web": "-m daphne", "ml.train": "-m ml.train"},
            "batch pool": "--queues batch",
        }[name]
        children = psutil.Process(self.process.pid).children(recursive=True)
        found = [child for child in children if wanted in command_of(child)]
        if "batch" not in name:
            return found[:1]
        mothers = [child for child in found if child.ppid() == self.process.pid]
        return [child for child in found if child not in mothers] if name == "batch pool" else found

    def kill(self, name: str) -> None:
        """With -9."""
        for process in self.processes(name):
            process.kill()


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.05)


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("KILLS_SEED") or random.randrange(10**6))
    print(f"KILLS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, chance: random.Random) -> Iterator[KilledSite]:
    site = KilledSite(tmp_path_factory.mktemp("kills"), small_pictures(chance))
    site.start()
    yield site
    site.client.close()
    site.stop()
    print(*(line for line in site.log.read_text().splitlines() if "celery.app.trace" not in line), sep="\n")


def kill_at_work(site: KilledSite, name: str, chance: random.Random) -> None:
    """Wait until the victim works, and kill it a random while later."""
    if name in ("training worker", "ml.train"):
        wait_until(site.is_training, "training to go on")
        time.sleep(chance.uniform(0, 12))
        wait_until(site.is_training, "training to go on")
    else:
        if site.waiting() < PICTURES // 2:
            site.hand_in()
        before = site.looked_at()
        wait_until(lambda: site.looked_at() > before, "pictures to be looked at")
        time.sleep(chance.uniform(0, 1))
    with ThreadPoolExecutor() as pool:
        if name == "web":
            upload = pool.submit(site.hand_in)
            time.sleep(chance.uniform(0, 0.5))
        wait_until(lambda: site.processes(name), f"{name} to be there")
        site.kill(name)
        if name == "web":
            upload.result()


def assert_finished_once(site: KilledSite, kills_of_batch_workers: int) -> None:
    """Every picture handed in is finished, and none was finished or begun more often than it had to be."""
    batches = dict(site.rows("SELECT id, state FROM detector_batchjob"))
    assert set(batches.values()) == {"succeeded"}
    assert set(site.accepted) <= set(batches)
    assert len(batches) <= len(site.accepted) + site.unanswered
    items = site.rows("SELECT id, state, attempts FROM detector_batchitem")
    assert len(items) == PICTURES * len(batches)
    assert {state for _, state, _ in items} == {"succeeded"}
    assert sorted(site.rows("SELECT item FROM ended")) == sorted((item,) for item, _, _ in items)
    assert sum(attempts - 1 for _, _, attempts in items) <= CHUNK * kills_of_batch_workers


def assert_trained_to_the_end(site: KilledSite, run: int) -> None:
    """Every epoch is there once, and so is the detector."""
    status, error, progress, version, run_dir = site.rows(RUN, run)[0]
    assert (status, error, progress) == ("succeeded", "", 1.0)
    assert site.rows("SELECT state FROM detector_detectorversion WHERE id = ?", version) == [("candidate",)]
    rows = (Path(run_dir) / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == list(range(1, EPOCHS + 1))


def assert_takes_what_comes_next(site: KilledSite, folder: Path) -> None:
    """A batch, and a run that ends soon because there is nothing to learn from."""
    site.hand_in()
    wait_until(lambda: not site.rows(OPEN_BATCHES), "the next batch to end")
    (folder / "train/images").mkdir(parents=True)
    run = site.queue_run(folder, epochs=1)
    wait_until(lambda: not site.rows(OPEN_RUNS), "the next run to end")
    status, error, *_ = site.rows(RUN, run)[0]
    assert status == "failed"
    assert str(folder) in error


def test_ten_kills_lose_nothing_repeat_nothing_and_need_no_hand(site: KilledSite, chance, tmp_path):
    site.sign_in()
    for statement in COUNT_ENDS:
        site.rows(statement)
    started = time.monotonic()
    killed = [VICTIMS[number % len(VICTIMS)] for number in range(KILLS)]
    for name in killed:
        kill_at_work(site, name, chance)
        print(f"{time.monotonic() - started:6.1f} s: killed {name}")
    wait_until(lambda: not site.rows(OPEN_BATCHES), "all batches to end")
    print(f"{time.monotonic() - started:6.1f} s: all batches have ended")
    wait_until(lambda: not site.rows(OPEN_RUNS), "training to end")
    print(f"{time.monotonic() - started:6.1f} s: all training has ended")

    assert_finished_once(site, sum("batch" in name for name in killed))
    for run in site.runs:
        assert_trained_to_the_end(site, run)
    assert_takes_what_comes_next(site, tmp_path / "empty")
