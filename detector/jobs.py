"""What can be watched over `/ws/jobs/`: each kind of job, and the JSON that one account may see of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from detector.api.batch_serializers import BatchSerializer
from detector.api.dataset_serializers import DatasetDetailSerializer
from detector.api.training_serializers import TrainingRunDetailSerializer
from detector.selectors.batches import batches_of
from detector.selectors.datasets import datasets
from detector.selectors.training import training_runs


def _batch(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    batch = batches_of(owner=user).filter(pk=pk).first()
    return batch and BatchSerializer(batch).data


def _dataset(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    dataset = datasets().filter(pk=pk).first() if user.is_active and user.is_staff else None
    return dataset and DatasetDetailSerializer(dataset).data


def _training_run(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    run = training_runs().filter(pk=pk).first() if user.is_staff else None
    return run and TrainingRunDetailSerializer(run).data


# Kind -> a function of an account and an id that gives what the API's detail view gives; None for what is
# not there or not that account's.
WATCHABLE: dict[str, Callable[[AbstractBaseUser, int], dict[str, Any] | None]] = {
    "batch": _batch,
    "dataset": _dataset,
    "training-run": _training_run,
}
