"""Django's entry into the detector app."""

from django.apps import AppConfig


class DetectorConfig(AppConfig):
    """Names the app and brings in its system checks."""

    name = "detector"
    verbose_name = "Detector"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from detector import checks  # noqa: F401  (registers the system checks)
