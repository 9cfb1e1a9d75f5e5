"""`manage.py add_dataset NAME PATH`: register a folder in YOLO layout as a data set."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from detector.errors import HamsterError
from detector.management.command import ExactCommand
from detector.services.datasets import register_dataset


class Command(ExactCommand):
    """See the module."""

    help = "Register a folder on this machine, in YOLO layout, as a data set; a batch worker checks it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("path", type=Path)

    def handle(self, *, name: str, path: Path, **_: Any) -> None:
        try:
            dataset = register_dataset(name=name, folder=str(path.absolute()), owner=None)
        except HamsterError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{dataset.name}: {dataset.folder}; the check is queued.")
