"""Admin actions that destroy something ask first."""

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

YES = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person has said yes on the page of `ask`."""
    return YES in request.POST


def ask(
    page: ModelAdmin, request: HttpRequest, rows: QuerySet, action: str, question: str
) -> TemplateResponse:
    """A page that lists the rows, asks the question, and runs the action again, confirmed, on yes."""
    context = {
        **page.admin_site.each_context(request),
        "title": question,
        "opts": page.opts,
        "rows": rows,
        "action": action,
        "yes": YES,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/detector/ask.html", context)
