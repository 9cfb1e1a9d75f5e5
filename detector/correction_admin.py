"""Corrections in the admin: who sent what, and what became of it. /corrections/review/ decides on them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from detector.admin_pages import ReadOnlyAdmin
from detector.models import Correction
from detector.services.corrections import withdraw_correction


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    """All corrections. Deleting one withdraws it: its picture goes too, also out of data sets."""

    list_display = (
        *("__str__", "state", "shown_label", "label", "final_label", "owner", "reviewer"),
        *("created_at", "reviewed_at", "expires_at"),
    )
    list_filter = ("state", "label", "final_label", "shown_label", "detector")
    list_select_related = ("owner", "reviewer")
    search_fields = ("=id", "owner__username", "reviewer__username")
    date_hierarchy = "created_at"
    exclude = ("crop", "code_hash", "sender", "repeat_key", "signature")
    readonly_fields = ("picture",)

    @admin.display(description="crop")
    def picture(self, correction: Correction) -> str:
        """The way to the picture, for staff."""
        if not correction.crop:
            return "erased"
        page = reverse("webui:correction-review-crop", args=[correction.pk])
        return format_html('<a href="{}">Show it</a>', page)

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Who may delete corrections may withdraw them for their senders."""
        return request.user.has_perm("detector.delete_correction")

    def delete_model(self, request: HttpRequest, obj: Correction) -> None:
        """With its picture."""
        withdraw_correction(correction=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Correction]) -> None:
        """With their pictures."""
        for correction in queryset:
            withdraw_correction(correction=correction)
