"""`manage.py shadow NAME`: let a version look at live frames beside the active one, or stop it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from detector.selectors.versions import detector_versions
from detector.services.shadow import start_shadow, stop_shadow
from detector.services.versions import VersionError


class Command(ExactCommand):
    """See the module."""

    help = "Start a detector version as a shadow; nobody sees what it finds, it is only counted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="as shown by `manage.py detectors`")
        parser.add_argument("--share", type=float, help="of the live frames, 0 to 1; default: the setting")
        parser.add_argument("--stop", action="store_true", help="stop it; what was counted stays")

    def handle(self, *, name: str, share: float | None, stop: bool, **_: Any) -> None:
        version = detector_versions().filter(name=name).first()
        if version is None:
            raise CommandError(f"There is no detector version {name!r}; `manage.py detectors` lists them.")
        try:
            if stop:
                stop_shadow(version=version, actor=None)
            else:
                version = start_shadow(version=version, actor=None, share=share)
        except VersionError as error:
            raise CommandError(error.message) from error
        done = "is no shadow any more" if stop else f"looks at {version.shadow_share:.0%} of the live frames"
        self.stdout.write(f"{name} {done}; running web processes follow within seconds.")
