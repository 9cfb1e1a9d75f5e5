"""What the API takes and gives about corrections, for validation and for the schema."""

import math
from typing import Any

from rest_framework import serializers

from detector.api.parsers import UploadTooLarge
from detector.conf import config
from detector.models import RIGHT_LABELS, Correction
from detector.models.corrections import LABEL_CHOICES
from ml.config import EMOTIONS


class Share(serializers.FloatField):
    """A fraction, 0 to 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **options)

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class CorrectionUploadSerializer(serializers.Serializer):
    """Multipart: a small picture of a face and what it looks like."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text="The face with a little around it. It is drawn anew, at most 320 pixels wide and high.",
        error_messages=dict.fromkeys(
            ("required", "invalid"), 'Send the picture as a file in the multipart field "file".'
        ),
    )
    x1 = Share(help_text="The face's box, as fractions of this picture.")
    y1 = Share()
    x2 = Share()
    y2 = Share()
    shown_label = serializers.ChoiceField(EMOTIONS, help_text="What the detector said.")
    shown_score = Share()
    detector = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="The version that said so."
    )
    label = serializers.ChoiceField(RIGHT_LABELS, help_text="What it looks like, or not_a_face.")
    consent = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        allow_blank=True,
        help_text="The version of the text that was agreed to, which the camera page names.",
    )

    def validate_file(self, file: Any) -> Any:
        if file.size > config.correction_max_bytes:
            raise UploadTooLarge(config.correction_max_bytes)
        return file


class CorrectionSerializer(serializers.ModelSerializer):
    """One correction. There is none any more once it is withdrawn."""

    final_label = serializers.ChoiceField(
        LABEL_CHOICES, allow_blank=True, read_only=True, help_text="Empty until somebody has looked at it."
    )

    class Meta:
        model = Correction
        fields = [
            *("id", "state", "created_at", "expires_at", "shown_label", "shown_score", "detector", "label"),
            *("final_label", "x1", "y1", "x2", "y2", "consent_version"),
        ]
        read_only_fields = fields


class NewCorrectionSerializer(CorrectionSerializer):
    """The same with the code that withdraws it."""

    code = serializers.SerializerMethodField(
        help_text="Told this one time, to who has no account; an account withdraws without."
    )

    class Meta(CorrectionSerializer.Meta):
        fields = [*CorrectionSerializer.Meta.fields, "code"]
        read_only_fields = fields

    def get_code(self, correction: Correction) -> str:
        return self.context["code"]
