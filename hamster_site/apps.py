"""The wiring as a Django app, for its `up` command."""

from django.apps import AppConfig
from django.conf import settings

from detector import __version__


class HamsterSiteConfig(AppConfig):
    """Names the app, which has no models, and brings in what listens to accounts."""

    name = "hamster_site"
    verbose_name = "Hamster Expression"

    def ready(self) -> None:
        from hamster_site import account_events, checks  # noqa: F401  (connects receivers, registers checks)

        if settings.SENTRY_DSN:
            from hamster_site.sentry import start_sentry

            start_sentry(
                settings.SENTRY_DSN, environment=settings.SENTRY_ENVIRONMENT, release=f"hamster@{__version__}"
            )
