"""Batches over REST: signed-in people, their own ones. Another's batch is not there."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from detector.api.batch_serializers import (
    BatchDetailSerializer,
    BatchItemSerializer,
    BatchSerializer,
    BatchUploadSerializer,
    DownloadSerializer,
    ItemFilterSerializer,
    WebhookAttemptSerializer,
)
from detector.api.batch_uploads import BatchMultiPartParser, FolderUploadHandler, LendsFolder
from detector.api.download_answers import LIST, AnyAccept, download
from detector.api.idempotency import KEY_HEADER, KEY_PARAMETER
from detector.api.pagination import CursorPagination, NewestFirst
from detector.api.serializers import ErrorSerializer
from detector.api.throttles import BatchRate, BatchReadRate
from detector.downloads import FORMATS
from detector.models import BatchItem, BatchJob, WebhookAttempt
from detector.selectors.batches import batches_of, webhook_attempts_of
from detector.services.batch_files import request_folder
from detector.services.batches import create_batch, delete_batch, request_cancel, retry

OWN_ERRORS = {
    403: OpenApiResponse(ErrorSerializer, "not_authenticated, permission_denied (no CSRF token)"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
}
ROW_ERRORS = {**OWN_ERRORS, 404: OpenApiResponse(ErrorSerializer, "not_found: none of yours")}


class ByNumber(CursorPagination):
    """Pages of items."""

    page_size = 100
    ordering = ("number",)


class NewestAttemptFirst(CursorPagination):
    """Pages of attempts."""

    page_size = 20
    ordering = ("-id",)


class OwnBatches(GenericAPIView):
    """What the views have in common: they see the batches of who is signed in, and no others."""

    serializer_class = BatchSerializer
    throttle_classes = (BatchReadRate,)

    def get_queryset(self) -> QuerySet[Any]:
        return batches_of(owner=self.request.user)

    def own_batch(self) -> BatchJob:
        """The batch of the address. Raises Http404 when it is not there or somebody else's."""
        return get_object_or_404(batches_of(owner=self.request.user), pk=self.kwargs["pk"])

    def row(self, pk: int, status: int, *, is_new: bool = False) -> Response:
        """The batch as it is now; of a new one with the secret of its webhook."""
        batch = get_object_or_404(self.get_queryset(), pk=pk)
        return Response(BatchDetailSerializer(batch, context={"is_new": is_new}).data, status)


class BatchListView(LendsFolder, OwnBatches, ListAPIView):
    """Your batches, newest first."""

    parser_classes = (BatchMultiPartParser,)
    pagination_class = NewestFirst
    upload_handler = FolderUploadHandler
    request_folder = staticmethod(request_folder)

    def get_throttles(self) -> list[Any]:
        return [BatchRate()] if self.request.method == "POST" else super().get_throttles()

    @extend_schema(operation_id="list_batches", responses={200: BatchSerializer(many=True), **OWN_ERRORS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_batch",
        parameters=[KEY_PARAMETER],
        description="Hand in pictures and zip archives of pictures. What is no picture becomes an item that "
        "has failed; the others are looked at by the site's batch workers. If a webhook is named, the answer "
        "holds its secret, which is told again only to the same request with its Idempotency-Key.",
        request={"multipart/form-data": BatchUploadSerializer},
        responses={
            202: BatchDetailSerializer,
            **OWN_ERRORS,
            400: OpenApiResponse(ErrorSerializer, "no_files, bad_webhook, bad_idempotency_key, parse_error"),
            409: OpenApiResponse(ErrorSerializer, "too_many_batches, idempotency_key_taken"),
            413: OpenApiResponse(ErrorSerializer, "too_many_items, batch_too_large, request_too_large"),
            415: OpenApiResponse(ErrorSerializer, "unsupported_media_type"),
            507: OpenApiResponse(ErrorSerializer, "disk_full"),
        },
    )
    def post(self, request: Request) -> Response:
        batch = create_batch(
            owner=request.user,
            files=request.FILES.getlist("files"),
            webhook=request.POST.get("webhook", ""),
            key=request.headers.get(KEY_HEADER, ""),
        )
        return self.row(batch.pk, 202, is_new=True)


class BatchView(OwnBatches):
    """One of your batches."""

    @extend_schema(operation_id="read_batch", responses={200: BatchDetailSerializer, **ROW_ERRORS})
    def get(self, request: Request, pk: int) -> Response:
        return self.row(pk, 200)

    @extend_schema(
        operation_id="delete_batch",
        description="Delete the batch and its pictures at once, ended or not.",
        responses={204: None, **ROW_ERRORS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        delete_batch(batch=self.own_batch())
        return Response(status=204)


class BatchItemsView(OwnBatches, ListAPIView):
    """The items of one of your batches, in the order they were handed in."""

    serializer_class = BatchItemSerializer
    pagination_class = ByNumber
    queryset = BatchItem.objects.none()  # for the schema

    @extend_schema(
        operation_id="list_batch_items",
        parameters=[ItemFilterSerializer],
        responses={200: BatchItemSerializer(many=True), **ROW_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[BatchItem]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        wanted = ItemFilterSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return self.own_batch().items.filter(**wanted.validated_data)


class WebhookAttemptsView(OwnBatches, ListAPIView):
    """Every call of the webhook of one of your batches, newest first."""

    serializer_class = WebhookAttemptSerializer
    pagination_class = NewestAttemptFirst
    queryset = WebhookAttempt.objects.none()  # for the schema

    @extend_schema(
        operation_id="list_webhook_attempts",
        responses={200: WebhookAttemptSerializer(many=True), **ROW_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[WebhookAttempt]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return webhook_attempts_of(batch=self.own_batch())


class BatchCancelView(OwnBatches):
    """What waits is cancelled at once; what a worker has just now is finished first."""

    throttle_classes = (BatchRate,)

    @extend_schema(
        operation_id="cancel_batch",
        request=None,
        responses={
            200: BatchDetailSerializer,
            **ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "not_cancellable"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        request_cancel(batch=self.own_batch())
        return self.row(pk, 200)


class BatchRetryView(OwnBatches):
    """Look once more at the pictures of an ended batch that failed or were cancelled."""

    throttle_classes = (BatchRate,)

    @extend_schema(
        operation_id="retry_batch",
        request=None,
        responses={
            202: BatchDetailSerializer,
            **ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "nothing_to_retry, too_many_batches"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        retry(batch=self.own_batch())
        return self.row(pk, 202)


class BatchDownloadView(OwnBatches):
    """The results of one of your batches as one file; of an open batch, those there are."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download_batch",
        parameters=[DownloadSerializer],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): LIST,
            (200, "application/zip"): OpenApiTypes.BINARY,
            **ROW_ERRORS,
        },
    )
    def get(self, request: Request, pk: int) -> FileResponse:
        query = DownloadSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        items = self.own_batch().items.order_by("number").iterator(chunk_size=200)
        return download(FORMATS[query.validated_data["as"]], items, name=f"batch-{pk}")
