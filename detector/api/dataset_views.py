"""Data sets over REST, for staff."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from detector.api.batch_uploads import LendsFolder
from detector.api.dataset_serializers import (
    DatasetDetailSerializer,
    DatasetFilterSerializer,
    DatasetSampleSerializer,
    DatasetSerializer,
    DatasetUploadSerializer,
    RegisterSerializer,
    SampleFilterSerializer,
)
from detector.api.dataset_uploads import ArchiveUploadHandler
from detector.api.pagination import CursorPagination, NewestFirst
from detector.api.parsers import PlainMultiPartParser, ShortJSONParser
from detector.api.serializers import ErrorSerializer
from detector.api.staff import STAFF_ERRORS, STAFF_ROW_ERRORS
from detector.models import Dataset, DatasetSample
from detector.selectors.datasets import datasets, samples_of
from detector.services.dataset_files import request_folder
from detector.services.datasets import check_again, delete_dataset, register_dataset, upload_dataset


class InOrder(CursorPagination):
    """Pages of pictures."""

    page_size = 100
    ordering = ("id",)


class StaffDatasets(GenericAPIView):
    """What the views have in common: staff, and all data sets."""

    permission_classes = (IsAdminUser,)
    serializer_class = DatasetSerializer
    queryset = Dataset.objects.none()  # for the schema

    def get_queryset(self) -> QuerySet[Any]:
        return datasets()

    def dataset(self) -> Dataset:
        """The data set of the address. Raises Http404."""
        return get_object_or_404(datasets(), pk=self.kwargs["pk"])

    def row(self, pk: int, status: int) -> Response:
        """The data set as it is now."""
        return Response(DatasetDetailSerializer(get_object_or_404(datasets(), pk=pk)).data, status)


class DatasetListView(LendsFolder, StaffDatasets, ListAPIView):
    """The data sets, newest first."""

    parser_classes = (PlainMultiPartParser, ShortJSONParser)
    pagination_class = NewestFirst
    upload_handler = ArchiveUploadHandler
    request_folder = staticmethod(request_folder)

    def get_queryset(self) -> QuerySet[Dataset]:
        wanted = DatasetFilterSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return datasets().filter(
            **{name: value for name, value in wanted.validated_data.items() if value is not None}
        )

    @extend_schema(
        operation_id="list_datasets",
        parameters=[DatasetFilterSerializer],
        responses={200: DatasetSerializer(many=True), **STAFF_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_dataset",
        description="Register a folder on the server, as JSON, or upload a zip archive, as multipart. "
        "A worker checks it then. Of an archive only what belongs to the YOLO layout is kept.",
        request={"application/json": RegisterSerializer, "multipart/form-data": DatasetUploadSerializer},
        responses={
            201: DatasetDetailSerializer,
            **STAFF_ERRORS,
            400: OpenApiResponse(
                ErrorSerializer,
                "invalid, bad_name, not_a_dataset; of an archive bad_archive, empty_archive, nested_archive, "
                "unsafe_archive",
            ),
            409: OpenApiResponse(ErrorSerializer, "name_taken, folder_taken"),
            413: OpenApiResponse(ErrorSerializer, "dataset_too_large, request_too_large"),
            415: OpenApiResponse(ErrorSerializer, "unsupported_media_type"),
            507: OpenApiResponse(ErrorSerializer, "disk_full"),
        },
    )
    def post(self, request: Request) -> Response:
        data, files = request.data, request.FILES
        if files:
            wanted = DatasetUploadSerializer(data=data)
            wanted.is_valid(raise_exception=True)
            dataset = upload_dataset(
                name=wanted.validated_data["name"],
                archive=wanted.validated_data["file"].path,
                owner=request.user,
            )
        else:
            wanted = RegisterSerializer(data=data)
            wanted.is_valid(raise_exception=True)
            dataset = register_dataset(**wanted.validated_data, owner=request.user)
        return self.row(dataset.pk, 201)


class DatasetView(StaffDatasets):
    """One data set with the report of its latest check."""

    serializer_class = DatasetDetailSerializer

    @extend_schema(operation_id="read_dataset", responses={200: DatasetDetailSerializer, **STAFF_ROW_ERRORS})
    def get(self, request: Request, pk: int) -> Response:
        return self.row(pk, 200)

    @extend_schema(
        operation_id="delete_dataset",
        description="Forget the data set, and with it all evaluations of detectors on it. The files of an "
        "uploaded one are deleted, a registered folder is not touched. Refused while a detector is being "
        "evaluated on it, or a training run learns from uploaded files.",
        responses={204: None, **STAFF_ROW_ERRORS, 409: OpenApiResponse(ErrorSerializer, "dataset_in_use")},
    )
    def delete(self, request: Request, pk: int) -> Response:
        delete_dataset(dataset=self.dataset())
        return Response(status=204)


class DatasetCheckView(StaffDatasets):
    """Look through the data set once more."""

    serializer_class = DatasetDetailSerializer

    @extend_schema(
        operation_id="check_dataset",
        request=None,
        responses={
            202: DatasetDetailSerializer,
            **STAFF_ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "check_running"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        check_again(dataset=self.dataset())
        return self.row(pk, 202)


class DatasetSamplesView(StaffDatasets, ListAPIView):
    """The pictures of a data set with their labels, as its latest check saw them."""

    serializer_class = DatasetSampleSerializer
    pagination_class = InOrder
    queryset = DatasetSample.objects.none()  # for the schema

    @extend_schema(
        operation_id="list_dataset_samples",
        parameters=[SampleFilterSerializer],
        responses={200: DatasetSampleSerializer(many=True), **STAFF_ROW_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DatasetSample]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        dataset = self.dataset()
        wanted = SampleFilterSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return samples_of(dataset, **wanted.validated_data)
