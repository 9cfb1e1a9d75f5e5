"""Rows: detector versions, who did what to them, training runs, and batches of pictures."""

from functools import partial

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from detector.conf import config
from ml.config import TrainConfig


def recipe(name: str) -> float:
    """A setting of the shipped detector's recipe: a new run's default.

    Asked for by name, so that a better recipe changes no column and needs no migration.
    """
    return getattr(TrainConfig(), name)


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


class JobState(models.TextChoices):
    """Where a piece of background work stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


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
    folder = models.CharField(max_length=100, unique=True, help_text="Of its files, inside MEDIA_ROOT.")
    created_at = models.DateTimeField(auto_now_add=True)
    served_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last took pictures of it: the longest ago is next."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

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
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="one_item_of_a_number")]
        indexes = [models.Index(fields=["batch", "state"], name="items_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def error(self) -> dict[str, str] | None:
        """Why it failed: a code for programs, a message for people."""
        return {"code": self.error_code, "message": self.error_message} if self.error_code else None
