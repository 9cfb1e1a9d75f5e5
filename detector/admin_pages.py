"""What admin pages have in common."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from detector.errors import HamsterError


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows and lets nobody add, change or delete them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


def act_on_each(
    page: ModelAdmin, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], object], done: str
) -> None:
    """Do `act` to each row and say of each that it is `done`, or why it can't be."""
    for row in rows:
        try:
            act(row)
            page.message_user(request, f"{row} {done}.")
        except HamsterError as error:
            page.message_user(request, f"{row}: {error.message}", messages.WARNING)
