"""Rows: training runs."""

from collections.abc import Collection
from functools import partial

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, StepValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from detector.models.datasets import Dataset
from detector.models.jobs import JobState
from detector.models.versions import DetectorVersion
from ml.config import TrainConfig


def recipe(name: str) -> float:
    """A setting of the shipped detector's recipe: a new run's default.

    Asked for by name, so that a better recipe changes no column and needs no migration.
    """
    return getattr(TrainConfig(), name)


def on_one_line(name: str) -> None:
    """Raises ValidationError for line breaks and whatever else can't be seen."""
    if not name.isprintable():
        raise ValidationError(_("Write the name on one line, in characters that can be seen."))


class TrainingRun(models.Model):
    """One run of `python -m ml.train`: what was asked for, and how far it has come."""

    Status = JobState

    class Augment(models.TextChoices):
        NONE = "none", _("none: only place, size and slant")
        LIGHT = "light", _("Light")
        FULL = "full", _("Full")

    name = models.CharField(max_length=120, help_text=_("Of the run, and of the detector version it makes."))
    datasets = models.ManyToManyField(Dataset, blank=True, related_name="training_runs")
    data_dirs = models.JSONField(default=list, help_text="Folders in YOLO layout, as a list.")
    start_from = models.ForeignKey(
        DetectorVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="continued_by",
        verbose_name=_("starting weights"),
        help_text=_("From scratch takes hours. A version learns on from what it knows, in fewer epochs."),
    )
    init_weights = models.CharField(
        max_length=400, blank=True, help_text="The checkpoint of that version, when the run was queued."
    )
    epochs = models.PositiveIntegerField(
        default=partial(recipe, "epochs"),
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Times that every picture is seen."),
    )
    image_size = models.PositiveIntegerField(
        default=partial(recipe, "image_size"),
        validators=[MinValueValidator(64), MaxValueValidator(640), StepValueValidator(32)],
        help_text=_("Longest side in pixels, a multiple of 32. Larger finds smaller faces and is slower."),
    )
    batch_size = models.PositiveIntegerField(
        default=partial(recipe, "batch_size"),
        validators=[MinValueValidator(1), MaxValueValidator(4096)],
        help_text=_("Pictures at a time. If memory runs out, halve it."),
    )
    learning_rate = models.FloatField(
        default=partial(recipe, "lr"),
        validators=[MinValueValidator(1e-6), MaxValueValidator(1.0)],
        help_text=_("The highest of the run. From a version, a tenth of it forgets less."),
    )
    seed = models.PositiveIntegerField(
        default=TrainConfig.seed,
        validators=[MaxValueValidator(2**31 - 1)],
        help_text=_("The same seed on the same machine repeats a run."),
    )
    augment = models.CharField(
        _("augmentation"),
        max_length=10,
        choices=Augment,
        default=Augment.FULL,
        help_text=_(
            "How strongly light, colour and sharpness of the pictures are varied. Full suits cameras."
        ),
    )
    patience = models.PositiveIntegerField(
        _("early stop"),
        default=0,
        validators=[MaxValueValidator(1000)],
        help_text=_("End when the figures have not risen for this many epochs. 0: never."),
    )
    device = models.CharField(
        max_length=20,
        default="auto",
        validators=[RegexValidator(r"^(auto|cpu|cuda(:\d+)?)\Z", _("Write auto, cpu, cuda or cuda:0."))],
        help_text=_("auto takes a GPU if there is one. Or: cpu, cuda, cuda:0."),
    )

    command = models.TextField(blank=True, help_text="That its worker last started, for a shell.")
    report = models.JSONField(
        default=dict,
        help_text="What its process last said: phase, epoch, step, losses, hardware, time left.",
    )
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
    queued_at = models.DateTimeField(default=timezone.now, help_text="Its place in the queue.")
    sent_at = models.DateTimeField(
        default=timezone.now, help_text="When it was last sent to the workers: messages can get lost."
    )
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

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As any model's, and the name is on one line. Raises ValidationError."""
        super().clean_fields(exclude)
        if "name" not in (exclude or ()):
            try:
                on_one_line(self.name)
            except ValidationError as error:
                raise ValidationError({"name": error}) from error
