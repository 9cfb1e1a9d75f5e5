"""My data: what is kept about an account, all of it as a download, and deleting it."""

import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView

from detector.api.throttles import DataDownloadRate
from detector.my_data import KEPT
from detector.services.accounts import delete_account, delete_everything, zip_of_everything
from detector.services.corrections import withdraw_with_codes
from webui.account_forms import AccountDeletionForm, DeletionForm


class MyDataPage(LoginRequiredMixin, TemplateView):
    """Each kind of thing that is kept, how many there are, and where to see them."""

    template_name = "webui/account/data.html"
    extra_context = {"place": "data"}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        rows = [(kind, kind.count(self.request.user)) for kind in KEPT]
        return super().get_context_data(rows=rows, **context)


class DownloadAll(MyDataPage):
    """Everything as one zip archive, sent while it is made."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The archive, or the page that says when there will be another one."""
        rate = DataDownloadRate()
        if not rate.allow_request(request, self):
            return self._too_often(math.ceil(rate.wait() or 1))
        pieces = zip_of_everything(user=request.user)
        name = f"my-hamster-data-{timezone.localdate().isoformat()}.zip"
        return StreamingHttpResponse(
            in_threads(pieces) if isinstance(request, ASGIRequest) else pieces,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    def _too_often(self, seconds: int) -> HttpResponse:
        minutes = math.ceil(seconds / 60)
        said = ngettext(
            "You have taken everything out many times already. Try again in {minutes} minute.",
            "You have taken everything out many times already. Try again in {minutes} minutes.",
            minutes,
        )
        messages.error(self.request, said.format(minutes=minutes))
        headers = {"Retry-After": str(seconds)}
        return self.render_to_response(self.get_context_data(), status=429, headers=headers)


async def in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for the event loop: an ordinary iterator would be read to its end before anything is sent."""
    take = sync_to_async(lambda: next(pieces, None))
    try:
        while (piece := await take()) is not None:
            if piece:
                yield piece
    finally:
        await sync_to_async(pieces.close)()


def _withdraw(request: HttpRequest, form: DeletionForm) -> str:
    """Withdraw what the form says, and tell; returns what the browser is to forget, as tags of a message."""
    account = f"{request.user.pk}"
    codes = form.codes_to_withdraw()
    if not codes:
        return account
    if count := withdraw_with_codes(codes):
        said = ngettext(
            "The correction that this browser sent without an account is withdrawn.",
            "The {count} corrections that this browser sent without an account are withdrawn.",
            count,
        )
        messages.success(request, said.format(count=count))
    return f"{account} codes"


@method_decorator(sensitive_post_parameters("codes"), name="dispatch")
class DeletePage(LoginRequiredMixin, FormView):
    """Asks, then deletes everything but the account."""

    template_name = "webui/account/delete_data.html"
    form_class = DeletionForm
    success_url = reverse_lazy("webui:data")
    extra_context = {"place": "data", "kinds": [kind for kind in KEPT if kind.delete is not None]}

    def form_valid(self, form: DeletionForm) -> HttpResponse:
        """Delete it; whoever asked stays signed in, in a new session."""
        to_forget = _withdraw(self.request, form)
        delete_everything(user=self.request.user)
        self.request.session.create()
        said = _("Everything is deleted. Your account is still there.")
        messages.success(self.request, said, extra_tags=to_forget)
        return super().form_valid(form)


@method_decorator(sensitive_post_parameters("password", "codes"), name="dispatch")
class DeleteAccountPage(LoginRequiredMixin, FormView):
    """Asks for the password, then deletes the account with everything."""

    template_name = "webui/account/delete_account.html"
    form_class = AccountDeletionForm
    success_url = reverse_lazy("webui:camera")
    extra_context = {"place": "data"}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def form_valid(self, form: AccountDeletionForm) -> HttpResponse:
        """Delete it, and say goodbye to a stranger."""
        to_forget = _withdraw(self.request, form)
        delete_account(user=self.request.user)
        logout(self.request)
        said = _("Your account and everything in it are deleted. Goodbye!")
        messages.success(self.request, said, extra_tags=to_forget)
        return super().form_valid(form)
