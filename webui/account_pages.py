"""The pages of an account that are the site's own: profile, and tokens for programs."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import ListView, UpdateView, View

from detector.conf import config
from detector.errors import HamsterError
from detector.models import ApiToken
from detector.selectors.tokens import tokens_of
from detector.services.tokens import make_token, revoke_token
from webui.account_forms import NameForm, TokenForm

MADE = "made_token"


class ProfilePage(LoginRequiredMixin, UpdateView):
    """Who one is here, and the ways to everything about the account."""

    template_name = "webui/account/profile.html"
    form_class = NameForm
    success_url = reverse_lazy("webui:profile")
    extra_context = {"place": "profile"}

    def get_object(self, queryset: QuerySet | None = None) -> Any:
        """One's own row, apart from what the header shows: there a refused name changes nothing."""
        return get_user_model().objects.get(pk=self.request.user.pk)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        rates = {"live": config.account_live_max_fps, "predict": config.account_predict_rate}
        address = self.request.user.emailaddress_set.order_by("-verified", "-primary").first()
        return super().get_context_data(rates=rates, address=address, **context)

    def form_valid(self, form: NameForm) -> HttpResponse:
        """Take the new name, unless somebody was quicker."""
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            form.add_error("username", _("That name is taken. Choose another one."))
            return self.form_invalid(form)
        messages.success(self.request, _("Your name is changed."))
        return redirect(self.success_url)


class TokensPage(LoginRequiredMixin, ListView):
    """One's tokens, and a form for a new one.

    The text of a new token waits in the session for the page that shows it, once: loading that page again
    neither makes another token nor shows this one.
    """

    template_name = "webui/account/tokens.html"
    context_object_name = "tokens"
    paginate_by = 20
    extra_context = {"place": "tokens"}

    def get_queryset(self) -> QuerySet[ApiToken]:
        return tokens_of(owner=self.request.user)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        made = self.request.session.pop(MADE, None)
        return {"form": TokenForm(), "made": made, **super().get_context_data(**context)}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a token, and go on to the page that shows it."""
        form = TokenForm(request.POST)
        if form.is_valid():
            try:
                token, text = make_token(
                    owner=request.user, name=form.cleaned_data["name"], expires_at=form.expires_at()
                )
            except HamsterError as error:
                form.add_error(None, error.message)
            else:
                request.session[MADE] = {"name": token.name, "text": text}
                return redirect("webui:tokens")
        self.object_list = self.get_queryset()
        return self.render_to_response(self.get_context_data(form=form), status=400)


class RevokeToken(LoginRequiredMixin, View):
    """The button of a token's row."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End it and go back."""
        token = get_object_or_404(tokens_of(owner=request.user), pk=pk)
        revoke_token(token=token)
        said = _("“{name}” is revoked. Programs that use it are refused from now on.")
        messages.success(request, said.format(name=token.name))
        return redirect("webui:tokens")
