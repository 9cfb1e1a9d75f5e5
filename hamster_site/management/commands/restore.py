"""`manage.py restore FILE`: the site as a backup has it."""

import zipfile
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from hamster_site.database_copies import CopyError
from hamster_site.restore import RestoreError, end_all_access, restore, what_is_here
from hamster_site.up_lock import only_one_here

RETURNED = "what people deleted or withdrew since then: README.md, Backup and restore, says what to do."
BACK = f"It has the sessions and API tokens of then (--end-access ends them all), and {RETURNED}"
ENDED = f"All its sessions and API tokens are ended. It has {RETURNED}"


class Command(ExactCommand):
    """Replaces the database and the site's files."""

    help = "Replace this site, its database and its files, by what `manage.py backup` wrote. Stop it first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare from where, and the consent to lose what is here."""
        parser.add_argument("file", type=Path, help="what `manage.py backup` wrote")
        parser.add_argument("--yes", action="store_true", help="replace the site that is here")
        parser.add_argument("--end-access", action="store_true", help="end all sessions and API tokens in it")

    def handle(self, *, file: Path, yes: bool, end_access: bool, **_: object) -> None:
        """Restore it. Raises CommandError."""
        with only_one_here(settings.VAR_DIR, "a restore"):
            try:
                if not yes and (here := what_is_here()):
                    raise CommandError(
                        f"There is a site here already: {', '.join(here)}. --yes deletes it first."
                    )
                manifest = restore(file)
                if end_access:
                    end_all_access()
            except (RestoreError, CopyError, OSError, zipfile.BadZipFile) as error:
                raise CommandError(f"{file} could not be restored: {error}") from error
        self.stdout.write(
            self.style.SUCCESS(f"This site is as it was at {manifest.made_at}: {len(manifest.sha256)} files.")
        )
        self.stdout.write(ENDED if end_access else BACK)
