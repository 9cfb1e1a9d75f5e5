"""What can be watched over `/ws/jobs/`: each kind of job, and the JSON that one account may see of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from rest_framework.serializers import BaseSerializer

from detector.api.batch_serializers import BatchDetailSerializer
from detector.api.dataset_serializers import DatasetDetailSerializer
from detector.api.detector_serializers import DetectorDetailSerializer, EvaluationSerializer
from detector.api.training_serializers import TrainingRunDetailSerializer
from detector.selectors.batches import batches_of
from detector.selectors.datasets import datasets
from detector.selectors.evaluations import evaluations
from detector.selectors.training import training_runs
from detector.selectors.versions import detector_versions


def _batch(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    batch = batches_of(owner=user).filter(pk=pk).first()
    return batch and BatchDetailSerializer(batch).data


def _for_staff(
    rows: Callable[[], QuerySet[Any]], serializer: type[BaseSerializer]
) -> Callable[[AbstractBaseUser, int], dict[str, Any] | None]:
    def look(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
        row = rows().filter(pk=pk).first() if user.is_staff else None
        return row and serializer(row).data

    return look


# Kind -> a function of an account and an id that gives what the API's detail view gives; None for what is
# not there or not that account's.
WATCHABLE: dict[str, Callable[[AbstractBaseUser, int], dict[str, Any] | None]] = {
    "batch": _batch,
    "dataset": _for_staff(datasets, DatasetDetailSerializer),
    "training-run": _for_staff(training_runs, TrainingRunDetailSerializer),
    "detector": _for_staff(detector_versions, DetectorDetailSerializer),
    "evaluation": _for_staff(evaluations, EvaluationSerializer),
}
