"""`manage.py rollback`: serve the detector version that was active before."""

from typing import Any

from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from detector.services.versions import VersionError, roll_back


class Command(ExactCommand):
    """See the module."""

    help = "Return to the detector version that was active before the current one."

    def handle(self, **_: Any) -> None:
        try:
            version = roll_back(actor=None)
        except VersionError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version.name} is active again; running web processes follow within seconds.")
