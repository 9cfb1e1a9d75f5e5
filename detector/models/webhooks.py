"""Rows: who is told that a batch has ended, and every attempt to tell them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from detector.models.batches import BatchJob


class Webhook(models.Model):
    """An address that is told each time its batch ends. Its secret signs what is sent."""

    class State(models.TextChoices):
        IDLE = "idle", _("not due")
        WAITING = "waiting", _("to be sent")
        DELIVERED = "delivered", _("delivered")
        GIVEN_UP = "given_up", _("given up")

    batch = models.OneToOneField(BatchJob, on_delete=models.CASCADE, related_name="webhook")
    url = models.CharField("URL", max_length=500)
    secret = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.IDLE, db_index=True)
    event = models.CharField(max_length=32, blank=True, help_text="The latest end of the batch.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Attempts to tell of the latest end.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="Of the next attempt.")
    calling_until = models.DateTimeField(
        null=True,
        blank=True,
        db_index=True,
        help_text="Set while a worker calls it: then at the latest it is over.",
    )

    def __str__(self) -> str:
        return f"webhook of {self.batch_id}"


class WebhookAttempt(models.Model):
    """One request to a webhook's address, and what came back."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="attempts")
    event = models.CharField(max_length=32)
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the answer, if one came.")
    answer = models.CharField(max_length=500, blank=True, help_text="How its body begins.")
    error = models.CharField(max_length=300, blank=True, help_text="Why it counts as failed.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.status or self.error}"

    @property
    def succeeded(self) -> bool:
        """Whether the other side has taken it."""
        return not self.error
