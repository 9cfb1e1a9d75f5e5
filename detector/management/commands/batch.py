"""`manage.py batch FOLDER_OR_FILES... --user NAME`: look at many pictures with the site's batch workers."""

import json
import time
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from celery import current_app
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from kombu.exceptions import OperationalError as BrokerError

from detector.downloads import as_object
from detector.errors import HamsterError
from detector.management.command import ExactCommand
from detector.models import OPEN, BatchJob
from detector.selectors.batches import batches
from detector.services.batch_intake import Incoming
from detector.services.batches import create_batch
from ml.predict import images_to_read

LOOK_INTERVAL = 0.5  # seconds
ANSWER_WITHIN = 3.0  # seconds for the workers to say what they work on


class Command(ExactCommand):
    """See the module."""

    help = "Hand in the pictures of folders, and files named (zip archives too), and follow them to the end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER_OR_FILE")
        parser.add_argument("--user", required=True, help="whose batch it is: a user name")
        parser.add_argument("--jsonl", type=Path, metavar="FILE", help="write a JSON line for each picture")

    def handle(self, *, paths: list[Path], user: str, jsonl: Path | None, **_: Any) -> None:
        owner = get_user_model().objects.filter(**{get_user_model().USERNAME_FIELD: user}).first()
        if owner is None:
            raise CommandError(f"There is no user {user!r}; `manage.py createsuperuser` makes one.")
        try:
            files = [Incoming(str(name), path) for path, name in images_to_read(paths, results=jsonl)]
            results = _open(jsonl) if jsonl else nullcontext()
        except OSError as error:
            raise CommandError(str(error)) from error
        with results as lines:
            _require_worker()
            try:
                batch = create_batch(owner=owner, files=files)
            except (HamsterError, OSError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{batch}: {batch.total} items")
            ended = self.follow(batch)
            if ended is None:
                return
            if lines is not None:
                _write(ended, lines)
        if ended.state != BatchJob.State.SUCCEEDED:
            raise CommandError(f"{batch} {ended.state}.")

    def follow(self, batch: BatchJob) -> BatchJob | None:
        """Say how far it has come until it has ended, or until Ctrl-C, then None.

        Raises CommandError if it is deleted meanwhile.
        """
        try:
            return self._look_on(batch)
        except KeyboardInterrupt:
            self.stdout.write("The batch goes on without this command; its page has the button to cancel it.")
            return None

    def _look_on(self, batch: BatchJob) -> BatchJob:
        said = ""
        while True:
            now = batches().filter(pk=batch.pk).first()
            if now is None:
                raise CommandError(f"{batch} was deleted.")
            line = f"{now.state}: {now.succeeded} succeeded, {now.failed} failed of {now.total}"
            if line != said:
                said = line
                self.stdout.write(line)
            if now.state not in OPEN:
                return now
            time.sleep(LOOK_INTERVAL)


def _open(path: Path) -> IO[str]:
    """The file of results; what it holds stays until there are new ones. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")


def _write(batch: BatchJob, lines: IO[str]) -> None:
    lines.truncate(0)
    lines.writelines(json.dumps(as_object(item)) + "\n" for item in batch.items.order_by("number").iterator())


def _require_worker() -> None:
    """Raises CommandError unless a running worker takes batches."""
    try:
        queues = current_app.control.inspect(timeout=ANSWER_WITHIN).active_queues() or {}
    except (BrokerError, OSError) as error:
        raise CommandError(f"Redis does not answer ({error}). Start the site: manage.py up") from error
    if not any(queue["name"] == "batch" for taken in queues.values() for queue in taken):
        raise CommandError("No batch worker answers. Start the site, `manage.py up`, and try again.")
