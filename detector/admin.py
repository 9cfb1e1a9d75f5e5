"""Django's admin: detector versions with promote and roll back, the audit trail; other pages join in here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from detector import (  # noqa: F401  (register their pages)
    batch_admin,
    correction_admin,
    dataset_admin,
    live_session_admin,
    prediction_admin,
    token_admin,
    training_admin,
)
from detector.admin_confirmation import ask_first
from detector.admin_pages import ReadOnlyAdmin, act_on_each
from detector.models import AuditEntry, DetectorVersion, Evaluation, ShadowCount, ShadowPace
from detector.posted import posted_instead_of
from detector.selectors.versions import active_detector
from detector.services.shadow import start_shadow, stop_shadow
from detector.services.versions import VersionError, promote_version, roll_back


@admin.register(DetectorVersion)
class DetectorVersionAdmin(ReadOnlyAdmin):
    """Which detectors there are, and the actions that decide what is served and what runs as a shadow."""

    list_display = ["name", "state", "is_shadow", "source", "created_at", "activated_at", "previous"]
    list_filter = ["state", "is_shadow", "source"]
    search_fields = ["name", "sha256"]
    exclude = ["onnx"]
    readonly_fields = ["file"]
    actions = ["promote", "roll_back", "start_shadow", "stop_shadow"]

    @admin.display(description="file")
    def file(self, version: DetectorVersion) -> str:
        """Where the file lies, inside MEDIA_ROOT; it is not served."""
        return version.onnx.name

    def has_promote_permission(self, request: HttpRequest) -> bool:
        """Deciding what is served takes the right to change detector versions."""
        return request.user.has_perm("detector.change_detectorversion")

    @admin.action(description="Promote: serve this version", permissions=["promote"])
    def promote(self, request: HttpRequest, versions: QuerySet[DetectorVersion]) -> HttpResponse | None:
        if versions.count() != 1:
            self.message_user(request, "Select exactly one version to promote.", messages.WARNING)
            return None
        question = "Serve this version to everybody from now on?"
        active = active_detector()
        instead_of = active.pk if active else None
        if page := ask_first(
            self, request, versions, action="promote", question=question, instead_of=instead_of
        ):
            return page
        try:
            version = promote_version(
                version=versions.get(), actor=request.user, instead_of=posted_instead_of(request.POST)
            )
        except VersionError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"{version.name} is active; every web process follows within seconds.")
        return None

    @admin.action(description="Roll back to the version that was active before", permissions=["promote"])
    def roll_back(self, request: HttpRequest, versions: QuerySet[DetectorVersion]) -> HttpResponse | None:
        active = active_detector()
        question = f"Serve {active.previous} again instead of {active}?" if active and active.previous else ""
        if question and (
            page := ask_first(
                self, request, versions, action="roll_back", question=question, instead_of=active.pk
            )
        ):
            return page
        try:
            version = roll_back(actor=request.user, instead_of=posted_instead_of(request.POST))
        except VersionError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"{version.name} is active again.")
        return None

    @admin.action(description="Start as a shadow beside the active version", permissions=["promote"])
    def start_shadow(self, request: HttpRequest, versions: QuerySet[DetectorVersion]) -> None:
        act_on_each(
            self,
            request,
            versions,
            lambda version: start_shadow(version=version, actor=request.user),
            "is the shadow; its page on the site shows what is counted",
        )

    @admin.action(description="Stop as a shadow", permissions=["promote"])
    def stop_shadow(self, request: HttpRequest, versions: QuerySet[DetectorVersion]) -> None:
        act_on_each(
            self,
            request,
            versions,
            lambda version: stop_shadow(version=version, actor=request.user),
            "is not a shadow any more",
        )


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """Which version looked at which data set. They are asked for and shown on the pages of versions."""

    list_display = ["id", "version", "dataset", "split", "state", "done", "total", "owner", "created_at"]
    list_filter = ["state", "dataset", "version"]
    exclude = ["claim", "figures"]

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """As the account's rights say; a worker that is at it notices."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What the page that asks lists: without what was found in each picture, which is much."""
        lines = [f"Evaluation of {row}, with what was found in {row.done} pictures" for row in objs]
        return lines, {"evaluations": len(lines)}, set(), []


@admin.register(ShadowCount)
class ShadowCountAdmin(ReadOnlyAdmin):
    """How shadows agreed with the active version."""

    list_display = ["version", "live", "emotion", "agreed", "disagreed"]
    list_filter = ["version", "emotion"]


@admin.register(ShadowPace)
class ShadowPaceAdmin(ReadOnlyAdmin):
    """How long shadows took and how often they gave way."""

    list_display = ["version", "frames", "gave_way", "slowest_ms"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, and when."""

    list_display = ["created_at", "action", "subject", "actor_name"]
    list_filter = ["action"]
    search_fields = ["subject", "actor_name"]
    date_hierarchy = "created_at"
