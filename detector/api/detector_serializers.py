"""What the API takes and gives about detector versions, for validation and for the schema."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from detector.api.queries import QuerySerializer
from detector.api.stored_text_fields import StoredTextField
from detector.models import Dataset, DetectorVersion, Evaluation
from detector.selectors.versions import file_size, shadow_report


class DetectorSerializer(serializers.ModelSerializer):
    """One detector version, with what its card says about how good it is."""

    metrics = serializers.SerializerMethodField()
    size = serializers.SerializerMethodField(help_text="Bytes; null if the file is not there.")
    previous = serializers.SlugRelatedField("name", read_only=True, allow_null=True)

    class Meta:
        model = DetectorVersion
        fields = [
            *("id", "name", "state", "source", "sha256", "size", "metrics", "speed"),
            *("is_shadow", "shadow_share", "shadow_since", "previous", "created_at", "activated_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_metrics(self, version: DetectorVersion) -> dict[str, Any]:
        return version.card.get("metrics") or {}

    def get_size(self, version: DetectorVersion) -> int | None:
        return file_size(version)


class AgreementSerializer(serializers.Serializer):
    """Faces (frames, where it is "unknown") to which the live version gave this name."""

    emotion = serializers.CharField()
    agreed = serializers.IntegerField()
    disagreed = serializers.IntegerField()


class ShadowReportSerializer(serializers.Serializer):
    """What was counted of a version as a shadow, all web processes together."""

    live = serializers.ListField(child=serializers.CharField())
    by_emotion = AgreementSerializer(many=True)
    frames = serializers.IntegerField(help_text="Looked at.")
    gave_way = serializers.IntegerField(help_text="Passed over because the engine was busy.")
    shadow_ms = serializers.FloatField(allow_null=True, help_text="Mean milliseconds a frame.")
    live_ms = serializers.FloatField(allow_null=True, help_text="The live version's, same frames.")
    slowest_ms = serializers.FloatField(allow_null=True)


class DetectorDetailSerializer(DetectorSerializer):
    """The same with the whole card, and what was counted while it was a shadow."""

    shadow = serializers.SerializerMethodField()

    class Meta(DetectorSerializer.Meta):
        fields = [*DetectorSerializer.Meta.fields, "shadow", "card"]
        read_only_fields = fields

    @extend_schema_field(ShadowReportSerializer(allow_null=True))
    def get_shadow(self, version: DetectorVersion) -> dict[str, Any] | None:
        report = shadow_report(version)
        return ShadowReportSerializer(report).data if report else None


class DetectorFilterSerializer(QuerySerializer):
    """Query: which versions."""

    state = serializers.ChoiceField(DetectorVersion.State.choices, required=False)
    source = serializers.ChoiceField(DetectorVersion.Source.choices, required=False)


class InsteadOfSerializer(serializers.Serializer):
    """What who decides takes for the active version: if it is another by then, nothing is done."""

    instead_of = serializers.IntegerField(required=False, help_text="The active version's id.")


@extend_schema_field({"type": "number", "exclusiveMinimum": True, "minimum": 0, "maximum": 1})
class FrameShare(serializers.FloatField):
    """More than 0, at most 1; the service refuses others."""


class StartShadowSerializer(serializers.Serializer):
    """How much a shadow looks at."""

    share = FrameShare(
        required=False,
        help_text="Of the live frames, more than 0, at most 1; HAMSTER_SHADOW_SHARE by default.",
    )


class DetectorFileSerializer(QuerySerializer):
    """Query: which of a version's files."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Not as class attributes: `as` is a word of Python's."""
        form = serializers.ChoiceField(
            ["onnx", "card", "pt"],
            default="onnx",
            help_text="onnx: what is served; card: its card as JSON; pt: the checkpoint to train on from",
        )
        return {"as": form}


class EvaluationSerializer(serializers.ModelSerializer):
    """A version over one split of a data set, `valid` or `test`."""

    version = serializers.SlugRelatedField("name", read_only=True)
    dataset = serializers.SlugRelatedField("name", read_only=True)
    progress = serializers.FloatField(help_text="Share of the pictures that are looked at, 0 to 1.")
    error = StoredTextField()

    class Meta:
        model = Evaluation
        fields = [
            *("id", "version", "dataset", "split", "state", "total", "done", "progress"),
            *("error", "figures", "created_at", "finished_at"),
        ]
        read_only_fields = fields


class StartEvaluationSerializer(serializers.Serializer):
    """On what."""

    dataset = serializers.PrimaryKeyRelatedField(
        queryset=Dataset.objects.all(), help_text="The data set's id; its valid split is looked at."
    )
