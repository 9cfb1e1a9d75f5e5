"""The pages of data sets, for staff."""

from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import DetailView, ListView, View

from detector.conf import config
from detector.errors import HamsterError
from detector.models import OPEN, Dataset, DatasetSample
from detector.picture_answers import jpeg_answer
from detector.selectors.dataset_pictures import NoPicture, small_picture
from detector.selectors.datasets import datasets, samples_of, uploaded_bytes
from detector.services.datasets import (
    FOLDER_LENGTH,
    NAME_LENGTH,
    check_again,
    delete_dataset,
    register_dataset,
)
from detector.thumbnails import LARGE, SMALL
from ml.config import EMOTIONS, UNKNOWN
from ml.dataset import SPLITS
from webui.staff import StaffOnly
from webui.words import LABELS, PROBLEMS, label, listed, stopped, titled

PAIRS_SHOWN = 24


class StaffPage(StaffOnly, View):
    """What the pages of data sets have in common."""

    extra_context = {"place": "datasets"}


class RegisterForm(forms.Form):
    """A folder on the server."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
    folder = forms.CharField(label=_("Folder"), max_length=FOLDER_LENGTH)


class DatasetListPage(StaffPage, ListView):
    """All data sets; upload one, register a folder."""

    template_name = "webui/datasets/list.html"
    context_object_name = "datasets"
    paginate_by = 20

    def get_queryset(self) -> QuerySet[Dataset]:
        return datasets()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        left = max(0, config.dataset_quota_bytes - uploaded_bytes())
        limits = {"max_bytes": min(config.dataset_max_bytes, left), "left": left, "open": OPEN}
        return super().get_context_data(**{"form": RegisterForm(), **limits, **kwargs})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register a folder."""
        form = RegisterForm(request.POST)
        if form.is_valid():
            try:
                dataset = register_dataset(**form.cleaned_data, owner=request.user)
            except HamsterError as error:
                form.add_error(None, error.message)
            else:
                return redirect("webui:dataset", dataset.pk)
        self.object_list = self.get_queryset()
        return render(request, self.template_name, self.get_context_data(form=form), status=400)


class DatasetPage(StaffPage, DetailView):
    """One data set: how far its check is, and what it found."""

    template_name = "webui/datasets/detail.html"
    context_object_name = "dataset"

    def get_queryset(self) -> QuerySet[Dataset]:
        return datasets()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = _report(self.object) if self.object.report else {}
        return super().get_context_data(is_open=self.object.state in OPEN, **found, **kwargs)


def _report(dataset: Dataset) -> dict[str, Any]:
    report = dataset.report
    splits = report["splits"]
    names = [
        name for name in (*EMOTIONS, UNKNOWN) if any(split["per_class"][name] for split in splits.values())
    ]
    edges = report["box_sizes"]["edges"]
    sizes = [
        gettext("under {size}").format(size=edges[0]),
        *(gettext("{low} to {high}").format(low=low, high=high - 1) for low, high in pairwise(edges)),
        gettext("{size} and more").format(size=edges[-1]),
    ]
    kinds = [titled(capfirst(PROBLEMS[kind]), count) for kind, count in report["problems"]["kinds"].items()]
    charts = {
        "classes": [label(name) for name in names],
        "splits": {split: [found["per_class"][name] for name in names] for split, found in splits.items()},
        "sizes": sizes,
        "boxes": report["box_sizes"]["counts"],
    }
    return {
        "report": report,
        "charts": charts,
        "kinds": stopped(listed(*kinds)) if kinds else "",
        "per_class": [(name, [found["per_class"][name] for found in splits.values()]) for name in names],
        "pairs": _pairs(dataset, report["duplicates"]["listed"][:PAIRS_SHOWN]),
    }


def _pairs(dataset: Dataset, listed: list[dict[str, Any]]) -> list[list[DatasetSample]]:
    files = {pair[side] for pair in listed for side in ("first", "second")}
    samples = {sample.file: sample for sample in samples_of(dataset).filter(file__in=files)} if files else {}
    return [[samples[pair[side]] for side in ("first", "second") if pair[side] in samples] for pair in listed]


class CheckAgain(StaffPage):
    """The button of that name."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            check_again(dataset=get_object_or_404(datasets(), pk=pk))
        except HamsterError as error:
            messages.error(request, error.message)
        return redirect("webui:dataset", pk)


class DeletePage(StaffPage, DetailView):
    """Asks before a data set is deleted, and deletes it."""

    template_name = "webui/datasets/delete.html"
    context_object_name = "dataset"

    def get_queryset(self) -> QuerySet[Dataset]:
        return datasets()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(evaluations=self.object.evaluations.count(), **kwargs)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        dataset = self.get_object()
        try:
            delete_dataset(dataset=dataset)
        except HamsterError as error:
            messages.error(request, error.message)
            return redirect("webui:dataset", pk)
        messages.success(request, gettext("{name} was deleted.").format(name=dataset.name))
        return redirect("webui:datasets")


class FilterForm(forms.Form):
    """Which pictures."""

    split = forms.ChoiceField(
        choices=[("", _("All splits")), *((split, split) for split in SPLITS)], required=False
    )
    emotion = forms.ChoiceField(
        choices=[("", _("All expressions")), *((name, LABELS[name]) for name in (*EMOTIONS, UNKNOWN))],
        required=False,
    )
    problems = forms.BooleanField(required=False)


class SamplesPage(StaffPage, ListView):
    """Pages of a data set's pictures with their boxes."""

    template_name = "webui/datasets/samples.html"
    context_object_name = "samples"
    paginate_by = 24

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.filters = FilterForm(request.GET, auto_id="filter-%s")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DatasetSample]:
        self.dataset = get_object_or_404(datasets(), pk=self.kwargs["pk"])
        if not self.filters.is_valid():
            raise Http404
        return samples_of(self.dataset, **self.filters.cleaned_data)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = {name: value for name, value in self.filters.cleaned_data.items() if value}
        kept = urlencode({name: "on" if value is True else value for name, value in chosen.items()})
        return super().get_context_data(
            dataset=self.dataset, filters=self.filters, chosen=chosen, kept=kept, **kwargs
        )


class SampleImage(StaffPage):
    """A picture of a data set, small (or `?size=large`)."""

    def get(self, request: HttpRequest, pk: int, sample: int) -> HttpResponse:
        row = get_object_or_404(DatasetSample.objects.select_related("dataset"), dataset=pk, pk=sample)
        try:
            side = LARGE if request.GET.get("size") == "large" else SMALL
            content = small_picture(row.dataset, row.file, side=side)
        except NoPicture as error:
            raise Http404 from error
        return jpeg_answer(request, lambda: content, identity=content)
