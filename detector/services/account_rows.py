"""The row of an account, locked while something is made for it."""

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from detector.errors import HamsterError


class AccountGone(HamsterError):
    """The account was deleted while its request was on the way."""

    code = "account_gone"
    status = 403
    message = _("This account has been deleted. Nothing was kept.")


def lock_account(pk: int | None) -> None:
    """Lock the account's row until the transaction ends, so that whoever else makes something for it, counts
    what it has, or deletes it waits; rows that only name it do not. None: nobody's, so nothing to lock.

    Raises AccountGone.
    """
    if pk is None:
        return
    if not get_user_model().objects.select_for_update(no_key=True).filter(pk=pk).exists():
        raise AccountGone()
