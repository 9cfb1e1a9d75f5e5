"""Pages of lists. A cursor comes from us, but whoever sends it may have written it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


class CursorPagination(pagination.CursorPagination):
    """DRF's, which takes any base64 for a cursor and fails only when the database can't compare with it."""

    def paginate_queryset(
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """The rows of the page. Raises NotFound for a cursor that is none of ours."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError, DataError) as error:
            raise NotFound(self.invalid_cursor_message) from error


class NewestFirst(CursorPagination):
    """Pages of rows that have a `created_at`."""

    page_size = 20
    ordering = ("-created_at", "-id")
