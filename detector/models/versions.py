"""Rows: detector versions, and who did what to them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

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
        SHIPPED = "shipped", _("came with the product")
        TRAINING = "training", _("trained here")
        IMPORTED = "imported", _("imported from a file")

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
    is_shadow = models.BooleanField(
        default=False, help_text="Looks at live frames beside the active version; nobody sees what it finds."
    )
    shadow_share = models.FloatField(null=True, blank=True, help_text="Of the live frames, 0 to 1.")
    shadow_since = models.DateTimeField(null=True, blank=True, help_text="Counted from then on.")
    shadow_refusal = models.TextField(blank=True, help_text="Why a process can't run it as a shadow.")
    speed = models.JSONField(default=dict, blank=True, help_text="Measured on this site's machine.")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="active"), name="one_active_detector"
            ),
            models.UniqueConstraint(
                fields=["is_shadow"], condition=models.Q(is_shadow=True), name="one_shadow_detector"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ShadowCount(models.Model):
    """How a shadow agreed with a live version on what that one called by one name, all processes together.

    A face of the live version is agreed on if the shadow's box over it has the same expression; a frame
    where the live one sees no face counts under "unknown", and is agreed on if the shadow sees none either.
    """

    version = models.ForeignKey(DetectorVersion, on_delete=models.CASCADE, related_name="shadow_counts")
    live = models.CharField(max_length=120, help_text="The live version's name.")
    emotion = models.CharField(max_length=20, help_text="What the live version said.")
    agreed = models.PositiveBigIntegerField(default=0)
    disagreed = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["live", "emotion"]
        constraints = [
            models.UniqueConstraint(fields=["version", "live", "emotion"], name="one_shadow_count_each")
        ]

    def __str__(self) -> str:
        return f"{self.emotion}: {self.agreed} agreed, {self.disagreed} disagreed"


class ShadowPace(models.Model):
    """How long a shadow takes for a frame and how often it gave way, all processes together."""

    version = models.OneToOneField(DetectorVersion, on_delete=models.CASCADE, related_name="shadow_pace")
    frames = models.PositiveBigIntegerField(default=0, help_text="Looked at.")
    gave_way = models.PositiveBigIntegerField(default=0, help_text="Passed over: the engine was busy.")
    shadow_ms = models.FloatField(default=0.0, help_text="Decoding and inference, all frames together.")
    live_ms = models.FloatField(default=0.0, help_text="The live version's, for the same frames.")
    slowest_ms = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"{self.frames} frames"


class AuditEntry(models.Model):
    """Who did what to which detector version, and when. Never changed, never deleted by the site."""

    class Action(models.TextChoices):
        REGISTER = "register"
        PROMOTE = "promote"
        ROLL_BACK = "roll back"
        START_SHADOW = "start shadow"
        STOP_SHADOW = "stop shadow"

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
