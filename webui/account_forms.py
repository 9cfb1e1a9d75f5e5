"""Forms of the pages of accounts that are the site's own."""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from detector.names import MAX_NAME, check_name

LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("", _("until I revoke it"))]
MOST_CODES = 1000
"""Withdrawal codes in one request."""


class NameForm(forms.ModelForm):
    """The name that somebody signs in with."""

    class Meta:
        model = User
        fields = ["username"]

    def clean_username(self) -> str:
        """A name that nobody else has in any case; one's own may be written anew."""
        name = self.cleaned_data["username"]
        is_own = name.lower() == self.initial["username"].lower()
        return get_adapter().clean_username(name, shallow=is_own)


class TokenForm(forms.Form):
    """What a new token is to be."""

    name = forms.CharField(max_length=MAX_NAME, validators=[check_name])
    lifetime = forms.ChoiceField(choices=LIFETIMES, required=False, initial="90")

    def expires_at(self) -> datetime | None:
        """When it ends; None: it does not by itself."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class PasswordForm(forms.Form):
    """Asks for the password again, before what can't be taken back."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, user: AbstractBaseUser, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        """Attempts are counted, as those of signing in are."""
        password = self.cleaned_data["password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("incorrect_password")
        return password


class DeletionForm(forms.Form):
    """Asks whether what this browser sent without an account is withdrawn too; its script adds the codes."""

    withdraw = forms.BooleanField(required=False, initial=True)
    codes = forms.CharField(required=False)

    def codes_to_withdraw(self) -> list[str]:
        """None unless that is wanted."""
        return self.cleaned_data["codes"].split()[:MOST_CODES] if self.cleaned_data["withdraw"] else []


class AccountDeletionForm(PasswordForm, DeletionForm):
    """The same, and the password."""
