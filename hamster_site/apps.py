"""The wiring as a Django app, for its `up` command."""

from django.apps import AppConfig


class HamsterSiteConfig(AppConfig):
    """Names the app; it has no models."""

    name = "hamster_site"
    verbose_name = "Hamster Expression"

    def ready(self) -> None:
        from hamster_site import checks  # noqa: F401  (registers the system checks)
