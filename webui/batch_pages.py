"""The pages of batches: handing in, watching, looking through, and what can be done with one."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView, TemplateView, View

from detector.conf import config
from detector.downloads import FORMATS
from detector.errors import HamsterError
from detector.models import OPEN, BatchItem, BatchJob
from detector.selectors.batches import batches_of, expressions_of, retryable_items, webhook_attempts_of
from detector.services.batches import delete_batch, request_cancel, retry
from webui.boxes import Box, boxes_of, in_words
from webui.words import listed, title

ITEMS_ON_A_PAGE = 24
SHOWN_STATES = ("succeeded", "failed", "cancelled")
DOWNLOADS = {"csv": "CSV", "json": "JSON", "yolo": gettext_lazy("YOLO labels")}


class BatchPages(LoginRequiredMixin):
    """What the pages have in common: they see the batches of who is signed in, and no others."""

    extra_context = {"place": "batches"}

    def own_batch(self) -> BatchJob:
        """The batch of the address. Raises Http404 when it is not there or somebody else's."""
        return get_object_or_404(batches_of(owner=self.request.user), pk=self.kwargs["pk"])


class BatchListPage(BatchPages, ListView):
    """A place to drop pictures on, and one's own batches."""

    template_name = "webui/batches/list.html"
    context_object_name = "batches"
    paginate_by = 20

    def get_queryset(self) -> QuerySet[BatchJob]:
        return batches_of(owner=self.request.user)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        limits = {
            "items": config.batch_max_items,
            "bytes": config.batch_max_bytes,
            "file_bytes": config.batch_max_file_bytes,
        }
        return super().get_context_data(
            limits=limits, retention_hours=config.batch_retention_hours, open_states=OPEN, **context
        )


class BatchPage(BatchPages, TemplateView):
    """One batch: how far it is, what was found in which picture, and who was told of its end."""

    template_name = "webui/batches/batch.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        batch = self.own_batch()
        expressions = expressions_of(batch=batch)
        show = self.request.GET.get("show", "")
        choices = _choices(batch, expressions, show)
        items = batch.items.order_by("number")
        if show in SHOWN_STATES:
            items = items.filter(state=show)
        elif show in expressions:
            items = items.filter(state=BatchItem.State.SUCCEEDED, emotion=show)
        page = Paginator(items, ITEMS_ON_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(
            batch=batch,
            is_open=batch.state in OPEN,
            can_retry=batch.state not in OPEN and retryable_items(batch).exists(),
            expressions=json.dumps(expressions),
            show=show,
            kept=show and urlencode({"show": show}),
            choices=choices,
            page=page,
            shots=[_shot(item) for item in page],
            downloads=[(form, DOWNLOADS[form]) for form in FORMATS],
            attempts=webhook_attempts_of(batch=batch)[:20],
            says=_says(batch),
            **context,
        )


class BatchDeletePage(BatchPages, TemplateView):
    """Asks before a batch goes with its pictures."""

    template_name = "webui/batches/delete.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(batch=self.own_batch(), **context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = self.own_batch()
        delete_batch(batch=batch)
        messages.success(request, _("Batch {pk} and its pictures are deleted.").format(pk=pk))
        return redirect("webui:batches")


class BatchActPage(BatchPages, View):
    """A button of the batch's page: does `act` and comes back with what there is to say."""

    act: Any = None
    done: Any = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponseRedirect:
        try:
            type(self).act(batch=self.own_batch())
            messages.success(request, self.done)
        except HamsterError as error:
            messages.error(request, error.message)
        return redirect("webui:batch", pk=pk)


class BatchCancelPage(BatchActPage):
    """Cancels what waits."""

    act = staticmethod(request_cancel)
    done = gettext_lazy("What had not been begun is cancelled.")


class BatchRetryPage(BatchActPage):
    """Takes up what failed once more."""

    act = staticmethod(retry)
    done = gettext_lazy("What failed or was cancelled is looked at once more.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of the gallery and how many pictures it leaves."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Shot:
    """An item of the gallery."""

    item: BatchItem
    boxes: list[Box]

    @property
    def says(self) -> str:
        """What was found, in words."""
        return in_words(self.boxes)


def _choices(batch: BatchJob, expressions: dict[str, int], show: str) -> list[Choice]:
    states = [Choice(name, title(name), getattr(batch, name)) for name in SHOWN_STATES]
    found = [Choice(name, title(name), count) for name, count in expressions.items()]
    shown = [choice for choice in (*states, *found) if choice.count or choice.value == show]
    return [Choice("", _("All"), batch.total), *shown]


def _says(batch: BatchJob) -> str:
    """How far it is."""
    parts = [_("{done} of {total} done").format(done=batch.ended, total=batch.total)]
    if batch.failed:
        parts.append(_("{failed} failed").format(failed=batch.failed))
    if batch.cancelled:
        parts.append(_("{cancelled} cancelled").format(cancelled=batch.cancelled))
    return listed(*parts)


def _shot(item: BatchItem) -> Shot:
    return Shot(item, boxes_of(item.result))
