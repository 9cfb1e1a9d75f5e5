"""Detector versions over REST, for staff. Deciding what is served takes the right to change versions."""

import json
from io import BytesIO
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from detector.api.detector_serializers import (
    DetectorDetailSerializer,
    DetectorFileSerializer,
    DetectorFilterSerializer,
    DetectorSerializer,
    EvaluationSerializer,
    InsteadOfSerializer,
    StartEvaluationSerializer,
    StartShadowSerializer,
)
from detector.api.download_answers import AnyAccept
from detector.api.pagination import NewestFirst
from detector.api.serializers import ErrorSerializer
from detector.api.staff import STAFF_ERRORS, STAFF_ROW_ERRORS
from detector.models import DetectorVersion, Evaluation
from detector.selectors.evaluations import evaluations
from detector.selectors.version_files import open_checkpoint, open_onnx
from detector.selectors.versions import detector_versions
from detector.services.evaluations import request_evaluation
from detector.services.shadow import start_shadow, stop_shadow
from detector.services.speed import request_speed
from detector.services.versions import promote_version, roll_back

DECIDING_ERRORS = {
    **STAFF_ROW_ERRORS,
    400: OpenApiResponse(ErrorSerializer, "bad_detector, invalid"),
    409: OpenApiResponse(ErrorSerializer, "already_active, changed_meanwhile"),
}


class MayDecide(BasePermission):
    """Staff with the right to change detector versions."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.is_staff and request.user.has_perm("detector.change_detectorversion")


class Versions(GenericAPIView):
    """What the views have in common."""

    permission_classes = (IsAdminUser,)
    serializer_class = DetectorDetailSerializer

    def get_queryset(self) -> QuerySet[Any]:
        return detector_versions()

    def version(self) -> DetectorVersion:
        """The version of the address. Raises Http404."""
        return get_object_or_404(detector_versions(), pk=self.kwargs["pk"])

    def row(self, pk: int, status: int = 200) -> Response:
        """The version as it is now."""
        return Response(DetectorDetailSerializer(detector_versions().get(pk=pk)).data, status)


class DetectorListView(Versions, ListAPIView):
    """The registered detector versions, newest first."""

    serializer_class = DetectorSerializer
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="list_detectors",
        parameters=[DetectorFilterSerializer],
        responses={200: DetectorSerializer(many=True), **STAFF_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DetectorVersion]:
        if getattr(self, "swagger_fake_view", False):
            return detector_versions()
        wanted = DetectorFilterSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return detector_versions().filter(**wanted.validated_data)


class DetectorView(Versions):
    """One version, with its card."""

    @extend_schema(
        operation_id="read_detector", responses={200: DetectorDetailSerializer, **STAFF_ROW_ERRORS}
    )
    def get(self, request: Request, pk: int) -> Response:
        return self.row(self.version().pk)


class DetectorPromoteView(Versions):
    """Serve this version: every web process follows within seconds, open sockets stay open."""

    permission_classes = (MayDecide,)

    @extend_schema(
        operation_id="promote_detector",
        request=InsteadOfSerializer,
        responses={200: DetectorDetailSerializer, **DECIDING_ERRORS},
    )
    def post(self, request: Request, pk: int) -> Response:
        wanted = InsteadOfSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return self.row(
            promote_version(version=self.version(), actor=request.user, **wanted.validated_data).pk
        )


class DetectorRollBackView(Versions):
    """Serve again what was active before the active version."""

    permission_classes = (MayDecide,)

    @extend_schema(
        operation_id="roll_back_detector",
        request=InsteadOfSerializer,
        responses={
            200: DetectorDetailSerializer,
            **DECIDING_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "nothing_to_roll_back_to, changed_meanwhile"),
        },
    )
    def post(self, request: Request) -> Response:
        wanted = InsteadOfSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return self.row(roll_back(actor=request.user, **wanted.validated_data).pk)


class DetectorShadowView(Versions):
    """A shadow looks at a share of the live frames beside the active version; it is counted, never shown."""

    permission_classes = (MayDecide,)

    @extend_schema(
        operation_id="start_shadow",
        request=StartShadowSerializer,
        responses={
            200: DetectorDetailSerializer,
            **STAFF_ROW_ERRORS,
            400: OpenApiResponse(ErrorSerializer, "bad_detector, bad_share, invalid"),
            409: OpenApiResponse(ErrorSerializer, "already_shadow, active_version"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        wanted = StartShadowSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return self.row(start_shadow(version=self.version(), actor=request.user, **wanted.validated_data).pk)

    @extend_schema(
        operation_id="stop_shadow",
        responses={
            200: DetectorDetailSerializer,
            **STAFF_ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "not_shadow"),
        },
    )
    def delete(self, request: Request, pk: int) -> Response:
        return self.row(stop_shadow(version=self.version(), actor=request.user).pk)


class DetectorSpeedView(Versions):
    """Have a batch worker measure this version on its machine; `speed` has the result a moment later."""

    @extend_schema(
        operation_id="measure_detector",
        request=None,
        responses={202: DetectorDetailSerializer, **STAFF_ROW_ERRORS},
    )
    def post(self, request: Request, pk: int) -> Response:
        request_speed(version=self.version())
        return self.row(pk, 202)


class DetectorDownloadView(Versions):
    """One of a version's files; the .onnx file only while it is the one that was registered."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download_detector",
        parameters=[DetectorFileSerializer],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (200, "application/json"): OpenApiTypes.OBJECT,
            **STAFF_ROW_ERRORS,
            404: OpenApiResponse(ErrorSerializer, "not_found, file_missing"),
            409: OpenApiResponse(ErrorSerializer, "file_changed"),
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        query = DetectorFileSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        version, form = self.version(), query.validated_data["as"]
        name = version.name.replace("/", "-")
        if form == "card":
            card = BytesIO(json.dumps(version.card, indent=2).encode() + b"\n")
            return FileResponse(
                card, as_attachment=True, filename=f"{name}.card.json", content_type="application/json"
            )
        return FileResponse(
            open_checkpoint(version) if form == "pt" else open_onnx(version),
            as_attachment=True,
            filename=f"{name}.{form}",
            content_type="application/octet-stream",
        )


class DetectorEvaluationsView(Versions, ListAPIView):
    """What a version finds in data sets, newest first."""

    serializer_class = EvaluationSerializer
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="list_evaluations", responses={200: EvaluationSerializer(many=True), **STAFF_ROW_ERRORS}
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="start_evaluation",
        description="Have the batch workers run the version over a data set's valid split.",
        request=StartEvaluationSerializer,
        responses={
            202: EvaluationSerializer,
            **STAFF_ROW_ERRORS,
            400: OpenApiResponse(ErrorSerializer, "bad_dataset, invalid"),
            409: OpenApiResponse(ErrorSerializer, "evaluation_open"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        version = self.version()
        wanted = StartEvaluationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        started = request_evaluation(version=version, owner=request.user, **wanted.validated_data)
        return Response(EvaluationSerializer(started).data, 202)

    def get_queryset(self) -> QuerySet[Evaluation]:
        if getattr(self, "swagger_fake_view", False):
            return evaluations().none()
        return evaluations().filter(version=self.version())


class DetectorEvaluationView(Versions):
    """One evaluation of a version."""

    @extend_schema(operation_id="read_evaluation", responses={200: EvaluationSerializer, **STAFF_ROW_ERRORS})
    def get(self, request: Request, pk: int, evaluation: int) -> Response:
        row = get_object_or_404(evaluations(), version_id=pk, pk=evaluation)
        return Response(EvaluationSerializer(row).data)
