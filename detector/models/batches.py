"""Rows: batches of pictures."""

from django.conf import settings
from django.db import models

from detector.models.jobs import JobState


class BatchJob(models.Model):
    """Many pictures handed in at once, looked at by the batch workers, and deleted after a while."""

    State = JobState

    # The batches of a deleted account belong to nobody until they expire, which also deletes their files.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="batches"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, db_index=True)
    cancel_requested = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0, help_text="Items.")
    detector = models.CharField(
        max_length=120, blank=True, help_text="The version that looked at the latest picture."
    )
    asked_by = models.CharField(
        max_length=64, blank=True, help_text="Id of the request that handed it in, as the log has it."
    )
    repeat_key = models.CharField(
        max_length=64, blank=True, help_text="Keyed hash of the key with which its request can be repeated."
    )
    handed_in = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what was handed in with that key."
    )
    folder = models.CharField(max_length=100, unique=True, help_text="Of its files, inside MEDIA_ROOT.")
    created_at = models.DateTimeField(auto_now_add=True)
    served_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last took pictures of it: the longest ago is next."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["repeat_key"], condition=~models.Q(repeat_key=""), name="one_batch_of_a_key"
            )
        ]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class BatchItem(models.Model):
    """One picture of a batch, or something that was refused as one."""

    State = JobState

    batch = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField(help_text="From 1, as they came.")
    name = models.CharField(max_length=255, help_text="As its sender called it.")
    file = models.FileField(max_length=200, blank=True, help_text="Empty if it was refused.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claim = models.CharField(
        max_length=32, blank=True, db_index=True, help_text="Of the worker that has it, drawn anew each time."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that took it, the last too.")
    result = models.JSONField(null=True, blank=True, help_text="A Prediction.")
    emotion = models.CharField(max_length=20, blank=True, help_text="The result's; unknown: no face.")
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="one_item_of_a_number")]
        indexes = [models.Index(fields=["batch", "state", "emotion"], name="items_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def error(self) -> dict[str, str] | None:
        """Why it failed: a code for programs, a message for people."""
        return {"code": self.error_code, "message": self.error_message} if self.error_code else None
