"""What the API takes and gives about kept live sessions. `detector.session_record` checks what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from detector.api.queries import QuerySerializer
from detector.models import LiveSession
from ml.config import EMOTIONS, UNKNOWN


class NineScoresSerializer(serializers.Serializer):
    """A number from 0 to 1 for each expression."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.FloatField(min_value=0, max_value=1) for name in EMOTIONS}


class SharesSerializer(serializers.Serializer):
    """The share of the samples with each expression, 0 to 1; `unknown` is that without a face."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.FloatField() for name in (*EMOTIONS, UNKNOWN)}


class FramesSerializer(serializers.Serializer):
    """How many frames were sent, and how many of them looked at."""

    sent = serializers.IntegerField(min_value=1)
    answered = serializers.IntegerField(min_value=1)


class MomentSerializer(serializers.Serializer):
    """A frame that showed an expression most surely; `t` in milliseconds since the beginning."""

    t = serializers.IntegerField(min_value=0)
    label = serializers.ChoiceField(EMOTIONS)
    score = serializers.FloatField(min_value=0, max_value=1)
    scores = NineScoresSerializer()


class SamplesSerializer(serializers.Serializer):
    """The timeline. A row is `[t, number of the expression or -1 without a face, nine scores]`.

    `t` counts milliseconds since the beginning, is a multiple of `step_ms`, and grows from row to row; where
    nothing was looked at there is no row. Expressions are numbered from 0 in the order of their names.
    """

    step_ms = serializers.IntegerField(min_value=50, max_value=3_600_000)
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=11, max_length=11),
        min_length=1,
        max_length=1200,
    )


class LiveSessionUploadSerializer(serializers.Serializer):
    """JSON: a session to keep."""

    name = serializers.CharField(required=False, max_length=80, allow_blank=True)
    started_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField(min_value=1)
    frames = FramesSerializer()
    detectors = serializers.ListField(child=serializers.CharField(), required=False, max_length=5)
    moments = MomentSerializer(many=True, required=False)
    samples = SamplesSerializer()


class LiveSessionRenameSerializer(serializers.Serializer):
    """JSON: the new name; it may be empty."""

    name = serializers.CharField(max_length=80, allow_blank=True)


class LiveSessionSerializer(serializers.ModelSerializer):
    """One kept session, as lists have it."""

    frames = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    ribbon = serializers.CharField(
        help_text="60 equal parts, a sign each: the number of an expression, - without a face, "
        "or . without a sample."
    )

    class Meta:
        model = LiveSession
        fields = [
            *("id", "name", "started_at", "duration_ms", "frames", "detectors"),
            *("summary", "ribbon", "created_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(FramesSerializer)
    def get_frames(self, session: LiveSession) -> dict[str, int]:
        return {"sent": session.frames_sent, "answered": session.frames_answered}

    @extend_schema_field(SharesSerializer)
    def get_summary(self, session: LiveSession) -> dict[str, float]:
        return session.summary


class LiveSessionDetailSerializer(LiveSessionSerializer):
    """One kept session with its moments and its timeline."""

    moments = serializers.SerializerMethodField()
    samples = serializers.SerializerMethodField()

    class Meta(LiveSessionSerializer.Meta):
        fields = [*LiveSessionSerializer.Meta.fields, "moments", "samples"]
        read_only_fields = fields

    @extend_schema_field(MomentSerializer(many=True))
    def get_moments(self, session: LiveSession) -> list[dict[str, Any]]:
        return session.moments

    @extend_schema_field(SamplesSerializer)
    def get_samples(self, session: LiveSession) -> dict[str, Any]:
        return session.samples


class SessionDownloadSerializer(QuerySerializer):
    """Query: the form of a download."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Not as class attributes: `as` is a word of Python's."""
        form = serializers.ChoiceField(
            ["csv", "json"], default="json", help_text="csv: a line a sample; json: as the session itself"
        )
        return {"as": form}
