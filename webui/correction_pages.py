"""Pages of corrections for whoever sent some, signed in or with a withdrawal code."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View

from detector.consent import consent_in_force
from detector.models import Correction
from detector.selectors.corrections import correction_with_code, corrections_of
from detector.services.correction_files import read_crop
from detector.services.corrections import withdraw_correction

ON_A_PAGE = 24
WITHDRAWN = _("Correction {pk} is withdrawn and its picture is erased.")


class CorrectionsPage(TemplateView):
    """One's own corrections, those whose codes this browser keeps, and a place for any other code."""

    template_name = "webui/corrections/list.html"
    extra_context = {"place": "corrections"}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        user = self.request.user
        page = None
        if user.is_authenticated:
            page = Paginator(corrections_of(owner=user), ON_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(page=page, consent=consent_in_force(), **context)


class WithdrawWithCode(View):
    """The form for a code."""

    def post(self, request: HttpRequest) -> HttpResponse:
        correction = correction_with_code(request.POST.get("code", ""))
        if correction is None:
            messages.error(
                request, _("No correction has this code (any more). Look at it again; blanks don't matter.")
            )
        else:
            withdraw_correction(correction=correction)
            messages.success(request, WITHDRAWN.format(pk=correction.pk))
        return redirect("webui:corrections")


class WithdrawOwn(LoginRequiredMixin, View):
    """The button beside one of one's own."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        withdraw_correction(correction=get_object_or_404(corrections_of(owner=request.user), pk=pk))
        messages.success(request, WITHDRAWN.format(pk=pk))
        return redirect("webui:corrections")


class OwnCrop(LoginRequiredMixin, View):
    """The picture of one of one's own."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return crop_response(get_object_or_404(corrections_of(owner=request.user), pk=pk))


def crop_response(correction: Correction) -> HttpResponse:
    """A crop that no cache keeps and no browser takes for anything else. Raises Http404."""
    content = read_crop(correction)
    if content is None:
        raise Http404("This picture is not here any more.")
    response = HttpResponse(content, content_type="image/jpeg")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
