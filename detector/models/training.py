"""Rows: training runs."""

from functools import partial

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from detector.models.jobs import JobState
from detector.models.versions import DetectorVersion
from ml.config import TrainConfig


def recipe(name: str) -> float:
    """A setting of the shipped detector's recipe: a new run's default.

    Asked for by name, so that a better recipe changes no column and needs no migration.
    """
    return getattr(TrainConfig(), name)


class TrainingRun(models.Model):
    """One run of `python -m ml.train`: what was asked for, and how far it has come."""

    Status = JobState

    name = models.CharField(max_length=120)
    data_dirs = models.JSONField(default=list, help_text="Folders in YOLO layout, as a list.")
    epochs = models.PositiveIntegerField(
        default=partial(recipe, "epochs"), validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    image_size = models.PositiveIntegerField(
        default=partial(recipe, "image_size"), validators=[MinValueValidator(64), MaxValueValidator(640)]
    )
    batch_size = models.PositiveIntegerField(
        default=partial(recipe, "batch_size"), validators=[MinValueValidator(1)]
    )
    learning_rate = models.FloatField(
        default=partial(recipe, "lr"), validators=[MinValueValidator(1e-6), MaxValueValidator(1.0)]
    )
    seed = models.PositiveIntegerField(default=TrainConfig.seed)
    device = models.CharField(max_length=20, default="auto", help_text="auto, cpu, cuda or cuda:0.")

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_index=True)
    progress = models.FloatField(default=0.0, help_text="0 to 1.")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    resumptions = models.PositiveSmallIntegerField(
        default=0, help_text="Times it was taken up again after its worker died, since it last got further."
    )
    error = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="training_runs",
    )
    run_dir = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    version = models.ForeignKey(
        DetectorVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_runs"
    )

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
