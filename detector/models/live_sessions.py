"""Rows: live sessions that their owners chose to keep. They hold numbers, never a picture."""

from django.conf import settings
from django.db import models


class LiveSession(models.Model):
    """What one stretch before the camera showed, kept because its owner pressed Keep."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="live_sessions"
    )
    name = models.CharField(max_length=80, blank=True, help_text="As its owner calls it.")
    started_at = models.DateTimeField(help_text="By the clock of the browser.")
    duration_ms = models.PositiveIntegerField("duration", help_text="Milliseconds.")
    frames_sent = models.PositiveIntegerField()
    frames_answered = models.PositiveIntegerField()
    detectors = models.JSONField(help_text="The versions that looked, in order.")
    summary = models.JSONField(help_text="The share of the samples with each expression; unknown: no face.")
    ribbon = models.CharField(
        max_length=60,
        help_text="The session in equal parts, a sign each: the number of an expression in the detector's "
        "order, - without a face, . without a sample.",
    )
    moments = models.JSONField(help_text="The surest frames: t (ms), label, score, scores.")
    samples = models.JSONField(
        help_text="step_ms, and rows of t (ms), number of the expression (-1: no face), nine scores."
    )
    created_at = models.DateTimeField("kept", auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="sessions_of_owner")]

    def __str__(self) -> str:
        return f"live session {self.pk}"
