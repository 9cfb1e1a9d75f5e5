"""Kept predictions over REST: signed-in people, their own ones. Another's prediction is not there.

They are made by `POST /api/predict?keep=true`.
"""

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from detector.api.download_answers import LIST, AnyAccept, download
from detector.api.pagination import NewestFirst
from detector.api.prediction_serializers import (
    DeletedSerializer,
    KeptPredictionSerializer,
    PredictionDownloadSerializer,
    PredictionFilterSerializer,
)
from detector.api.serializers import ErrorSerializer
from detector.api.throttles import KeptRate
from detector.models import Prediction
from detector.picture_answers import jpeg_answer
from detector.prediction_downloads import FORMATS
from detector.selectors.predictions import predictions_of
from detector.services.predictions import delete_prediction, delete_predictions

OWN_ERRORS = {
    403: OpenApiResponse(ErrorSerializer, "not_authenticated, permission_denied (no CSRF token)"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
}
LIST_ERRORS = {400: OpenApiResponse(ErrorSerializer, "invalid: no such expression"), **OWN_ERRORS}
ROW_ERRORS = {**OWN_ERRORS, 404: OpenApiResponse(ErrorSerializer, "not_found: none of yours")}


class OwnPredictions(GenericAPIView):
    """What the views have in common: they see what is kept for who is signed in, and nothing else."""

    serializer_class = KeptPredictionSerializer
    throttle_classes = (KeptRate,)
    queryset = Prediction.objects.none()  # for the schema

    def get_queryset(self) -> QuerySet[Prediction]:
        return predictions_of(owner=self.request.user)

    def own_prediction(self) -> Prediction:
        """The prediction of the address. Raises Http404 when it is not there or somebody else's."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def asked(self, query_class: type[Serializer]) -> dict[str, str]:
        """The query. Raises ValidationError."""
        query = query_class(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return query.validated_data


class PredictionListView(OwnPredictions, ListAPIView):
    """The predictions that you keep, newest first."""

    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Prediction]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return predictions_of(owner=self.request.user, **self.asked(PredictionFilterSerializer))

    @extend_schema(
        operation_id="list_predictions",
        parameters=[PredictionFilterSerializer],
        responses={200: KeptPredictionSerializer(many=True), **LIST_ERRORS},
    )
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="delete_predictions",
        description="Delete all that you keep, or all of one expression, at once and for good.",
        parameters=[PredictionFilterSerializer],
        responses={200: DeletedSerializer, **LIST_ERRORS},
    )
    def delete(self, request: Request) -> Response:
        wanted = self.asked(PredictionFilterSerializer)
        return Response({"deleted": delete_predictions(owner=request.user, **wanted)})


class PredictionView(OwnPredictions):
    """One of the predictions that you keep."""

    @extend_schema(operation_id="read_prediction", responses={200: KeptPredictionSerializer, **ROW_ERRORS})
    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.own_prediction()).data)

    @extend_schema(operation_id="delete_prediction", responses={204: None, **ROW_ERRORS})
    def delete(self, request: Request, pk: int) -> Response:
        delete_prediction(prediction=self.own_prediction())
        return Response(status=204)


class PredictionThumbnailView(OwnPredictions):
    """The small picture of one of the predictions that you keep, if you wished for one."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="read_prediction_thumbnail",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY, **ROW_ERRORS},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        picture = self.own_prediction().thumbnail
        if picture is None:
            raise Http404
        return jpeg_answer(request, lambda: bytes(picture), identity=bytes(picture))


class PredictionDownloadView(OwnPredictions):
    """What you keep as one file, without the small pictures."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download_predictions",
        parameters=[PredictionDownloadSerializer],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): LIST,
            **LIST_ERRORS,
        },
    )
    def get(self, request: Request) -> FileResponse:
        wanted = self.asked(PredictionDownloadSerializer)
        form = FORMATS[wanted.pop("as")]
        kept = predictions_of(owner=request.user, **wanted)
        return download(form, kept.iterator(chunk_size=200), name="predictions")
