"""The review of corrections, for staff: one after another, by key or by mouse, and a data set at the end."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View

from detector.conf import config
from detector.consent import consent_in_force
from detector.errors import HamsterError
from detector.models import NOT_A_FACE, RIGHT_LABELS, Correction, Dataset
from detector.posted import posted_id
from detector.selectors.corrections import (
    counts_by_label,
    last_decision_of,
    next_waiting,
    twin_of,
    waiting_corrections,
)
from detector.services.correction_dataset import make_dataset
from detector.services.correction_review import (
    AlreadyDecided,
    accept_correction,
    reject_correction,
    relabel_correction,
    undo_decision,
)
from detector.services.datasets import NAME_LENGTH
from ml.config import EMOTIONS
from webui.correction_pages import crop_response
from webui.staff import StaffOnly
from webui.words import word

# One to nine for the nine, in the detector's order, and zero for none of them.
KEYS = {**{name: str(number) for number, name in enumerate(EMOTIONS, start=1)}, NOT_A_FACE: "0"}
SAID = {
    Correction.State.ACCEPTED: _("Correction {pk} is accepted as {label}."),
    Correction.State.RELABELLED: _("Correction {pk} is accepted as {label}."),
    Correction.State.REJECTED: _("Correction {pk} is rejected."),
}


class StaffPage(StaffOnly, View):
    """What the pages have in common."""

    extra_context = {"place": "corrections"}


class ReviewPage(StaffPage, TemplateView):
    """The one that waits the longest, or, with `?after=7`, the next one behind that."""

    template_name = "webui/corrections/review.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        correction = next_waiting(after=posted_id(self.request.GET, "after"))
        twin = correction and twin_of(correction)
        counts = counts_by_label()
        return super().get_context_data(
            correction=correction,
            twin=twin,
            labels=[(label, KEYS[label]) for label in RIGHT_LABELS],
            waiting=waiting_corrections().count(),
            counts=[(label, count, count >= config.correction_enough) for label, count in counts.items()],
            accepted=sum(counts.values()),
            enough=config.correction_enough,
            last=last_decision_of(self.request.user),
            made=Dataset.objects.filter(from_corrections=True).defer("report")[:5],
            suggested=gettext("Corrections {time}").format(time=f"{timezone.localtime():%Y-%m-%d %H.%M}"),
            name_length=NAME_LENGTH,
            days=consent_in_force().days,
            **context,
        )


class Decide(StaffPage):
    """One of the buttons: `decision` is accept, reject or a label."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        correction = Correction.objects.filter(pk=pk).first()
        if correction is None:
            messages.error(request, AlreadyDecided(pk, Correction.State.WITHDRAWN).message)
            return redirect("webui:correction-review")
        decision = request.POST.get("decision", "")
        try:
            if decision == "accept":
                accept_correction(correction=correction, reviewer=request.user)
            elif decision == "reject":
                reject_correction(correction=correction, reviewer=request.user)
            else:
                relabel_correction(correction=correction, reviewer=request.user, label=decision)
        except HamsterError as error:
            messages.error(request, error.message)
        else:
            label = word(correction.final_label)
            messages.success(request, SAID[correction.state].format(pk=pk, label=label))
        return redirect("webui:correction-review")


class Undo(StaffPage):
    """Takes back what this person decided on last, and shows it again."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            correction = undo_decision(reviewer=request.user)
        except HamsterError as error:
            messages.error(request, error.message)
            return redirect("webui:correction-review")
        messages.success(
            request, gettext("The decision on correction {pk} is taken back.").format(pk=correction.pk)
        )
        return redirect(f"{reverse('webui:correction-review')}?after={correction.pk - 1}")


class MakeDataset(StaffPage):
    """All accepted ones as a new data set."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            dataset = make_dataset(name=request.POST.get("name", ""), owner=request.user)
        except HamsterError as error:
            messages.error(request, error.message)
            return redirect("webui:correction-review")
        messages.success(request, gettext("{name} is made and is being checked.").format(name=dataset.name))
        return redirect("webui:dataset", dataset.pk)


class ReviewCrop(StaffPage):
    """The picture of any correction."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return crop_response(get_object_or_404(Correction, pk=pk))
