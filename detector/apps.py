"""The Django app of the detector."""

from django.apps import AppConfig


class DetectorConfig(AppConfig):
    """Names the app."""

    name = "detector"
    verbose_name = "Detector"
