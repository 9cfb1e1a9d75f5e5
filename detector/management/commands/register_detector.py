"""`manage.py register_detector [FILE]`: the shipped detector, or a file of one's own as a candidate."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from detector.models import DetectorVersion
from detector.services.versions import VersionError, register_shipped_detector, register_version


class Command(ExactCommand):
    """See the module."""

    help = "Register the shipped detector (active if none is), or FILE as a candidate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="an .onnx file exported by ml.export")
        parser.add_argument("--name", default="", help="its name here; default: the one in its card")

    def handle(self, *, file: Path | None, name: str, **_: Any) -> None:
        try:
            if file is None:
                version = register_shipped_detector()
            else:
                version = register_version(onnx=file, source=DetectorVersion.Source.IMPORTED, name=name)
        except VersionError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version.name}: {version.state}")
