"""Predictions over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from detector.api.authentication import BearerToken, HarmlessSession
from detector.api.parsers import PictureJSONParser, PictureMultiPartParser
from detector.api.serializers import (
    ErrorSerializer,
    PredictionSerializer,
    StreamSerializer,
    UploadSerializer,
)
from detector.api.throttles import AccountPredictRate, AccountStreamRate, PredictRate, StreamRate
from detector.conf import config
from detector.engine import get_engine
from detector.engine.pictures import Picture

ANYBODY = [{"token": []}, {"cookieAuth": []}, {}]  # for the schema
PREDICTION_ERRORS = {
    400: OpenApiResponse(ErrorSerializer, "bad_image, invalid, parse_error"),
    401: OpenApiResponse(ErrorSerializer, "bad_token, token_expired, token_revoked, account_closed"),
    413: OpenApiResponse(ErrorSerializer, "image_too_large"),
    415: OpenApiResponse(ErrorSerializer, "unsupported_media_type"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
    503: OpenApiResponse(ErrorSerializer, "server_busy, no_detector"),
}


class PredictView(APIView):
    """The faces in an uploaded picture and their expressions. The picture is not stored."""

    # Anybody may ask; who has an account may ask more often.
    authentication_classes = (BearerToken, HarmlessSession)
    permission_classes = (AllowAny,)
    parser_classes = (PictureMultiPartParser,)
    throttle_classes = (PredictRate, AccountPredictRate)

    @extend_schema(
        operation_id="predict",
        auth=ANYBODY,
        request=UploadSerializer,
        responses={200: PredictionSerializer, **PREDICTION_ERRORS},
    )
    def post(self, request: Request) -> Response:
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        return Response(predict(upload.validated_data["file"].read()))


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


def predict(data: bytes) -> dict[str, Any]:
    """A Prediction for an encoded picture. Raises `ImageError`, `ServerBusy`, `NoDetector`."""
    picture = Picture(data, max_pixels=config.upload_max_pixels, max_faces=config.upload_max_faces)
    return get_engine().predict(picture, timeout=config.engine_request_timeout).as_prediction()
