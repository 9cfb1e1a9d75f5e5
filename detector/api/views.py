"""Predictions over REST."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from detector.api.authentication import BearerToken, HarmlessSession
from detector.api.parsers import PictureJSONParser, PictureMultiPartParser
from detector.api.serializers import (
    ErrorSerializer,
    KeepSerializer,
    KeptAnswerSerializer,
    PredictionSerializer,
    StreamSerializer,
    UploadSerializer,
)
from detector.api.throttles import AccountPredictRate, AccountStreamRate, PredictRate, StreamRate
from detector.conf import config
from detector.engine import get_engine
from detector.engine.pictures import Picture
from detector.services.predictions import check_room, keep_prediction

ANYBODY = [{"token": []}, {"cookieAuth": []}, {}]  # for the schema
PREDICTION_ERRORS = {
    400: OpenApiResponse(ErrorSerializer, "bad_image, invalid, parse_error"),
    401: OpenApiResponse(ErrorSerializer, "bad_token, token_expired, token_revoked, account_closed"),
    413: OpenApiResponse(ErrorSerializer, "image_too_large"),
    415: OpenApiResponse(ErrorSerializer, "unsupported_media_type"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
    503: OpenApiResponse(ErrorSerializer, "server_busy, no_detector"),
}


class SessionWhereKept(SessionAuthentication):
    """Who is signed in. Only where something is kept is a CSRF token asked for: the rest changes nothing."""

    def enforce_csrf(self, request: Request) -> None:
        if "keep" in request.GET:
            super().enforce_csrf(request)


class PredictView(APIView):
    """The faces in an uploaded picture and their expressions. The picture is not stored.

    Anybody may ask. With `keep` the result is kept for the account that is signed in.
    """

    # Anybody may ask; who has an account may ask more often.
    authentication_classes = (BearerToken, SessionWhereKept)
    permission_classes = (AllowAny,)
    parser_classes = (PictureMultiPartParser,)
    throttle_classes = (PredictRate, AccountPredictRate)

    @extend_schema(
        operation_id="predict",
        auth=ANYBODY,
        parameters=[KeepSerializer],
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: PredictionSerializer,
            201: OpenApiResponse(KeptAnswerSerializer, "With keep: it is kept."),
            **PREDICTION_ERRORS,
            403: OpenApiResponse(ErrorSerializer, "With keep: not_authenticated, permission_denied"),
            409: OpenApiResponse(ErrorSerializer, "With keep: too_many_kept"),
            507: OpenApiResponse(ErrorSerializer, "With keep: disk_full"),
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        wanted = KeepSerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        if not wanted.validated_data["keep"]:
            return Response(predict(uploaded(request).read()))
        if not request.user.is_authenticated:
            raise NotAuthenticated(gettext("Sign in to keep results."))
        check_room(owner=request.user)
        file = uploaded(request)
        content = file.read()
        result = predict(content)
        kept = keep_prediction(
            owner=request.user,
            name=file.name,
            content=content,
            result=result,
            with_thumbnail=wanted.validated_data["thumbnail"],
        )
        return Response({**result, "id": kept.pk}, 201)


class StreamView(APIView):
    """The same for one frame as base64 in JSON. For live video the WebSocket `/ws/live/` does far better."""

    authentication_classes = (BearerToken, HarmlessSession)
    permission_classes = (AllowAny,)
    parser_classes = (PictureJSONParser,)
    throttle_classes = (StreamRate, AccountStreamRate)

    @extend_schema(
        operation_id="predict_stream",
        auth=ANYBODY,
        request=StreamSerializer,
        responses={200: PredictionSerializer, **PREDICTION_ERRORS},
    )
    def post(self, request: Request) -> Response:
        frame = StreamSerializer(data=request.data)
        frame.is_valid(raise_exception=True)
        return Response(predict(frame.validated_data["image"]))


def uploaded(request: Request) -> UploadedFile:
    """The picture in a multipart request. Raises `ValidationError`, `UploadTooLarge`."""
    upload = UploadSerializer(data=request.data)
    upload.is_valid(raise_exception=True)
    return upload.validated_data["file"]


def predict(data: bytes) -> dict[str, Any]:
    """A Prediction for an encoded picture. Raises `ImageError`, `ServerBusy`, `NoDetector`."""
    picture = Picture(data, max_pixels=config.upload_max_pixels, max_faces=config.upload_max_faces)
    return get_engine().predict(picture, timeout=config.engine_request_timeout).as_prediction()
