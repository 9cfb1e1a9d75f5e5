"""Batches in the admin: watch them, cancel them, take them up again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from detector.admin_pages import ReadOnlyAdmin, act_on_each
from detector.models import BatchItem, BatchJob
from detector.selectors.batches import batches
from detector.services.batches import request_cancel, retry


@admin.register(BatchJob)
class BatchJobAdmin(ReadOnlyAdmin):
    """Who handed in what, how far it is, and two actions."""

    list_display = [
        *("__str__", "owner", "state", "total", "succeeded", "failed"),
        *("detector", "created_at", "finished_at", "expires_at"),
    ]
    list_filter = ["state", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["=id", "owner__username"]
    date_hierarchy = "created_at"
    readonly_fields = ["succeeded", "failed", "items"]
    actions = ["cancel", "retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BatchJob]:
        return batches()

    @admin.display(ordering="succeeded")
    def succeeded(self, batch: BatchJob) -> int:
        """Items that were looked at."""
        return batch.succeeded

    @admin.display(ordering="failed")
    def failed(self, batch: BatchJob) -> int:
        """Items that were refused or could not be looked at."""
        return batch.failed

    @admin.display(description="items")
    def items(self, batch: BatchJob) -> str:
        """A way to the list of its items."""
        page = reverse("admin:detector_batchitem_changelist")
        return format_html('<a href="{}?batch__id__exact={}">{} items</a>', page, batch.pk, batch.total)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Cancelling and taking up again takes the right to change batches."""
        return request.user.has_perm("detector.change_batchjob")

    @admin.action(description="Cancel selected batches", permissions=["decide"])
    def cancel(self, request: HttpRequest, selected: QuerySet[BatchJob]) -> None:
        """Cancel each batch that has not ended."""
        act_on_each(self, request, selected, lambda row: request_cancel(batch=row), "is being cancelled")

    @admin.action(description="Try what failed in selected batches again", permissions=["decide"])
    def retry(self, request: HttpRequest, selected: QuerySet[BatchJob]) -> None:
        """Queue what failed or was cancelled in each batch that has ended."""
        act_on_each(self, request, selected, lambda row: retry(batch=row), "is waiting for a worker again")


@admin.register(BatchItem)
class BatchItemAdmin(ReadOnlyAdmin):
    """What was found in each picture, or why nothing was."""

    list_display = ["name", "batch", "number", "state", "emotion", "error_code", "finished_at"]
    list_filter = ["state", "error_code"]
    list_select_related = ["batch"]
    search_fields = ["name", "=batch__id"]
    exclude = ["file"]
    readonly_fields = ["stored"]

    @admin.display(empty_value="")
    def emotion(self, item: BatchItem) -> str | None:
        """The best face's."""
        return item.result and item.result["emotion"]

    @admin.display(description="file")
    def stored(self, item: BatchItem) -> str:
        """Where the picture lies, inside MEDIA_ROOT; it is not served."""
        return item.file.name

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The items of one batch, as the batch's page asks for them."""
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)
