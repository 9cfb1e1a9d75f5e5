"""Rows: data sets that training runs learn from."""

from django.conf import settings
from django.db import models


class Dataset(models.Model):
    """A folder in YOLO layout on this server: registered where it lies, or unpacked from an upload."""

    name = models.CharField(max_length=120, unique=True)
    folder = models.CharField(max_length=400, unique=True, help_text="On this server, in YOLO layout.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="datasets"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
