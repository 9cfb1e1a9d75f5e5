"""The wiring: settings, URLs, ASGI, Celery, logging and the processes that serve the site."""

from hamster_site.celery import app as celery_app

__all__ = ["celery_app"]
