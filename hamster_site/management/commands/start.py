"""`manage.py start NAME`: one of the processes that `manage.py up` runs together, on its own."""

import os
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand

from hamster_site.management.commands.up import site_services


class Command(BaseCommand):
    """Becomes the web process or a worker."""

    help = "Run one process of the site, after `manage.py prepare`. The web process listens on HOST and PORT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the process's name."""
        parser.add_argument("name", choices=[service.name for service in site_services("", 0)])

    def handle(self, *, name: str, **_: object) -> None:
        """Replace this process, so that signals reach the one that was asked for."""
        services = {service.name: service for service in site_services(settings.HOST, settings.PORT)}
        service = services[name]
        environment = os.environ | {"COMPONENT": name} | dict(service.environment)
        os.execvpe(service.command[0], list(service.command), environment)  # noqa: S606
