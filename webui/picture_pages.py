"""The page of still pictures, and deleting what was kept there.

With JavaScript the page sends each picture to `POST /api/predict`. Without, its form posts one picture to the
page itself, which looks at it as the API does: the same parser, limits, rates and errors.
"""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView, View
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from detector.api.views import PredictView, predict, uploaded
from detector.conf import config
from detector.models import Prediction
from detector.prediction_downloads import FORMATS
from detector.selectors.predictions import expressions_kept_by, predictions_of
from detector.services.predictions import delete_prediction, delete_predictions
from detector.thumbnails import LARGE, thumbnail
from webui.batch_pages import Choice
from webui.boxes import Box, boxes_of, in_words
from webui.picture_words import trouble_of
from webui.words import LOOKS, percent, title

KEPT_ON_A_PAGE = 12
AT_ONCE = {True: 2, False: 1}  # pictures that the page sends side by side, signed in or not
MOST_PICTURES = 100  # in the page's list at a time
PASSED_ON = ("Retry-After", "Allow")


class AlwaysHTML(DefaultContentNegotiation):
    """A page is a page, whatever the client would accept."""

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


@dataclass(frozen=True, slots=True)
class Face:
    """One face: what it looks like, in percent, and its nine scores as whole percents."""

    label: str
    looks: str
    percent: str
    scores: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that was posted: small and upright as a data: URL, and what was found in it."""

    name: str
    url: str
    emotion: str
    boxes: list[Box]
    faces: list[Face]


@dataclass(frozen=True, slots=True)
class Kept:
    """A prediction of the history."""

    row: Prediction
    boxes: list[Box]

    @property
    def says(self) -> str:
        """What was found, in words."""
        return in_words(self.boxes)


class PicturesPage(PredictView):
    """Pictures in, what is found out; for who is signed in, what was kept. No account, no cookie needed."""

    schema = None
    http_method_names = ["get", "head", "post"]
    renderer_classes = (StaticHTMLRenderer,)
    content_negotiation_class = AlwaysHTML

    def get_throttles(self) -> list[BaseThrottle]:
        return super().get_throttles() if self.request.method == "POST" else []

    def get(self, request: Request) -> HttpResponse:
        return self._page()

    def post(self, request: Request) -> HttpResponse:
        file = uploaded(request)
        content = file.read()
        result = predict(content)
        return self._page(shown=_shown(file.name, content, result))

    def handle_exception(self, error: Exception) -> HttpResponse:
        """The API's answer as a page: its words, its status, and when to come back."""
        answer = super().handle_exception(error)
        page = self._page(trouble=trouble_of(answer.data["error"]), status=answer.status_code)
        for name in PASSED_ON:
            if name in answer.headers:
                page.headers[name] = answer.headers[name]
        return page

    def _page(self, *, status: int = 200, **context: Any) -> HttpResponse:
        request: HttpRequest = self.request._request
        is_known = request.user.is_authenticated
        limits = {"bytes": config.upload_max_bytes, "at_once": AT_ONCE[is_known], "pictures": MOST_PICTURES}
        if is_known:
            context |= history_of(request)
        context |= {"place": "pictures", "limits": limits}
        return render(request, "webui/pictures/page.html", context, status=status)


class DeleteKept(LoginRequiredMixin, View):
    """The button beside one of the results that somebody keeps."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        kept = get_object_or_404(predictions_of(owner=request.user), pk=pk)
        delete_prediction(prediction=kept)
        messages.success(request, _("The result of {name} is deleted.").format(name=kept.name))
        return redirect("webui:pictures")


class DeleteAllKept(LoginRequiredMixin, TemplateView):
    """Asks before all that somebody keeps goes."""

    template_name = "webui/pictures/delete.html"
    extra_context = {"place": "pictures"}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(total=predictions_of(owner=self.request.user).count(), **context)

    def post(self, request: HttpRequest) -> HttpResponse:
        count = delete_predictions(owner=request.user)
        said = ngettext("Deleted: {count} result.", "Deleted: {count} results.", count)
        messages.success(request, said.format(count=count))
        return redirect("webui:pictures")


def history_of(request: HttpRequest) -> dict[str, Any]:
    """One page of what is kept for who is signed in, of one expression if the query says so."""
    expressions = expressions_kept_by(owner=request.user)
    asked = request.GET.get("show", "")
    show = asked if asked in expressions else ""
    kept = predictions_of(owner=request.user, emotion=show)
    page = Paginator(kept, KEPT_ON_A_PAGE).get_page(request.GET.get("page"))
    total = sum(expressions.values())
    return {
        "history": [Kept(row, boxes_of(row.result)) for row in page],
        "page": page,
        "show": show,
        "kept": show and urlencode({"show": show}),
        "choices": _choices(expressions, show, total),
        "total": total,
        "kept_max": config.kept_max,
        "kept_days": config.kept_retention_days,
        "downloads": [(form, form.upper()) for form in FORMATS],
    }


def _choices(expressions: dict[str, int], show: str, total: int) -> list[Choice]:
    found = [Choice(name, title(name), count) for name, count in expressions.items() if count or name == show]
    return [Choice("", _("All"), total), *found]


def _shown(name: str, content: bytes, result: dict[str, Any]) -> Shown:
    picture = base64.b64encode(thumbnail(content, side=LARGE)).decode()
    faces = [
        Face(
            label=box["label"],
            looks=str(LOOKS[box["label"]]),
            percent=percent(box["score"]),
            scores=[(title(label), round(100 * score)) for label, score in box["scores"].items()],
        )
        for box in result["boxes"]
    ]
    return Shown(name, f"data:image/jpeg;base64,{picture}", result["emotion"], boxes_of(result), faces)
