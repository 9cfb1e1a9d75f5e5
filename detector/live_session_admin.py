"""Kept live sessions in the admin: whose they are and how long; what was seen stays with their owners."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from detector.admin_pages import ReadOnlyAdmin
from detector.models import LiveSession


@admin.register(LiveSession)
class LiveSessionAdmin(ReadOnlyAdmin):
    """Who keeps how much. Names and what was seen are private; deleting is allowed."""

    list_display = ["id", "owner", "duration_ms", "frames_answered", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["=id", "owner__username"]
    date_hierarchy = "created_at"
    fields = [
        "owner",
        "started_at",
        "duration_ms",
        "frames_sent",
        "frames_answered",
        "detectors",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LiveSession]:
        return super().get_queryset(request).defer("moments", "samples", "summary", "ribbon")

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """As the account's rights say; the page asks first."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What the page that asks lists: numbers, not the names that the owners gave."""
        lines = [f"Live session {row.pk} of {row.owner}" for row in objs]
        return lines, {"live sessions": len(lines)}, set(), []
