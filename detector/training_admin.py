"""Training runs in the admin: start one, watch it, cancel it, start it again."""

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from detector.admin_pages import act_on_each
from detector.models import TrainingRun
from detector.services.training import (
    UnusableDataDirs,
    check_data_dirs,
    how_to_install_training,
    queue_training_run,
    request_cancel,
    start_again,
)
from ml.config import TrainConfig

RECIPE = TrainConfig()
RESULTS = (
    *("status", "percent", "error", "resumptions", "version", "run_dir"),
    *("owner", "created_at", "started_at", "finished_at"),
)
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class TrainingRunForm(forms.ModelForm):
    """What to train on and how; the defaults are the recipe of the shipped detector."""

    data_dirs = forms.CharField(
        label="Data folders",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One folder in YOLO layout (train/images, train/labels, valid/...) a line, on the machine "
        "of the training worker.",
    )
    epochs = forms.IntegerField(min_value=1, max_value=1000, initial=RECIPE.epochs)
    image_size = forms.IntegerField(
        min_value=64, max_value=640, step_size=32, initial=RECIPE.image_size, help_text="Pixels."
    )
    batch_size = forms.IntegerField(min_value=1, initial=RECIPE.batch_size)
    learning_rate = forms.FloatField(min_value=1e-6, max_value=1.0, initial=RECIPE.lr)

    class Meta:
        model = TrainingRun
        fields = (
            *("name", "data_dirs", "epochs", "image_size", "batch_size", "learning_rate", "seed", "device"),
        )

    def clean_data_dirs(self) -> list[str]:
        """The folders as absolute paths, each with a train/images."""
        lines = [line.strip() for line in self.cleaned_data["data_dirs"].splitlines()]
        try:
            return check_data_dirs([line for line in lines if line])
        except UnusableDataDirs as error:
            raise forms.ValidationError(error.message, code=error.code) from error

    def clean_device(self) -> str:
        """A device that `ml.train` knows."""
        device = self.cleaned_data["device"]
        if not DEVICE.fullmatch(device):
            raise forms.ValidationError("Write auto, cpu, cuda or cuda:0.", code="bad_device")
        return device


@admin.register(TrainingRun)
class TrainingRunAdmin(admin.ModelAdmin):
    """A run is added once and then only watched, cancelled, or started again when it has failed."""

    form = TrainingRunForm
    list_display = ("name", "status", "percent", "owner", "created_at", "finished_at", "version")
    list_filter = ("status",)
    search_fields = ("name",)
    actions = ("cancel", "start_again")

    @admin.display(description="progress", ordering="progress")
    def percent(self, run: TrainingRun) -> str:
        """Progress as people read it."""
        return f"{run.progress:.0%}"

    @admin.action(description="Cancel selected training runs", permissions=["change"])
    def cancel(self, request: HttpRequest, runs: QuerySet[TrainingRun]) -> None:
        """Cancel each run that has not ended yet."""
        act_on_each(self, request, runs, lambda run: request_cancel(run=run), "is being cancelled")

    @admin.action(description="Start selected training runs again", permissions=["change"])
    def start_again(self, request: HttpRequest, runs: QuerySet[TrainingRun]) -> None:
        """Queue each run that has failed, to go on from its last checkpoint."""
        act_on_each(self, request, runs, lambda run: start_again(run=run), "is waiting for a worker again")

    def get_readonly_fields(self, request: HttpRequest, obj: TrainingRun | None = None) -> tuple[str, ...]:
        """What became of the run, on the page of one that exists."""
        return RESULTS if obj else ()

    def save_model(self, request: HttpRequest, obj: TrainingRun, form: Any, change: bool) -> None:
        """Queue the new run."""
        queue_training_run(run=obj, owner=request.user)

    def has_change_permission(self, request: HttpRequest, obj: TrainingRun | None = None) -> bool:
        """A run's settings are history once it is queued; the list and its actions stay."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: TrainingRun | None = None) -> bool:
        """Only a run that has ended may be deleted."""
        ended = obj is None or obj.status not in (TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING)
        return ended and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without the bulk deletion, which would take running ones along."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, below a warning when this machine cannot train."""
        _warn_if_training_is_missing(request)
        return super().add_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The list, below a warning when this machine cannot train."""
        _warn_if_training_is_missing(request)
        return super().changelist_view(request, *args, **kwargs)


def _warn_if_training_is_missing(request: HttpRequest) -> None:
    missing = how_to_install_training()
    if missing and request.method == "GET":
        messages.warning(request, missing)
