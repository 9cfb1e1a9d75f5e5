"""What the site's commands have in common."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class ExactCommand(BaseCommand):
    """Options are written out: a short form that fits another option may overwrite a file."""

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """The parser that every command begins with."""
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **options)
