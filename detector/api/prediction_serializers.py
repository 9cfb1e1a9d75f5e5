"""What the API takes and gives about kept predictions, for validation and for the schema."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from detector.api.queries import QuerySerializer
from detector.api.serializers import PredictionSerializer
from detector.models import Prediction
from detector.prediction_downloads import FORMATS
from ml.config import EMOTIONS, UNKNOWN


class KeptPredictionSerializer(serializers.ModelSerializer):
    """What was found in one picture, kept for who sent it until `expires_at`. Width and height are pixels."""

    prediction = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField(help_text="Where its small picture is, if one was wished.")

    class Meta:
        model = Prediction
        fields = ["id", "created_at", "expires_at", "name", "width", "height", "prediction", "thumbnail"]
        read_only_fields = fields

    @extend_schema_field(PredictionSerializer)
    def get_prediction(self, prediction: Prediction) -> dict[str, Any]:
        return prediction.result

    def get_thumbnail(self, prediction: Prediction) -> str | None:
        if not prediction.has_thumbnail:
            return None
        return reverse("prediction-thumbnail", args=[prediction.pk], request=self.context.get("request"))


class PredictionFilterSerializer(QuerySerializer):
    """Query: which predictions."""

    emotion = serializers.ChoiceField(
        [*EMOTIONS, UNKNOWN], required=False, help_text="of the surest face; unknown: no face"
    )


class PredictionDownloadSerializer(PredictionFilterSerializer):
    """Query: which predictions, and the form of the download."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Not as class attributes: `as` is a word of Python's."""
        form = serializers.ChoiceField(
            list(FORMATS), default="json", help_text="csv: a line a face; json: a list"
        )
        return {**super().get_fields(), "as": form}


class DeletedSerializer(serializers.Serializer):
    """How many were deleted."""

    deleted = serializers.IntegerField()
