"""Training runs in the admin: start one, watch it, cancel it, resume it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from detector.admin_confirmation import ask_first
from detector.admin_pages import act_on_each
from detector.errors import HamsterError
from detector.models import Dataset, TrainingRun
from detector.services.training import (
    UnusableDataDirs,
    check_data_dirs,
    how_to_install_training,
    queue_training_run,
    request_cancel,
    resume,
)
from detector.training_forms import TrainingRunForm

RESULTS = (
    *("status", "percent", "error", "resumptions", "version", "run_dir", "command", "report"),
    *("owner", "created_at", "queued_at", "started_at", "heartbeat_at", "finished_at"),
)


class AdminTrainingRunForm(TrainingRunForm):
    """Also takes folders that are no registered data sets."""

    data_dirs = forms.CharField(
        label="Data folders",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Besides data sets: one folder in YOLO layout (train/images, train/labels, valid/...) a "
        "line, on the machine of the training worker.",
    )

    class Meta(TrainingRunForm.Meta):
        fields = ("name", "datasets", "data_dirs", *TrainingRunForm.Meta.fields[2:])

    def clean_data_dirs(self) -> list[str]:
        """The folders as absolute paths, each with a train/images."""
        lines = [line.strip() for line in self.cleaned_data["data_dirs"].splitlines()]
        folders = [line for line in lines if line]
        if not folders and (self.cleaned_data.get("datasets") or self.has_error("datasets")):
            return []
        try:
            return check_data_dirs(folders)
        except UnusableDataDirs as error:
            raise forms.ValidationError(error.message, code=error.code) from error

    def clean_datasets(self) -> QuerySet[Dataset]:
        """Data sets whose folders are still there."""
        datasets = self.cleaned_data["datasets"]
        try:
            if datasets:
                check_data_dirs([each.folder for each in datasets])
        except UnusableDataDirs as error:
            raise forms.ValidationError(error.message, code=error.code) from error
        return datasets


@admin.register(TrainingRun)
class TrainingRunAdmin(admin.ModelAdmin):
    """A run is added once and then only watched, cancelled, or resumed when it has stopped."""

    form = AdminTrainingRunForm
    list_display = ("name", "status", "percent", "owner", "created_at", "finished_at", "version")
    list_filter = ("status",)
    list_select_related = ("owner", "version")
    search_fields = ("name", "owner__username")
    date_hierarchy = "created_at"
    actions = ("cancel", "resume")

    @admin.display(description="progress", ordering="progress")
    def percent(self, run: TrainingRun) -> str:
        """Progress as people read it."""
        return f"{run.progress:.0%}"

    @admin.action(description="Cancel selected training runs", permissions=["change"])
    def cancel(self, request: HttpRequest, runs: QuerySet[TrainingRun]) -> HttpResponse | None:
        """Cancel each run that has not ended yet, after asking."""
        if question := ask_first(
            self, request, runs, action="cancel", question="Cancel these training runs?"
        ):
            return question
        act_on_each(self, request, runs, lambda run: request_cancel(run=run), "is being cancelled")
        return None

    @admin.action(description="Resume selected training runs", permissions=["change"])
    def resume(self, request: HttpRequest, runs: QuerySet[TrainingRun]) -> None:
        """Queue each run that has failed or was cancelled, to go on from its last checkpoint."""
        act_on_each(self, request, runs, lambda run: resume(run=run), "is waiting for a worker again")

    def get_readonly_fields(self, request: HttpRequest, obj: TrainingRun | None = None) -> tuple[str, ...]:
        """What became of the run, on the page of one that exists."""
        return RESULTS if obj else ()

    def save_model(self, request: HttpRequest, obj: TrainingRun, form: Any, change: bool) -> None:
        """Queue the new run."""
        datasets = form.cleaned_data["datasets"]
        queue_training_run(run=obj, owner=request.user, datasets=datasets)

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
        """The form, below a warning when this machine cannot train; what the service refuses is said."""
        _warn_if_training_is_missing(request)
        try:
            return super().add_view(request, *args, **kwargs)
        except HamsterError as error:  # what the form could not know, or what went since it looked
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The list, below a warning when this machine cannot train."""
        _warn_if_training_is_missing(request)
        return super().changelist_view(request, *args, **kwargs)


def _warn_if_training_is_missing(request: HttpRequest) -> None:
    missing = how_to_install_training()
    if missing and request.method == "GET":
        messages.warning(request, missing)
