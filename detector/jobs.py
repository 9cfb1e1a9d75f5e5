"""What can be watched over `/ws/jobs/`: each kind of job, and the JSON that one account may see of it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from detector.api.batch_serializers import BatchDetailSerializer
from detector.selectors.batches import batches_of


def _batch(user: AbstractBaseUser, pk: int) -> dict[str, Any] | None:
    batch = batches_of(owner=user).filter(pk=pk).first()
    return batch and BatchDetailSerializer(batch).data


# Kind -> a function of an account and an id that gives what the API's detail view gives; None for what is
# not there or not that account's.
WATCHABLE: dict[str, Callable[[AbstractBaseUser, int], dict[str, Any] | None]] = {
    "batch": _batch,
}
