"""A question before an action of the admin that cannot be taken back."""

from django.contrib.admin import ModelAdmin, helpers
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

CONFIRMED = "confirmed"


def ask_first(
    page: ModelAdmin, request: HttpRequest, rows: QuerySet, *, action: str, question: str
) -> TemplateResponse | None:
    """A page that asks; None once it was answered with yes. `action` is the name of the action's method."""
    if CONFIRMED in request.POST:
        return None
    context = {
        **page.admin_site.each_context(request),
        "title": question,
        "rows": rows,
        "action": action,
        "opts": page.model._meta,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "confirmed": CONFIRMED,
    }
    return TemplateResponse(request, "admin/detector/confirm_action.html", context)
