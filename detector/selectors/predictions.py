"""Reads of kept predictions. Their small pictures are loaded only where one is shown."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from detector.models import Prediction
from ml.config import EMOTIONS, UNKNOWN


def predictions_of(*, owner: AbstractBaseUser, emotion: str = "") -> QuerySet[Prediction]:
    """What one account keeps, newest first, of one `emotion` (unknown: no face) or of all; nobody's for a
    stranger. Each says whether it `has_thumbnail`."""
    if owner.pk is None:
        return Prediction.objects.none()
    kept = Prediction.objects.filter(owner_id=owner.pk, **({"emotion": emotion} if emotion else {}))
    has_thumbnail = ExpressionWrapper(Q(thumbnail__isnull=False), output_field=BooleanField())
    return kept.defer("thumbnail").annotate(has_thumbnail=has_thumbnail).order_by("-created_at", "-id")


def expressions_kept_by(*, owner: AbstractBaseUser) -> dict[str, int]:
    """How many of the predictions that one account keeps are of which expression; `unknown` has no face."""
    counts = Prediction.objects.filter(owner_id=owner.pk).order_by().values_list("emotion")
    found = dict(counts.annotate(Count("pk")))
    return {name: found.get(name, 0) for name in (*EMOTIONS, UNKNOWN)}
