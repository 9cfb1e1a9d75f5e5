"""What the buttons of the pages of detector versions do: one service each, then back with a message."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from detector.errors import HamsterError
from detector.models import Dataset, DetectorVersion, Evaluation
from detector.posted import posted_id, posted_instead_of
from detector.selectors.evaluations import newest_on
from detector.selectors.versions import detector_versions
from detector.services.evaluations import EvaluationIsOpen, request_evaluation
from detector.services.shadow import BadShare, start_shadow, stop_shadow
from detector.services.speed import request_speed
from detector.services.versions import promote_version, roll_back
from detector.stored_texts import translated
from webui.staff import StaffOnly


class VersionAct(StaffOnly, View):
    """A POST about one version: its page says afterwards what was done, or why not."""

    http_method_names = ["post"]
    decides = False

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if self.decides and not request.user.has_perm("detector.change_detectorversion"):
            raise PermissionDenied
        version = get_object_or_404(detector_versions(), pk=pk)
        say(request, lambda: self.act(version))
        return redirect("webui:detector", pk=pk)

    def act(self, version: DetectorVersion) -> str:
        """Do it, and say in a sentence what was done. Raises HamsterError."""
        raise NotImplementedError


class Promote(VersionAct):
    """Serve this version."""

    decides = True

    def act(self, version: DetectorVersion) -> str:
        promoted = promote_version(
            version=version, actor=self.request.user, instead_of=posted_instead_of(self.request.POST)
        )
        said = _("{name} is active. Every web process follows within seconds.")
        return said.format(name=promoted.name)


class RollBack(VersionAct):
    """Serve what was active before this version, the active one."""

    decides = True

    def act(self, version: DetectorVersion) -> str:
        active = roll_back(actor=self.request.user, instead_of=version.pk)
        said = _("{name} is active again. Every web process follows within seconds.")
        return said.format(name=active.name)


class StartShadow(VersionAct):
    """Let this version look at a share of the live frames."""

    decides = True

    def act(self, version: DetectorVersion) -> str:
        try:
            share = float(self.request.POST.get("percent", "")) / 100
        except ValueError as error:
            raise BadShare() from error
        start_shadow(version=version, actor=self.request.user, share=share)
        # xgettext:no-python-format
        said = _("{name} looks at {percent} % of the live frames as a shadow.")
        return said.format(name=version.name, percent=f"{100 * share:g}")


class StopShadow(VersionAct):
    """End this version's run as a shadow."""

    decides = True

    def act(self, version: DetectorVersion) -> str:
        stop_shadow(version=version, actor=self.request.user)
        said = _("{name} is not a shadow any more. What was counted stays.")
        return said.format(name=version.name)


class MeasureSpeed(VersionAct):
    """Have a batch worker measure this version."""

    def act(self, version: DetectorVersion) -> str:
        request_speed(version=version)
        return _("A batch worker measures the speed; the figures appear here.")


class Evaluate(VersionAct):
    """Run this version over a data set's valid split."""

    def act(self, version: DetectorVersion) -> str:
        dataset = _dataset(self.request.POST)
        request_evaluation(version=version, dataset=dataset, owner=self.request.user)
        said = _("{name} looks at {dataset}; the result appears here.")
        return said.format(name=version.name, dataset=dataset.name)


class EvaluateBoth(StaffOnly, View):
    """Start the evaluations that two versions lack to be compared on a data set."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        dataset = _dataset(request.POST)
        pair = [
            get_object_or_404(detector_versions(), pk=posted_id(request.POST, name)) for name in ("a", "b")
        ]
        say(request, lambda: self.act(pair, dataset))
        query = QueryDict(mutable=True)
        query.update({"a": pair[0].pk, "b": pair[1].pk, "dataset": dataset.pk})
        return redirect(f"{reverse('webui:detector-compare')}?{query.urlencode()}")

    def act(self, pair: list[DetectorVersion], dataset: Dataset) -> str:
        """Start what is neither finished nor under way."""
        for version in pair:
            newest = newest_on(version=version, dataset=dataset)
            if newest is None or newest.state == Evaluation.State.FAILED:
                try:
                    request_evaluation(version=version, dataset=dataset, owner=self.request.user)
                except EvaluationIsOpen:
                    continue
        said = _("Both look at {dataset}; the comparison appears here.")
        return said.format(dataset=dataset.name)


def say(request: HttpRequest, act: Callable[[], str]) -> None:
    """Do it and tell the person what was done, or why it was not."""
    try:
        messages.success(request, act())
    except HamsterError as error:
        messages.error(request, translated(error.message))


def _dataset(form: QueryDict) -> Dataset:
    return get_object_or_404(Dataset, pk=posted_id(form, "dataset"))
