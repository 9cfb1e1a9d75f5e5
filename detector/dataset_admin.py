"""Data sets in the admin: register a folder, have it checked again, delete."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from detector.admin_pages import ReadOnlyAdmin, act_on_each
from detector.errors import HamsterError
from detector.models import Dataset, DatasetSample
from detector.services.datasets import (
    check_again,
    delete_dataset,
    free_name,
    register_dataset,
    user_of,
    yolo_folder,
)


class RegisterForm(forms.ModelForm):
    """A name and a folder."""

    class Meta:
        model = Dataset
        fields = ("name", "folder")

    def clean_name(self) -> str:
        """One that no other data set has."""
        return _said_by_the_form(free_name, self.cleaned_data["name"])

    def clean_folder(self) -> str:
        """A folder in YOLO layout, as a whole path."""
        return str(_said_by_the_form(yolo_folder, self.cleaned_data["folder"]))


def _said_by_the_form(check: Callable[[str], Any], text: str) -> Any:
    try:
        return check(text)
    except HamsterError as error:
        raise forms.ValidationError(error.message, code=error.code) from error


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    """What training runs may learn from, and what the checks found."""

    list_display = (
        *("name", "state", "percent", "images", "problem_count", "uploaded", "size"),
        *("owner", "created_at", "checked_at"),
    )
    list_filter = ("state", "uploaded", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "folder", "owner__username")
    date_hierarchy = "created_at"
    actions = ("look_again",)
    form = RegisterForm
    shown = (
        *("name", "folder", "page", "uploaded", "size", "owner", "state", "percent", "error"),
        *("images", "problem_count", "created_at", "checked_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        """Without the reports, which may be long and are not shown here."""
        return super().get_queryset(request).defer("report")

    def get_fields(self, request: HttpRequest, obj: Dataset | None = None) -> tuple[str, ...]:
        """Two to register a folder; all about one that exists."""
        return self.shown if obj else ("name", "folder")

    def get_readonly_fields(self, request: HttpRequest, obj: Dataset | None = None) -> tuple[str, ...]:
        """Nothing of a row is changed by hand."""
        return self.shown if obj else ()

    def save_model(self, request: HttpRequest, obj: Dataset, form: Any, change: bool) -> None:
        """Register the folder and queue its check."""
        obj.pk = register_dataset(name=obj.name, folder=obj.folder, owner=request.user).pk
        obj.refresh_from_db()

    @admin.display(description="progress", ordering="progress")
    def percent(self, dataset: Dataset) -> str:
        """Progress as people read it."""
        return f"{dataset.progress:.0%}"

    @admin.display(description="report")
    def page(self, dataset: Dataset) -> str:
        """The way to its page."""
        return format_html(
            '<a href="{}">Report and pictures</a>', reverse("webui:dataset", args=[dataset.pk])
        )

    @admin.action(description="Check selected data sets again", permissions=["recheck"])
    def look_again(self, request: HttpRequest, selected: QuerySet[Dataset]) -> None:
        """Queue a check of each."""
        act_on_each(self, request, selected, lambda row: check_again(dataset=row), "is waiting for its check")

    def has_recheck_permission(self, request: HttpRequest) -> bool:
        """Having one checked takes the right to change data sets."""
        return request.user.has_perm("detector.change_dataset")

    def has_change_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        """Nothing of a row is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dataset | None = None) -> bool:
        """Not while a training run or an evaluation needs its files."""
        is_needed = obj is not None and user_of(obj) is not None
        return not is_needed and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Dataset) -> None:
        """With the files of an uploaded one."""
        delete_dataset(dataset=obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What the page that asks lists: its pictures in one line, there may be many thousands."""
        lines, counts = [], {}
        for dataset in objs:
            pictures, evaluations = dataset.samples.count(), dataset.evaluations.count()
            files = "its files are deleted" if dataset.uploaded else "its folder is not touched"
            lines.append(
                f"Data set {dataset}, with {evaluations} evaluations and "
                f"the records of {pictures} pictures; {files}"
            )
            counts = {"data sets": 1, "records of pictures": pictures, "evaluations": evaluations}
        return lines, counts, set(), []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without the bulk deletion, which would take along what training runs need."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


@admin.register(DatasetSample)
class DatasetSampleAdmin(ReadOnlyAdmin):
    """The pictures of data sets as the latest checks saw them."""

    list_display = ("file", "dataset", "split", "width", "height", "has_problems")
    list_filter = ("split", "has_problems", "dataset")
    list_select_related = ("dataset",)
    search_fields = ("file",)
