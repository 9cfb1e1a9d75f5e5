"""API tokens in the admin: who has which, and taking one back."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from detector.admin_confirmation import ask_first
from detector.admin_pages import ReadOnlyAdmin, act_on_each
from detector.models import ApiToken
from detector.services.tokens import revoke_token


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """They are made by their owners, on the site."""

    list_display = ["prefix", "name", "owner", "state", "created_at", "expires_at", "last_used_at"]
    list_filter = ["created_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "prefix", "owner__username"]
    exclude = ["digest"]
    readonly_fields = ["state"]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change tokens may."""
        return request.user.has_perm("detector.change_apitoken")

    @admin.action(description="Revoke selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> HttpResponse | None:
        """End them, once somebody has said yes."""
        if question := ask_first(self, request, tokens, action="revoke", question="Revoke these tokens?"):
            return question
        act_on_each(self, request, tokens, lambda token: revoke_token(token=token), "is revoked")
        return None
