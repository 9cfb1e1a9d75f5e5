"""Corrections over REST: anybody sends one, whoever sent it withdraws it. Others find nothing there."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from detector.addresses import address_of_request
from detector.api.correction_serializers import (
    CorrectionSerializer,
    CorrectionUploadSerializer,
    NewCorrectionSerializer,
)
from detector.api.idempotency import KEY_HEADER, KEY_PARAMETER
from detector.api.pagination import NewestFirst
from detector.api.parsers import CropMultiPartParser
from detector.api.serializers import ErrorSerializer
from detector.api.throttles import CorrectionRate
from detector.models import Correction
from detector.selectors.corrections import correction_with_code, corrections_of
from detector.services.corrections import Shown, submit_correction, withdraw_correction

CODE_HEADER = "X-Withdrawal-Code"
CODE_PARAMETER = OpenApiParameter(
    CODE_HEADER, str, OpenApiParameter.HEADER, description="Of a correction that was sent without an account."
)
ROW_ERRORS = {
    403: OpenApiResponse(ErrorSerializer, "permission_denied (signed in, no CSRF token)"),
    404: OpenApiResponse(ErrorSerializer, "not_found: neither yours nor of this code"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
}


class CorrectionListView(ListAPIView):
    """Send a correction; list your own."""

    parser_classes = (CropMultiPartParser,)
    pagination_class = NewestFirst
    serializer_class = CorrectionSerializer
    queryset = Correction.objects.none()  # for the schema

    def get_permissions(self) -> list[Any]:
        return [AllowAny() if self.request.method in ("POST", "OPTIONS") else IsAuthenticated()]

    def get_throttles(self) -> list[Any]:
        return [CorrectionRate()] if self.request.method == "POST" else super().get_throttles()

    def get_queryset(self) -> QuerySet[Correction]:
        return corrections_of(owner=self.request.user)

    @extend_schema(
        operation_id="list_corrections",
        responses={
            200: CorrectionSerializer(many=True),
            403: OpenApiResponse(ErrorSerializer, "not_authenticated"),
        },
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_correction",
        parameters=[KEY_PARAMETER],
        description="Send a small picture of a face that was read wrong, with what it looks like, to be kept "
        "for training. Only with the consent of the person on it. Needs no account; without one the answer "
        "holds the code that withdraws it, which is told again only to the same request with its "
        "Idempotency-Key.",
        request={"multipart/form-data": CorrectionUploadSerializer},
        responses={
            201: NewCorrectionSerializer,
            400: OpenApiResponse(
                ErrorSerializer,
                "no_consent, bad_image, bad_box, nothing_to_correct, bad_idempotency_key, invalid, "
                "parse_error",
            ),
            403: OpenApiResponse(ErrorSerializer, "permission_denied (signed in, no CSRF token)"),
            409: OpenApiResponse(
                ErrorSerializer, "consent_changed, correction_share_full, idempotency_key_taken"
            ),
            413: OpenApiResponse(ErrorSerializer, "image_too_large"),
            415: OpenApiResponse(ErrorSerializer, "unsupported_media_type"),
            429: OpenApiResponse(ErrorSerializer, "throttled"),
            507: OpenApiResponse(ErrorSerializer, "corrections_full, disk_full"),
        },
    )
    def post(self, request: Request) -> Response:
        sent = CorrectionUploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        said = sent.validated_data
        correction, code = submit_correction(
            owner=request.user if request.user.is_authenticated else None,
            picture=said["file"].read(),
            box={side: said[side] for side in ("x1", "y1", "x2", "y2")},
            shown=Shown(said["shown_label"], said["shown_score"], said["detector"]),
            label=said["label"],
            consent=said["consent"],
            key=request.headers.get(KEY_HEADER, ""),
            address=address_of_request(request),
        )
        return Response(NewCorrectionSerializer(correction, context={"code": code}).data, 201)


class CorrectionView(GenericAPIView):
    """One correction, for whoever sent it: signed in, or with the code."""

    permission_classes = (AllowAny,)
    serializer_class = CorrectionSerializer

    def own(self, pk: int) -> Correction:
        """Raises Http404 unless it is theirs."""
        if (correction := correction_with_code(self.request.headers.get(CODE_HEADER, ""))) is not None:
            if correction.pk == pk:
                return correction
        elif self.request.user.is_authenticated:
            correction = corrections_of(owner=self.request.user).filter(pk=pk).first()
            if correction is not None:
                return correction
        raise Http404

    @extend_schema(
        operation_id="read_correction",
        parameters=[CODE_PARAMETER],
        responses={200: CorrectionSerializer, **ROW_ERRORS},
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(CorrectionSerializer(self.own(pk)).data)

    @extend_schema(
        operation_id="withdraw_correction",
        description="Withdraw it: it is erased at once with its picture, also in data sets that were made "
        "with it, and not found any more. A detector that was trained already keeps what it learned.",
        parameters=[CODE_PARAMETER],
        request=None,
        responses={204: None, **ROW_ERRORS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        withdraw_correction(correction=self.own(pk))
        return Response(status=204)
