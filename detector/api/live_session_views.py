"""Kept live sessions over REST: signed-in people, their own ones. Another's session is not there."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from detector.api.batch_views import OWN_ERRORS, ROW_ERRORS, AnyAccept
from detector.api.live_session_serializers import (
    LiveSessionDetailSerializer,
    LiveSessionRenameSerializer,
    LiveSessionSerializer,
    LiveSessionUploadSerializer,
    SessionDownloadSerializer,
)
from detector.api.pagination import NewestFirst
from detector.api.parsers import ShortJSONParser
from detector.api.serializers import ErrorSerializer
from detector.api.throttles import LiveSessionRate
from detector.errors import HamsterError
from detector.models import LiveSession
from detector.selectors.live_sessions import listed_live_sessions_of, live_sessions_of
from detector.services.live_sessions import delete_session, keep_session, rename_session
from detector.session_downloads import as_csv
from detector.session_record import MAX_BYTES, MAX_VALUES, BadSession, read_name, read_record

BAD = OpenApiResponse(ErrorSerializer, "bad_session, parse_error")


class SessionTooLarge(HamsterError):
    """More bytes than any session has."""

    code = "session_too_large"
    status = 413

    def __init__(self) -> None:
        super().__init__(f"A session has at most {MAX_BYTES} bytes.", details={"max_bytes": MAX_BYTES})


class SessionJSONParser(ShortJSONParser):
    """A JSON body with room for the samples of a session. Raises `SessionTooLarge`, `ParseError`."""

    max_values = MAX_VALUES

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
            raise SessionTooLarge()
        return super().parse(stream, media_type, parser_context)


class OwnLiveSessions(GenericAPIView):
    """What the views have in common: they see the sessions of who is signed in, and no others."""

    serializer_class = LiveSessionSerializer
    parser_classes = (SessionJSONParser,)
    throttle_classes = (LiveSessionRate,)
    queryset = LiveSession.objects.none()  # for the schema

    def own_session(self) -> LiveSession:
        """The session of the address. Raises Http404 when it is not there or somebody else's."""
        return get_object_or_404(live_sessions_of(owner=self.request.user), pk=self.kwargs["pk"])


class LiveSessionListView(OwnLiveSessions, ListAPIView):
    """The live sessions that you have kept, newest first."""

    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[LiveSession]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return listed_live_sessions_of(owner=self.request.user)

    @extend_schema(
        operation_id="list_live_sessions", responses={200: LiveSessionSerializer(many=True), **OWN_ERRORS}
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="keep_live_session",
        description="Keep what a live session has shown: numbers, never pictures. The summary and the ribbon "
        "are made from the samples.",
        request=LiveSessionUploadSerializer,
        responses={
            201: LiveSessionDetailSerializer,
            **OWN_ERRORS,
            400: BAD,
            409: OpenApiResponse(ErrorSerializer, "too_many_sessions"),
            413: OpenApiResponse(ErrorSerializer, "session_too_large"),
            507: OpenApiResponse(ErrorSerializer, "disk_full"),
        },
    )
    def post(self, request: Request) -> Response:
        session = keep_session(owner=request.user, record=read_record(request.data))
        return Response(LiveSessionDetailSerializer(session).data, 201)


class LiveSessionView(OwnLiveSessions):
    """One of the sessions that you have kept."""

    serializer_class = LiveSessionDetailSerializer

    @extend_schema(
        operation_id="read_live_session", responses={200: LiveSessionDetailSerializer, **ROW_ERRORS}
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(LiveSessionDetailSerializer(self.own_session()).data)

    @extend_schema(
        operation_id="rename_live_session",
        request=LiveSessionRenameSerializer,
        responses={200: LiveSessionDetailSerializer, **ROW_ERRORS, 400: BAD},
    )
    def patch(self, request: Request, pk: int) -> Response:
        session = self.own_session()
        if not isinstance(request.data, dict) or set(request.data) != {"name"}:
            raise BadSession("session", "has only a name to change: send that, and nothing else.")
        rename_session(session=session, name=read_name(request.data["name"]))
        return Response(LiveSessionDetailSerializer(self.own_session()).data)

    @extend_schema(operation_id="delete_live_session", responses={204: None, **ROW_ERRORS})
    def delete(self, request: Request, pk: int) -> Response:
        delete_session(session=self.own_session())
        return Response(status=204)


class LiveSessionDownloadView(OwnLiveSessions):
    """One of the sessions that you have kept as a file."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download_live_session",
        parameters=[SessionDownloadSerializer],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): LiveSessionDetailSerializer,
            **ROW_ERRORS,
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        query = SessionDownloadSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        session = self.own_session()
        form = query.validated_data["as"]
        if form == "csv":
            answer = HttpResponse(as_csv(session.samples["rows"]), content_type="text/csv; charset=utf-8")
        else:
            text = json.dumps(LiveSessionDetailSerializer(session).data)
            answer = HttpResponse(text, content_type="application/json")
        answer.headers["Content-Disposition"] = f'attachment; filename="session-{pk}.{form}"'
        return answer
