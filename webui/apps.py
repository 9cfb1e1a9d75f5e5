"""The web pages as a Django app."""

from django.apps import AppConfig


class WebuiConfig(AppConfig):
    """Registers templates and static files; there is nothing else to start."""

    name = "webui"
    verbose_name = "Web pages"
