"""The wiring as a Django app, for its `up` command."""

from django.apps import AppConfig


class HamsterSiteConfig(AppConfig):
    """Names the app, which has no models, and brings in what listens to accounts."""

    name = "hamster_site"
    verbose_name = "Hamster Expression"

    def ready(self) -> None:
        from hamster_site import account_events, checks  # noqa: F401  (connects receivers, registers checks)
