"""`manage.py start NAME`: one of the processes that `manage.py up` runs together, on its own."""

import os
from argparse import ArgumentParser

from django.conf import settings

from detector.management.command import ExactCommand
from hamster_site.management.commands.up import site_services
from hamster_site.up_lock import several_here


class Command(ExactCommand):
    """Becomes the web process or a worker."""

    help = "Run one process of the site, after `manage.py prepare`. The web process listens on HOST and PORT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the process's name."""
        parser.add_argument("name", choices=[service.name for service in site_services("", 0)])

    def handle(self, *, name: str, **_: object) -> None:
        """Replace this process, so that signals reach the one that was asked for. Raises CommandError."""
        services = {service.name: service for service in site_services(settings.HOST, settings.PORT)}
        service = services[name]
        environment = os.environ | {"COMPONENT": name} | dict(service.environment)
        with several_here(settings.VAR_DIR, f"manage.py start {name}"):  # until that program ends
            os.execvpe(service.command[0], list(service.command), environment)  # noqa: S606
