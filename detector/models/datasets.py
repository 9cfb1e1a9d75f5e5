"""Rows: data sets that training runs learn from, and their pictures as the latest check saw them."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from detector.models.jobs import JobState


class Dataset(models.Model):
    """A folder in YOLO layout on this server: registered where it lies, or unpacked from an upload.

    Its state is that of the check, the job that looks through it.
    """

    State = JobState

    name = models.CharField(max_length=120, unique=True)
    folder = models.CharField(max_length=400, unique=True, help_text="On this server, in YOLO layout.")
    uploaded = models.BooleanField(
        default=False, help_text="Whether the files are the site's own, and deleted with the data set."
    )
    from_corrections = models.BooleanField(default=False, help_text="Whether it was made of corrections.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of an uploaded one.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="datasets"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, db_index=True)
    progress = models.FloatField(
        default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)], help_text="0 to 1."
    )
    claim = models.CharField(max_length=32, blank=True, help_text="Of the worker that checks it or did.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that took this check.")
    heartbeat_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was queued last, or its worker last gave a sign of life."
    )
    error = models.TextField(blank=True, help_text="Why it could not be checked.")
    report = models.JSONField(null=True, blank=True, help_text="What the check found.")
    images = models.PositiveIntegerField(null=True, blank=True, help_text="Pictures, when it is checked.")
    problem_count = models.PositiveIntegerField("problems", null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class DatasetSample(models.Model):
    """One picture of a data set."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="samples")
    claim = models.CharField(max_length=32, help_text="Of the check that saw it: others' are left over.")
    split = models.CharField(max_length=10, help_text="train, valid or test.")
    file = models.CharField(max_length=600, help_text="Inside the data set's folder.")
    width = models.PositiveIntegerField(help_text="Pixels; 0 if the picture is broken.")
    height = models.PositiveIntegerField()
    faces = models.JSONField(help_text="label, x1, y1, x2, y2; fractions of the upright picture.")
    classes = models.PositiveIntegerField(
        help_text="A bit for each expression in it, in the detector's order; the next one for unknown ones."
    )
    problems = models.JSONField(default=list, help_text="line (0: the file) and message.")
    has_problems = models.BooleanField()

    class Meta:
        ordering = ["dataset", "id"]
        indexes = [models.Index(fields=["dataset", "claim", "split", "id"], name="samples_by_split")]

    def __str__(self) -> str:
        return self.file

    @property
    def corners(self) -> list[dict[str, str | float]]:
        """Its boxes in pixels: label, x, y, width, height."""
        return [
            {
                "label": face["label"],
                "x": round(face["x1"] * self.width, 1),
                "y": round(face["y1"] * self.height, 1),
                "width": round((face["x2"] - face["x1"]) * self.width, 1),
                "height": round((face["y2"] - face["y1"]) * self.height, 1),
            }
            for face in self.faces
        ]
