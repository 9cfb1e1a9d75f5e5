"""What the API takes and gives, for validation and for the schema."""

import base64
import binascii
from typing import Any

from rest_framework import serializers

from detector.api.parsers import UploadTooLarge, base64_length
from detector.api.queries import QuerySerializer
from detector.conf import config
from ml.config import EMOTIONS, UNKNOWN
from ml.images import BadImage


class UploadSerializer(serializers.Serializer):
    """Multipart: one picture in the field `file`."""

    file = serializers.FileField(
        allow_empty_file=True,
        error_messages=dict.fromkeys(
            ("required", "invalid"), 'Send the picture as a file in the multipart field "file".'
        ),
    )

    def validate_file(self, file: Any) -> Any:
        if file.size > config.upload_max_bytes:
            raise UploadTooLarge(config.upload_max_bytes)
        return file


class KeepSerializer(QuerySerializer):
    """Query: whether the result is kept."""

    keep = serializers.BooleanField(
        default=False, help_text="Keep the result for the account that is signed in, under predictions/."
    )
    thumbnail = serializers.BooleanField(
        default=False, help_text="With it a small copy of the picture, at most 320 pixels wide and high."
    )


class Base64Picture(serializers.CharField):
    """A picture as base64, bare or in a data URL; its value is the bytes.

    Raises `BadImage`, `UploadTooLarge`.
    """

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str):
            self.fail("invalid")
        start = data.find(",") + 1 if data.startswith("data:") else 0
        if data.startswith("data:") and not data[: max(start - 1, 0)].endswith(";base64"):
            raise BadImage("The data URL is not base64.")
        if len(data) - start > base64_length(config.upload_max_bytes):
            raise UploadTooLarge(config.upload_max_bytes)
        try:
            return base64.b64decode("".join(data[start:].split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadImage("The image is not valid base64.") from error


class StreamSerializer(serializers.Serializer):
    """JSON: one picture as base64."""

    image = Base64Picture(
        trim_whitespace=False,
        allow_blank=True,
        help_text='base64, or a data URL such as "data:image/jpeg;base64,..."',
        error_messages={"required": 'Send the picture as base64 text in "image".'},
    )


class BoxSerializer(serializers.Serializer):
    """One face. Coordinates are fractions of the upright picture, 0 to 1, from its top left corner."""

    label = serializers.ChoiceField(EMOTIONS)
    score = serializers.FloatField()
    x1 = serializers.FloatField()
    y1 = serializers.FloatField()
    x2 = serializers.FloatField()
    y2 = serializers.FloatField()
    scores = serializers.DictField(
        child=serializers.FloatField(), help_text="All nine; score is the highest."
    )


class PredictionSerializer(serializers.Serializer):
    """The faces of one picture, best first. `emotion` and `confidence` are the first one's."""

    emotion = serializers.ChoiceField([*EMOTIONS, UNKNOWN])
    confidence = serializers.FloatField()
    boxes = BoxSerializer(many=True)
    detector = serializers.CharField()
    timing_ms = serializers.DictField(
        child=serializers.FloatField(), help_text="decode, queue, inference, and their total"
    )


class KeptAnswerSerializer(PredictionSerializer):
    """The same with the number under which it is kept."""

    id = serializers.IntegerField()


class HealthSerializer(serializers.Serializer):
    """Liveness."""

    name = serializers.CharField()
    version = serializers.CharField()
    status = serializers.ChoiceField(["ok"])
    detector = serializers.CharField(allow_null=True)


class DependencySerializer(serializers.Serializer):
    """One line of the readiness report."""

    status = serializers.ChoiceField(["ok", "failed"])
    message = serializers.CharField(allow_blank=True)


class ReadinessSerializer(serializers.Serializer):
    """Readiness: `ok` when every line is."""

    status = serializers.ChoiceField(["ok", "unavailable"])
    database = DependencySerializer()
    redis = DependencySerializer()
    detector = DependencySerializer()


class ErrorDetailSerializer(serializers.Serializer):
    """A code for programs, a message for people, an object for both."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class ErrorSerializer(serializers.Serializer):
    """The one error shape."""

    error = ErrorDetailSerializer()
