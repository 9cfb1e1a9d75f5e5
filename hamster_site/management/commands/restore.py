"""`manage.py restore FILE`: the site as a backup has it."""

import zipfile
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from hamster_site.database_copies import CopyError
from hamster_site.restore import RestoreError, restore, what_is_here
from hamster_site.up_lock import only_one_here


class Command(ExactCommand):
    """Replaces the database and the site's files."""

    help = "Replace this site, its database and its files, by what `manage.py backup` wrote. Stop it first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare from where, and the consent to lose what is here."""
        parser.add_argument("file", type=Path, help="what `manage.py backup` wrote")
        parser.add_argument("--yes", action="store_true", help="replace the site that is here")

    def handle(self, *, file: Path, yes: bool, **_: object) -> None:
        """Restore it. Raises CommandError."""
        with only_one_here(settings.VAR_DIR, "a restore"):
            try:
                if not yes and (here := what_is_here()):
                    raise CommandError(
                        f"There is a site here already: {', '.join(here)}. --yes deletes it first."
                    )
                manifest = restore(file)
            except (RestoreError, CopyError, OSError, zipfile.BadZipFile) as error:
                raise CommandError(f"{file} could not be restored: {error}") from error
        self.stdout.write(
            self.style.SUCCESS(f"This site is as it was at {manifest.made_at}: {len(manifest.sha256)} files.")
        )
