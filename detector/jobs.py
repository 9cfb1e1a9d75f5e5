"""What can be watched over `/ws/jobs/`: each kind of job, and the JSON that one account may see of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

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


def _dataset(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    dataset = datasets().filter(pk=pk).first() if user.is_active and user.is_staff else None
    return dataset and DatasetDetailSerializer(dataset).data


def _training_run(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    run = training_runs().filter(pk=pk).first() if user.is_staff else None
    return run and TrainingRunDetailSerializer(run).data


def _detector(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    version = detector_versions().filter(pk=pk).first() if user.is_staff else None
    return version and DetectorDetailSerializer(version).data


def _evaluation(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    evaluation = evaluations().filter(pk=pk).first() if user.is_staff else None
    return evaluation and EvaluationSerializer(evaluation).data


# Kind -> a function of an account and an id that gives what the API's detail view gives; None for what is
# not there or not that account's.
WATCHABLE: dict[str, Callable[[AbstractBaseUser, int], dict[str, Any] | None]] = {
    "batch": _batch,
    "dataset": _dataset,
    "training-run": _training_run,
    "detector": _detector,
    "evaluation": _evaluation,
}
