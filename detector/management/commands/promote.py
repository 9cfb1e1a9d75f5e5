"""`manage.py promote NAME`: serve another detector version."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from detector.selectors.versions import detector_versions
from detector.services.versions import VersionError, promote_version


class Command(ExactCommand):
    """See the module."""

    help = "Make a registered detector version the active one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="as shown by `manage.py detectors`")

    def handle(self, *, name: str, **_: Any) -> None:
        version = detector_versions().filter(name=name).first()
        if version is None:
            raise CommandError(f"There is no detector version {name!r}; `manage.py detectors` lists them.")
        try:
            promote_version(version=version, actor=None)
        except VersionError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{name} is active; running web processes follow within seconds.")
