"""Rows: detector versions, and who did what to them."""

from django.conf import settings
from django.db import models

from detector.conf import config


def detector_file_path(version: "DetectorVersion", filename: str) -> str:
    """Where a detector file is stored: named by its content, so a later file never overwrites it."""
    return f"{config.detectors_folder}/{version.sha256}.onnx"


class DetectorVersion(models.Model):
    """One detector file that the site may serve. At most one is active."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        RETIRED = "retired"

    class Source(models.TextChoices):
        SHIPPED = "shipped", "came with the product"
        TRAINING = "training", "trained here"
        IMPORTED = "imported", "imported from a file"

    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.CANDIDATE, db_index=True)
    source = models.CharField(max_length=10, choices=Source)
    onnx = models.FileField(upload_to=detector_file_path, max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    card = models.JSONField(default=dict, help_text="Data, configuration, seed, thresholds and metrics.")
    previous = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="What was active when this one was promoted: the target of a roll back.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_active_detector"
            )
        ]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what to which detector version, and when. Never changed, never deleted by the site."""

    class Action(models.TextChoices):
        REGISTER = "register"
        PROMOTE = "promote"
        ROLL_BACK = "roll back"

    action = models.CharField(max_length=20, choices=Action)
    subject = models.CharField(max_length=120, help_text="The detector version's name.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=150, help_text="Stays when the account is deleted.")
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.subject} by {self.actor_name}"
