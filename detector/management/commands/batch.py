"""`manage.py batch FOLDER_OR_FILES... --user NAME`: look at many pictures with the site's batch workers."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from celery import current_app
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError as BrokerError

from detector.downloads import as_object
from detector.errors import HamsterError
from detector.models import OPEN, BatchJob
from detector.selectors.batches import batches
from detector.services.batch_intake import Incoming
from detector.services.batches import create_batch
from ml.predict import find_images

LOOK_INTERVAL = 0.5  # seconds
ANSWER_WITHIN = 3.0  # seconds for the workers to say what they work on


class Command(BaseCommand):
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
        _require_worker()
        try:
            files = [Incoming(str(name), path) for path, name in find_images(paths)]
            batch = create_batch(owner=owner, files=files)
        except (HamsterError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{batch}: {batch.total} items")
        ended = self._follow(batch)
        if jsonl is not None:
            with jsonl.open("w", encoding="utf-8") as lines:
                lines.writelines(
                    json.dumps(as_object(item)) + "\n" for item in ended.items.order_by("number").iterator()
                )
        if ended.state != BatchJob.State.SUCCEEDED:
            raise CommandError(f"{batch} {ended.state}.")

    def _follow(self, batch: BatchJob) -> BatchJob:
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


def _require_worker() -> None:
    """Raises CommandError unless a running worker takes batches."""
    try:
        queues = current_app.control.inspect(timeout=ANSWER_WITHIN).active_queues() or {}
    except (BrokerError, OSError) as error:
        raise CommandError(f"Redis does not answer ({error}). Start the site: manage.py up") from error
    if not any(queue["name"] == "batch" for taken in queues.values() for queue in taken):
        raise CommandError("No batch worker answers. Start the site, `manage.py up`, and try again.")
