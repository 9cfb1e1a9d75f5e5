"""Rows: what a detector version finds in the pictures of a data set."""

from django.conf import settings
from django.db import models

from detector.models.datasets import Dataset
from detector.models.jobs import JobState
from detector.models.versions import DetectorVersion


class Evaluation(models.Model):
    """One version over one split of a data set, worked on a few seconds at a time by the batch workers."""

    State = JobState

    version = models.ForeignKey(DetectorVersion, on_delete=models.CASCADE, related_name="evaluations")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="evaluations")
    split = models.CharField(max_length=10, default="valid")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, db_index=True)
    total = models.PositiveIntegerField(default=0, help_text="Pictures.")
    done = models.PositiveIntegerField(default=0, help_text="Pictures looked at.")
    figures = models.JSONField(default=dict, blank=True, help_text="As in a card, with precision_curves.")
    error = models.TextField(blank=True)
    claim = models.CharField(
        max_length=32, blank=True, help_text="Of the worker at it, drawn anew each time."
    )
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="Or given back, or sent to a worker again."
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Workers that took it since it last got further."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "dataset", "split"],
                condition=models.Q(state__in=("queued", "running")),
                name="one_open_evaluation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} on {self.dataset}"

    @property
    def progress(self) -> float:
        """Share of the pictures that are looked at, 0 to 1."""
        return round(self.done / self.total, 4) if self.total else 0.0


class EvaluationPart(models.Model):
    """What was found in some of the pictures, as `detector.evaluation_results` writes it."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="parts")
    start = models.PositiveIntegerField(help_text="The number of its first picture, from 0.")
    pictures = models.JSONField()

    class Meta:
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["evaluation", "start"], name="one_part_of_a_start")]

    def __str__(self) -> str:
        return f"from picture {self.start}"
