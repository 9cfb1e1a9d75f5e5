"""Kept predictions in the admin: whose, of what, and deleting them. Small pictures are for owners alone."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from detector.admin_pages import ReadOnlyAdmin
from detector.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """What people asked to keep."""

    list_display = ["__str__", "owner", "name", "emotion", "detector", "created_at", "expires_at"]
    list_filter = ["emotion", "detector", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["=id", "owner__username", "name"]
    date_hierarchy = "created_at"
    exclude = ["thumbnail"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        return super().get_queryset(request).defer("thumbnail")

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """As the account's rights say."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
