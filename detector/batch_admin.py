"""Batches in the admin: watch them, cancel them, take them up again, delete them; and their webhooks."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from detector.admin_confirmation import ask_first
from detector.admin_pages import ReadOnlyAdmin, act_on_each
from detector.models import BatchItem, BatchJob, Webhook, WebhookAttempt
from detector.selectors.batches import batches
from detector.services.batches import delete_batch, request_cancel, retry


class WebhookInline(admin.StackedInline):
    """Who is told of its end; the secret stays with its owner."""

    model = Webhook
    fields = readonly_fields = ["url", "state", "tries", "due_at", "attempts"]
    can_delete = False

    @admin.display(description="attempts")
    def attempts(self, webhook: Webhook) -> str:
        """A way to the list of its attempts."""
        page = reverse("admin:detector_webhookattempt_changelist")
        count = webhook.attempts.count()
        return format_html('<a href="{}?webhook__id__exact={}">{} attempts</a>', page, webhook.pk, count)

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


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
    inlines = [WebhookInline]

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

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Who may delete batches may, and the page asks first."""
        return request.user.has_perm("detector.delete_batchjob")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What the page that asks says: items and webhooks go along, whoever may not delete them alone."""
        return [str(batch) for batch in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: BatchJob) -> None:
        """With its files."""
        delete_batch(batch=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BatchJob]) -> None:
        """With their files."""
        for batch in queryset:
            delete_batch(batch=batch)

    @admin.action(description="Cancel selected batches", permissions=["decide"])
    def cancel(self, request: HttpRequest, selected: QuerySet[BatchJob]) -> HttpResponse | None:
        """Cancel each batch that has not ended, once somebody has said yes."""
        if question := ask_first(self, request, selected, action="cancel", question="Cancel these batches?"):
            return question
        act_on_each(self, request, selected, lambda row: request_cancel(batch=row), "is being cancelled")
        return None

    @admin.action(description="Try what failed in selected batches again", permissions=["decide"])
    def retry(self, request: HttpRequest, selected: QuerySet[BatchJob]) -> None:
        """Queue what failed or was cancelled in each batch that has ended."""
        act_on_each(self, request, selected, lambda row: retry(batch=row), "is waiting for a worker again")


@admin.register(BatchItem)
class BatchItemAdmin(ReadOnlyAdmin):
    """What was found in each picture, or why nothing was."""

    list_display = ["name", "batch", "number", "state", "emotion", "error_code", "finished_at"]
    list_filter = ["state", "emotion", "error_code"]
    list_select_related = ["batch"]
    search_fields = ["name", "=batch__id"]
    exclude = ["file"]
    readonly_fields = ["stored"]

    @admin.display(description="file")
    def stored(self, item: BatchItem) -> str:
        """Where the picture lies, inside MEDIA_ROOT; it is not served."""
        return item.file.name

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The items of one batch, as the batch's page asks for them."""
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    """Each call of a webhook, and what came back."""

    list_display = ["started_at", "batch", "url", "status", "error", "milliseconds"]
    list_filter = ["status", "started_at"]
    list_select_related = ["webhook__batch"]
    search_fields = ["=webhook__batch__id", "webhook__url"]
    date_hierarchy = "started_at"

    @admin.display(ordering="webhook__batch")
    def batch(self, attempt: WebhookAttempt) -> BatchJob:
        """The one that had ended."""
        return attempt.webhook.batch

    @admin.display(ordering="webhook__url", description="URL")
    def url(self, attempt: WebhookAttempt) -> str:
        """Who was called."""
        return attempt.webhook.url

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """The attempts of one webhook, as the batch's page asks for them."""
        return lookup == "webhook__id__exact" or super().lookup_allowed(lookup, value, request)
