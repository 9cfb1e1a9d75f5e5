"""`manage.py backup FILE`: the whole site in one file, while it runs."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from detector.management.command import ExactCommand
from hamster_site.backup import write_backup
from hamster_site.database_copies import CopyError


class Command(ExactCommand):
    """Copies the database and the site's files."""

    help = "Write the whole site, its database and its files, to a new file. It may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to and what."""
        parser.add_argument("file", type=Path, help="where to, such as hamster-2026-05-01.zip; a new file")
        parser.add_argument("--with-datasets", action="store_true", help="uploaded data sets too")

    def handle(self, *, file: Path, with_datasets: bool, **_: object) -> None:
        """Write it. Raises CommandError."""
        try:
            manifest = write_backup(file, with_datasets=with_datasets)
        except (CopyError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        size = file.stat().st_size / 2**20
        self.stdout.write(
            self.style.SUCCESS(
                f"{file}: {len(manifest['sha256'])} files, {size:.1f} MiB. Keep it to yourself."
            )
        )
