"""What the API takes and gives about training runs, for validation and for the schema."""

import shlex
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from detector.api.queries import QuerySerializer
from detector.api.stored_text_fields import StoredTextField
from detector.models import Dataset, DetectorVersion, TrainingRun
from detector.models.training import on_one_line
from detector.selectors.training import can_resume, has_checkpoint, is_silent, last_log_lines, queue_place
from detector.services.training_process import training_command

SETTINGS = (
    *("epochs", "image_size", "batch_size", "learning_rate"),
    *("seed", "augment", "patience", "device"),
)


class NamedSerializer(serializers.Serializer):
    """Another row."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class HardwareSerializer(serializers.Serializer):
    """What the run computes on."""

    device = serializers.CharField()
    name = serializers.CharField()
    threads = serializers.IntegerField()
    arithmetic = serializers.CharField()
    memory_bytes = serializers.IntegerField(allow_null=True)


class TrainingReportSerializer(serializers.Serializer):
    """What the run's process last said of itself. Everything is missing before it has said it."""

    phase = serializers.ChoiceField(["reading", "training", "validating", "finishing"], required=False)
    epoch = serializers.IntegerField(required=False, help_text="From 1: the one it works on.")
    epochs_done = serializers.IntegerField(required=False)
    part = serializers.ChoiceField(["grid", "closeup"], required=False, help_text="The net that learns.")
    step = serializers.IntegerField(required=False, help_text="Batch of this part in this epoch, from 1.")
    steps = serializers.IntegerField(required=False)
    losses = serializers.DictField(child=serializers.FloatField(), required=False)
    seconds_left = serializers.FloatField(required=False, allow_null=True)
    memory_bytes = serializers.IntegerField(required=False, help_text="The most it has used so far.")
    hardware = HardwareSerializer(required=False)
    ended_early = serializers.IntegerField(required=False, help_text="The epoch after which it did.")


class TrainingRunSerializer(serializers.ModelSerializer):
    """One training run and how far it has come."""

    queue_place = serializers.SerializerMethodField(help_text="1: next. Null unless it waits.")
    is_silent = serializers.SerializerMethodField(
        help_text="Its worker has not been heard of for a while; within a minute another takes it up."
    )
    can_cancel = serializers.SerializerMethodField()
    can_resume = serializers.SerializerMethodField(help_text="It has failed or was cancelled.")
    has_checkpoint = serializers.SerializerMethodField(
        help_text="It left one in its folder: resumed, it goes on from there. Without, it begins anew."
    )
    datasets = NamedSerializer(many=True)
    start_from = NamedSerializer(allow_null=True)
    version = NamedSerializer(allow_null=True, help_text="The detector version that it made.")
    owner = serializers.SerializerMethodField(help_text="Name of the account that asked for it.")
    error = StoredTextField()
    report = TrainingReportSerializer()

    class Meta:
        model = TrainingRun
        fields = [
            *("id", "name", "status", "progress", "queue_place", "is_silent", "cancel_requested"),
            *("can_cancel", "can_resume", "has_checkpoint", "error", "report"),
            *("datasets", "data_dirs", "start_from"),
            *(*SETTINGS, "version", "owner", "created_at", "started_at", "finished_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_queue_place(self, run: TrainingRun) -> int | None:
        return queue_place(run)

    def get_is_silent(self, run: TrainingRun) -> bool:
        return is_silent(run)

    def get_can_cancel(self, run: TrainingRun) -> bool:
        is_open = run.status in (TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
        return is_open and not run.cancel_requested

    def get_can_resume(self, run: TrainingRun) -> bool:
        return can_resume(run)

    def get_has_checkpoint(self, run: TrainingRun) -> bool:
        return has_checkpoint(run)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, run: TrainingRun) -> str | None:
        return run.owner.get_username() if run.owner else None


class TrainingRunDetailSerializer(TrainingRunSerializer):
    """The same with the command and the last lines of its log."""

    command = serializers.SerializerMethodField(help_text="That its worker starts, quoted for a shell.")
    log = serializers.SerializerMethodField()

    class Meta(TrainingRunSerializer.Meta):
        fields = [*TrainingRunSerializer.Meta.fields, "command", "log"]
        read_only_fields = fields

    def get_command(self, run: TrainingRun) -> str:
        return run.command or shlex.join(training_command(run))

    def get_log(self, run: TrainingRun) -> list[str]:
        return last_log_lines(run)


class NewTrainingRunSerializer(serializers.ModelSerializer):
    """A run to queue. What is left out is as in the recipe of the shipped detector."""

    datasets = serializers.PrimaryKeyRelatedField(
        queryset=Dataset.objects.all(), many=True, allow_empty=False, help_text="Ids of data sets."
    )
    start_from = serializers.PrimaryKeyRelatedField(
        queryset=DetectorVersion.objects.all(),
        required=False,
        allow_null=True,
        help_text="Id of the version whose weights it starts from; left out or null: from scratch.",
    )

    class Meta:
        model = TrainingRun
        fields = ["name", "datasets", "start_from", *SETTINGS]
        extra_kwargs = {"name": {"validators": [on_one_line]}}

    def settings(self) -> dict[str, Any]:
        """The values but for the data sets."""
        return {key: value for key, value in self.validated_data.items() if key != "datasets"}


class RunFilterSerializer(QuerySerializer):
    """Query: which runs."""

    status = serializers.ChoiceField(TrainingRun.Status.choices, required=False)


class EpochSerializer(serializers.Serializer):
    """One finished epoch; figures only of epochs after which the run was validated."""

    epoch = serializers.IntegerField()
    epochs = serializers.IntegerField()
    train = serializers.DictField(
        child=serializers.FloatField(), help_text="Mean of each loss term, and their sum."
    )
    train_seconds = serializers.FloatField()
    seconds = serializers.FloatField()
    valid = serializers.DictField(required=False, help_text="Figures of the grid net alone.")
    closeups = serializers.DictField(required=False, help_text="Figures of the close-up net on true boxes.")
