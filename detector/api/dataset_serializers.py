"""What the API takes and gives about data sets, for validation and for the schema."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from detector.api.queries import QuerySerializer
from detector.api.stored_text_fields import StoredTextField
from detector.models import Dataset, DatasetSample, JobState
from ml.config import EMOTIONS, UNKNOWN
from ml.dataset import SPLITS
from ml.inspection import KINDS


class RegisterSerializer(serializers.Serializer):
    """JSON: a folder on the server that holds a data set in YOLO layout."""

    name = serializers.CharField(max_length=120)
    folder = serializers.CharField(max_length=400, help_text="Its whole path on the server.")


class DatasetUploadSerializer(serializers.Serializer):
    """Multipart: a zip archive in YOLO layout, at its top or inside one folder."""

    name = serializers.CharField(max_length=120)
    file = serializers.FileField(allow_empty_file=True, help_text="The zip archive.")


class DatasetSerializer(serializers.ModelSerializer):
    """One data set and how far its check has come.

    `succeeded` when it has been looked through, whatever was found; `failed`, with `error`, when that was not
    possible.
    """

    owner = serializers.SlugRelatedField("username", read_only=True, allow_null=True)
    error = StoredTextField()
    problems = serializers.IntegerField(
        source="problem_count", allow_null=True, help_text="How many. Null until it is checked."
    )

    class Meta:
        model = Dataset
        fields = [
            *("id", "name", "folder", "uploaded", "size", "owner", "state", "progress", "error"),
            *("images", "problems", "created_at", "checked_at"),
        ]
        read_only_fields = fields


class SplitSerializer(serializers.Serializer):
    """What is in one split."""

    images = serializers.IntegerField()
    broken = serializers.IntegerField(help_text="Pictures that can't be read.")
    faces = serializers.IntegerField()
    without_face = serializers.IntegerField(help_text="Good pictures that show no face.")
    per_class = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"Faces: {', '.join((*EMOTIONS, UNKNOWN))}."
    )


class BoxSizesSerializer(serializers.Serializer):
    """How many boxes are how large, in pixels of the side of a square as large as the box."""

    edges = serializers.ListField(child=serializers.IntegerField())
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="Below the first edge, between two, from the last on."
    )


class ProblemSerializer(serializers.Serializer):
    """One fault of a data set."""

    file = serializers.CharField(help_text="Inside the data set.")
    line = serializers.IntegerField(help_text="0: the whole file.")
    kind = serializers.ChoiceField(list(KINDS))
    message = StoredTextField()


class ProblemsSerializer(serializers.Serializer):
    """All are counted, the first ones listed."""

    count = serializers.IntegerField()
    kinds = serializers.DictField(child=serializers.IntegerField())
    listed = ProblemSerializer(many=True)


class DuplicateSerializer(serializers.Serializer):
    """Two pictures of different splits that look alike."""

    first = serializers.CharField(help_text="File inside the data set, of the earlier split.")
    second = serializers.CharField()
    bits = serializers.IntegerField(help_text="Of 64, by which their hashes differ.")


class DuplicatesSerializer(serializers.Serializer):
    """All are counted, the first ones listed."""

    count = serializers.IntegerField(help_text="Pictures that have a twin in an earlier split.")
    listed = DuplicateSerializer(many=True)


class DatasetReportSerializer(serializers.Serializer):
    """What a check found."""

    splits = serializers.DictField(child=SplitSerializer(), help_text="train, valid, test: those there are.")
    box_sizes = BoxSizesSerializer()
    problems = ProblemsSerializer()
    duplicates = DuplicatesSerializer()


class DatasetDetailSerializer(DatasetSerializer):
    """The same with the report of the latest check, null while there is none."""

    report = serializers.SerializerMethodField()

    class Meta(DatasetSerializer.Meta):
        fields = [*DatasetSerializer.Meta.fields, "report"]
        read_only_fields = fields

    @extend_schema_field(DatasetReportSerializer(allow_null=True))
    def get_report(self, dataset: Dataset) -> dict | None:
        return dataset.report and DatasetReportSerializer(dataset.report).data


class FaceSerializer(serializers.Serializer):
    """One labelled face; corners are fractions of the upright picture."""

    label = serializers.CharField(help_text=f"{', '.join(EMOTIONS)} or {UNKNOWN}.")
    x1 = serializers.FloatField()
    y1 = serializers.FloatField()
    x2 = serializers.FloatField()
    y2 = serializers.FloatField()


class SampleProblemSerializer(serializers.Serializer):
    """What is wrong with a picture or its labels."""

    line = serializers.IntegerField(help_text="Of the label file; 0: the whole file, or the picture.")
    message = StoredTextField()


class DatasetSampleSerializer(serializers.ModelSerializer):
    """One picture of a data set, as the latest check saw it."""

    faces = FaceSerializer(many=True)
    problems = SampleProblemSerializer(many=True)

    class Meta:
        model = DatasetSample
        fields = ["id", "split", "file", "width", "height", "faces", "problems"]
        read_only_fields = fields


class DatasetFilterSerializer(QuerySerializer):
    """Query: which data sets."""

    state = serializers.ChoiceField(JobState.choices, required=False)
    uploaded = serializers.BooleanField(required=False, allow_null=True, default=None)


class SampleFilterSerializer(QuerySerializer):
    """Query: which pictures."""

    split = serializers.ChoiceField(list(SPLITS), required=False)
    emotion = serializers.ChoiceField(
        [*EMOTIONS, UNKNOWN], required=False, help_text="With at least one such face."
    )
    problems = serializers.BooleanField(required=False, default=False, help_text="Only those with problems.")
