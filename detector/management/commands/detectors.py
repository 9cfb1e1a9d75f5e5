"""`manage.py detectors`: the registered detector versions."""

from typing import Any

from detector.management.command import ExactCommand
from detector.selectors.versions import detector_versions


class Command(ExactCommand):
    """See the module."""

    help = "List the registered detector versions, newest first."

    def handle(self, **_: Any) -> None:
        for version in detector_versions():
            created = f"{version.created_at:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{version.state:<10} {created}  {version.sha256[:12]}  {version.name}")
