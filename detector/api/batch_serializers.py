"""What the API takes and gives about batches, for validation and for the schema."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from detector.api.queries import QuerySerializer
from detector.api.serializers import PredictionSerializer
from detector.api.stored_text_fields import StoredTextField
from detector.downloads import FORMATS
from detector.models import BatchItem, BatchJob, Webhook, WebhookAttempt
from detector.selectors.batches import expressions_of
from ml.config import EMOTIONS, UNKNOWN


class BatchUploadSerializer(serializers.Serializer):
    """Multipart: pictures and zip archives of pictures, any number of them in the field `files`."""

    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True))
    webhook = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="An http(s) address that is told when the batch has ended.",
    )


class WebhookSerializer(serializers.ModelSerializer):
    """Who is told that the batch has ended, and how that stands."""

    next_attempt_at = serializers.DateTimeField(source="due_at", allow_null=True)
    secret = serializers.SerializerMethodField(
        help_text="Signs what is sent. Only in the answer to the POST of the batch; null elsewhere."
    )

    class Meta:
        model = Webhook
        fields = ["url", "state", "tries", "next_attempt_at", "secret"]
        read_only_fields = fields

    def get_secret(self, webhook: Webhook) -> str | None:
        return webhook.secret if self.context.get("is_new") else None


class WebhookAttemptSerializer(serializers.ModelSerializer):
    """One call of the webhook: `error` is empty when the other side took it."""

    error = StoredTextField()

    class Meta:
        model = WebhookAttempt
        fields = ["event", "started_at", "milliseconds", "status", "answer", "error"]
        read_only_fields = fields


class BatchCountsSerializer(serializers.Serializer):
    """How many items there are, and in which state."""

    total = serializers.IntegerField()
    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class BatchSerializer(serializers.ModelSerializer):
    """One batch and how far it has come.

    `succeeded` when it has come to its end and at least one picture was looked at, `failed` when none was.
    """

    counts = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField(help_text="Share of the items that have ended, 0 to 1.")
    webhook = serializers.SerializerMethodField()

    class Meta:
        model = BatchJob
        fields = [
            *("id", "state", "cancel_requested", "counts", "progress"),
            *("detector", "created_at", "finished_at", "expires_at", "webhook"),
        ]
        read_only_fields = fields

    @extend_schema_field(BatchCountsSerializer)
    def get_counts(self, batch: BatchJob) -> dict[str, int]:
        known = {name: getattr(batch, name) for name in ("running", "succeeded", "failed", "cancelled")}
        return {"total": batch.total, "queued": batch.total - sum(known.values()), **known}

    def get_progress(self, batch: BatchJob) -> float:
        return round(batch.ended / batch.total, 4)

    @extend_schema_field(WebhookSerializer(allow_null=True))
    def get_webhook(self, batch: BatchJob) -> dict[str, Any] | None:
        webhook = getattr(batch, "webhook", None)
        return webhook and WebhookSerializer(webhook, context=self.context).data


class ExpressionsSerializer(serializers.Serializer):
    """How many pictures show which expression, by the surest face of each; `unknown` have none."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.IntegerField() for name in (*EMOTIONS, UNKNOWN)}


class BatchDetailSerializer(BatchSerializer):
    """One batch with a summary of what was found."""

    expressions = serializers.SerializerMethodField()

    class Meta(BatchSerializer.Meta):
        fields = [*BatchSerializer.Meta.fields, "expressions"]
        read_only_fields = fields

    @extend_schema_field(ExpressionsSerializer)
    def get_expressions(self, batch: BatchJob) -> dict[str, int]:
        return expressions_of(batch=batch)


class ItemErrorSerializer(serializers.Serializer):
    """Why an item failed: a code for programs, a message for people."""

    code = serializers.CharField()
    message = StoredTextField()


class BatchItemSerializer(serializers.ModelSerializer):
    """One picture: its `prediction` when it succeeded, its `error` when it failed."""

    prediction = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = BatchItem
        fields = ["number", "name", "size", "state", "prediction", "error", "finished_at"]
        read_only_fields = fields

    @extend_schema_field(PredictionSerializer(allow_null=True))
    def get_prediction(self, item: BatchItem) -> dict[str, Any] | None:
        return item.result

    @extend_schema_field(ItemErrorSerializer(allow_null=True))
    def get_error(self, item: BatchItem) -> dict[str, str] | None:
        return item.error and ItemErrorSerializer(item.error).data


class ItemFilterSerializer(QuerySerializer):
    """Query: which items."""

    state = serializers.ChoiceField(BatchItem.State.choices, required=False)
    emotion = serializers.ChoiceField(
        [*EMOTIONS, UNKNOWN], required=False, help_text="of the surest face; unknown: no face"
    )


class DownloadSerializer(QuerySerializer):
    """Query: the form of a download."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Not as class attributes: `as` is a word of Python's."""
        form = serializers.ChoiceField(
            list(FORMATS),
            default="json",
            help_text="csv: a line a face; json: items as under items/; yolo: a zip of label files",
        )
        return {"as": form}
