"""Rows: corrections, small pictures of faces that somebody sent because they were read wrong."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from detector.models.datasets import Dataset
from ml.config import EMOTIONS

NOT_A_FACE = "not_a_face"
RIGHT_LABELS = (*EMOTIONS, NOT_A_FACE)
LABEL_CHOICES = [(name, name.replace("_", " ")) for name in RIGHT_LABELS]
SHARE = (MinValueValidator(0.0), MaxValueValidator(1.0))


class Correction(models.Model):
    """A face as it was cut out, what was shown for it, and what it looks like; kept with consent only.

    Whoever sent it withdraws it, signed in or with a code. Then, and when its time is over, the picture goes,
    also out of the data sets that were made with it, and the row after it. Of a rejected one only the picture
    goes.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        ACCEPTED = "accepted", "accepted as sent"
        RELABELLED = "relabelled", "accepted with another label"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    # One of a deleted account has neither owner nor code: nobody could withdraw it, so it is erased.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="corrections"
    )
    code_hash = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="SHA-256 of the withdrawal code of somebody without an account.",
    )
    sender = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="Keyed hash of the network address of somebody without an account, while it waits.",
    )
    repeat_key = models.CharField(
        max_length=64, blank=True, help_text="Keyed hash of the key with which its request can be repeated."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True, help_text="As the consent says: at most so long.")
    consent_version = models.CharField(max_length=40, help_text="Of the text that was agreed to.")
    consent_at = models.DateTimeField()

    key = models.CharField(max_length=32, unique=True, help_text="Names its files; says nothing of anybody.")
    crop = models.FileField(max_length=200, blank=True, help_text="Empty once it is erased.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the crop.")
    signature = models.BinaryField(
        blank=True, default=bytes, help_text="Grey thumbnail, to find look-alikes. Goes first of all."
    )
    x1 = models.FloatField(validators=SHARE, help_text="The face's box, fractions of the crop.")
    y1 = models.FloatField(validators=SHARE)
    x2 = models.FloatField(validators=SHARE)
    y2 = models.FloatField(validators=SHARE)

    shown_label = models.CharField(max_length=20, help_text="What the detector said.")
    shown_score = models.FloatField(validators=SHARE)
    detector = models.CharField(max_length=120, blank=True, help_text="The version that said so.")
    label = models.CharField(max_length=20, choices=LABEL_CHOICES, help_text="What the sender says.")
    final_label = models.CharField(
        max_length=20, choices=LABEL_CHOICES, blank=True, help_text="What the reviewer says, if it is used."
    )

    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_index=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    datasets = models.ManyToManyField(
        Dataset, blank=True, related_name="corrections", help_text="Those that hold a copy of the crop."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["state", "id"], name="corrections_in_line")]
        constraints = [
            models.UniqueConstraint(
                fields=["repeat_key"], condition=~models.Q(repeat_key=""), name="one_correction_of_a_key"
            )
        ]

    def __str__(self) -> str:
        return f"correction {self.pk}"

    @property
    def file_name(self) -> str:
        """Of its crop, here and in data sets."""
        return f"{self.key}.jpg"

    @property
    def width(self) -> float:
        """Of the face's box, as a fraction of the crop."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Of the face's box, as a fraction of the crop."""
        return self.y2 - self.y1
