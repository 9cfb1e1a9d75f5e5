"""Rows: predictions that somebody asked to keep."""

from django.conf import settings
from django.db import models


class Prediction(models.Model):
    """What was found in one uploaded picture. The picture itself is not kept."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="predictions")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    name = models.CharField(max_length=255, help_text="Of the file, as its sender called it.")
    width = models.PositiveIntegerField(help_text="Pixels of the upright picture.")
    height = models.PositiveIntegerField(help_text="Pixels of the upright picture.")
    result = models.JSONField(help_text="A Prediction.")
    emotion = models.CharField(max_length=20, help_text="The result's; unknown: no face.")
    detector = models.CharField(max_length=120, help_text="The version that looked at it.")
    # In the row, so that it goes with it, whoever deletes it.
    thumbnail = models.BinaryField(
        null=True, help_text="A small JPEG of the picture, where its owner wanted one."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="predictions_of_owner")]

    def __str__(self) -> str:
        return f"prediction {self.pk}"
