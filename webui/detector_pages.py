"""The pages of detector versions, for staff: what there is, how good it is, and how two of them differ."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.generic import TemplateView, View

from detector.conf import config
from detector.models import OPEN, Dataset, DetectorVersion, Evaluation
from detector.picture_answers import jpeg_answer
from detector.selectors.checkpoints import checkpoint_of
from detector.selectors.dataset_pictures import NoPicture, small_picture
from detector.selectors.evaluations import (
    NAMES,
    Looked,
    disagreements,
    evaluations,
    latest_on_each,
    newest_on_each,
    picture_path,
    pictures_with,
)
from detector.selectors.versions import (
    active_detector,
    audit_entries,
    detector_versions,
    file_size,
    learning_curves,
    shadow_report,
    training_run_of,
)
from detector.thumbnails import SMALL
from ml.config import EMOTIONS
from webui.detector_figures import (
    compared,
    compared_by_class,
    key_figures,
    learning_series,
    matrix_rows,
    metrics_of,
    precision_series,
)
from webui.staff import StaffOnly

PICTURES_A_PAGE = 24


class DetectorPageBase(StaffOnly, TemplateView):
    """What the templates share."""

    extra_context = {"place": "detectors"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may_decide = self.request.user.has_perm("detector.change_detectorversion")
        return super().get_context_data(may_decide=may_decide, active=active_detector(), **kwargs)


class DetectorsPage(DetectorPageBase):
    """All versions."""

    template_name = "webui/detectors/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(detector_versions())
        rows = [
            {
                "version": version,
                "figures": key_figures(metrics_of(version)),
                "size": file_size(version),
            }
            for version in versions
        ]
        labels = [label for label, _ in key_figures({})]
        return super().get_context_data(rows=rows, versions=versions, labels=labels, **kwargs)


class DetectorPage(DetectorPageBase):
    """One version."""

    template_name = "webui/detectors/detail.html"

    def get_context_data(self, pk: int, **kwargs: Any) -> dict[str, Any]:
        version = get_object_or_404(detector_versions(), pk=pk)
        metrics = metrics_of(version)
        finished = latest_on_each(version=version)
        wanted = self.request.GET.get("evaluation")
        shown = next((row for row in finished if str(row.pk) == wanted), finished[0] if finished else None)
        curves = learning_series(learning_curves(version))
        return super().get_context_data(
            version=version,
            metrics=metrics,
            figures=key_figures(metrics),
            size=file_size(version),
            has_checkpoint=checkpoint_of(version) is not None,
            run=training_run_of(version),
            curves=curves if curves["loss"] or curves["quality"] else None,
            recent=list(evaluations().filter(version=version)[:8]),
            open_evaluations=list(evaluations().filter(version=version, state__in=OPEN)),
            finished=finished,
            shown=shown,
            shown_figures=key_figures(shown.figures) if shown else [],
            matrix=matrix_rows((shown.figures if shown else metrics).get("confusion")),
            precision=precision_series(shown.figures) if shown else [],
            names=NAMES,
            datasets=Dataset.objects.order_by("name"),
            shadow=shadow_report(version),
            default_percent=100 * config.shadow_share,
            other_shadow=DetectorVersion.objects.filter(is_shadow=True).exclude(pk=pk).first(),
            history=audit_entries(version)[:20],
            **kwargs,
        )


class EvaluationPage(DetectorPageBase):
    """The pictures behind one cell of a matrix, or behind a row or a column."""

    template_name = "webui/detectors/evaluation.html"

    def get_context_data(self, pk: int, **kwargs: Any) -> dict[str, Any]:
        evaluation = get_object_or_404(evaluations(), pk=pk)
        chosen = {name: self.request.GET.get(name) or None for name in ("truth", "found")}
        wrong = self.request.GET.get("wrong") == "1"
        pictures = pictures_with(evaluation, **chosen, wrong=wrong)
        page = Paginator(pictures, PICTURES_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(
            evaluation=evaluation,
            page=page,
            is_superseded=not evaluation.parts.exists(),
            wrong=wrong,
            truths=EMOTIONS,
            names=NAMES,
            query=_query_without_page(self.request),
            **chosen,
            **kwargs,
        )


class EvaluationPictureView(StaffOnly, View):
    """A picture of a data set as a small JPEG."""

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        evaluation = get_object_or_404(evaluations(), pk=pk)
        path = picture_path(evaluation, number)
        if path is None:
            raise Http404("no such picture")
        try:
            content = small_picture(evaluation.dataset, path, side=SMALL)
        except NoPicture as error:
            raise Http404("the picture can't be read") from error
        return jpeg_answer(request, lambda: content, identity=content)


class ComparePage(DetectorPageBase):
    """Two versions side by side: by their cards, and by what they find in the same pictures."""

    template_name = "webui/detectors/compare.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(detector_versions())
        first, second = (self._version(name, versions) for name in ("a", "b"))
        context = super().get_context_data(versions=versions, a=first, b=second, **kwargs)
        if first is None or second is None:
            return context
        cards = [metrics_of(version) for version in (first, second)]
        datasets = list(Dataset.objects.defer("report").order_by("name"))
        dataset, found = self._dataset(first, second, datasets)
        finished = [row for row in found if row is not None and row.state == Evaluation.State.SUCCEEDED]
        context |= {
            "by_card": compared(*cards),
            "classes": compared_by_class(*cards, "f1"),
            "datasets": datasets,
            "dataset": dataset,
            "evaluations": [row for row in found if row is not None],
            "both": len(finished) == 2,
        }
        if len(finished) == 2:
            figures = [row.figures for row in finished]
            pairs = disagreements(*finished)
            page = Paginator(pairs, PICTURES_A_PAGE // 2).get_page(self.request.GET.get("page"))
            context |= {
                "by_pictures": compared(*figures),
                "classes": compared_by_class(*figures, "f1"),
                "page": page,
                "split": _split(pairs),
                "query": _query_without_page(self.request),
            }
        return context

    def _version(self, name: str, versions: list[DetectorVersion]) -> DetectorVersion | None:
        wanted = self.request.GET.get(name, "")
        found = next((version for version in versions if str(version.pk) == wanted), None)
        if wanted and found is None:
            raise Http404("no such version")
        return found

    def _dataset(
        self, first: DetectorVersion, second: DetectorVersion, datasets: list[Dataset]
    ) -> tuple[Dataset | None, list[Evaluation | None]]:
        """The data set that was chosen, else the first that both have looked at, else the first."""
        wanted = self.request.GET.get("dataset", "")
        newest = [newest_on_each(version=one) for one in (first, second)]
        found = {row: [rows.get(row.pk) for rows in newest] for row in datasets}
        chosen = next((row for row in datasets if str(row.pk) == wanted), None)
        if wanted and chosen is None:
            raise Http404("no such data set")
        chosen = chosen or next((row for row in datasets if all(found[row])), None)
        chosen = chosen or (datasets[0] if datasets else None)
        return chosen, found.get(chosen, [])


def _split(pairs: list[tuple[Looked, Looked]]) -> dict[str, int]:
    """Of the faces that two read differently: how often the first is right, the second, and none."""
    counts = {"first": 0, "second": 0, "none": 0}
    for one, other in pairs:
        for mine, theirs in zip(one.faces, other.faces, strict=True):
            if mine.found != theirs.found:
                right = (mine.found == mine.truth, theirs.found == mine.truth)
                counts["first" if right[0] else "second" if right[1] else "none"] += 1
    return counts


def _query_without_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
