"""A question before an action of the admin that cannot be taken back."""

from django.contrib.admin import ModelAdmin, helpers
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

CONFIRMED = "confirmed"


def ask_first(
    page: ModelAdmin,
    request: HttpRequest,
    rows: QuerySet,
    *,
    action: str,
    question: str,
    instead_of: int | None = None,
) -> TemplateResponse | None:
    """A page that asks; None once it was answered with yes. `action` is the name of the action's method.

    `instead_of` is the id of what the action would replace; `posted_instead_of` reads it from the answer.
    """
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
        "instead_of": instead_of,
    }
    return TemplateResponse(request, "admin/detector/confirm_action.html", context)
