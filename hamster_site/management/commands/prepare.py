"""`manage.py prepare`: what has to be there before the site's processes start."""

from django.core.management import call_command

from detector.management.command import ExactCommand
from hamster_site.static_files import collect_changed


class Command(ExactCommand):
    """Brings the database, the shipped detector and the static files up to date."""

    help = "Migrate the database, register the shipped detector, and collect changed static files."

    def handle(self, **_: object) -> None:
        """Do it; what is up to date already is left as it is."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("register_detector")
        collect_changed()
