"""Training runs over REST, for staff."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, get_object_or_404
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from detector.api.pagination import NewestFirst
from detector.api.serializers import ErrorSerializer
from detector.api.staff import STAFF_ERRORS, STAFF_ROW_ERRORS
from detector.api.training_serializers import (
    EpochSerializer,
    NewTrainingRunSerializer,
    RunFilterSerializer,
    TrainingRunDetailSerializer,
    TrainingRunSerializer,
)
from detector.models import TrainingRun
from detector.selectors.training import finished_epochs, training_runs
from detector.services.training import queue_training_run, request_cancel, resume


class StaffTraining(GenericAPIView):
    """What the views have in common: they are for staff, who see all runs."""

    permission_classes = (IsAdminUser,)
    serializer_class = TrainingRunDetailSerializer

    def get_queryset(self) -> QuerySet[TrainingRun]:
        return training_runs()

    def run_of_address(self) -> TrainingRun:
        """The run of the address. Raises Http404."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def row(self, pk: int, status: int) -> Response:
        """The run as it is now."""
        return Response(TrainingRunDetailSerializer(get_object_or_404(training_runs(), pk=pk)).data, status)


class TrainingRunListView(StaffTraining, ListAPIView):
    """Training runs, newest first."""

    serializer_class = TrainingRunSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[TrainingRun]:
        wanted = RunFilterSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return super().get_queryset().filter(**wanted.validated_data)

    @extend_schema(
        operation_id="list_training_runs",
        parameters=[RunFilterSerializer],
        responses={200: TrainingRunSerializer(many=True), **STAFF_ERRORS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_training_run",
        description="Queue a run. A training worker takes it up when those before it have ended; a run that "
        "succeeds leaves a candidate detector version with its card.",
        request=NewTrainingRunSerializer,
        responses={
            202: TrainingRunDetailSerializer,
            **STAFF_ERRORS,
            400: OpenApiResponse(ErrorSerializer, "invalid, bad_data_dirs, no_checkpoint, parse_error"),
        },
    )
    def post(self, request: Request) -> Response:
        wanted = NewTrainingRunSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = queue_training_run(
            run=TrainingRun(**wanted.settings()),
            owner=request.user,
            datasets=wanted.validated_data["datasets"],
        )
        return self.row(run.pk, 202)


class TrainingRunView(StaffTraining):
    """One training run."""

    @extend_schema(
        operation_id="read_training_run", responses={200: TrainingRunDetailSerializer, **STAFF_ROW_ERRORS}
    )
    def get(self, request: Request, pk: int) -> Response:
        return self.row(pk, 200)


class TrainingRunEpochsView(StaffTraining):
    """The finished epochs of a run, first to last: what its curves are drawn of."""

    @extend_schema(
        operation_id="list_training_run_epochs",
        responses={200: EpochSerializer(many=True), **STAFF_ROW_ERRORS},
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(finished_epochs(self.run_of_address()))


class TrainingRunCancelView(StaffTraining):
    """A waiting run is cancelled at once; a running one ends soon and keeps the best it has learned."""

    @extend_schema(
        operation_id="cancel_training_run",
        request=None,
        responses={
            200: TrainingRunDetailSerializer,
            **STAFF_ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "not_cancellable: it has ended already"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        request_cancel(run=self.run_of_address())
        return self.row(pk, 200)


class TrainingRunResumeView(StaffTraining):
    """Queue a failed or cancelled run again, to go on from its last checkpoint if it has one."""

    @extend_schema(
        operation_id="resume_training_run",
        request=None,
        responses={
            202: TrainingRunDetailSerializer,
            **STAFF_ROW_ERRORS,
            409: OpenApiResponse(ErrorSerializer, "not_resumable: it waits, runs or has succeeded"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        resume(run=self.run_of_address())
        return self.row(pk, 202)
