"""Reads of data sets and their pictures."""

from django.db.models import F, QuerySet, Sum

from detector.models import Dataset, DatasetSample
from ml.config import EMOTIONS, UNKNOWN

CLASS_BITS = {name: 1 << index for index, name in enumerate((*EMOTIONS, UNKNOWN))}


def datasets() -> QuerySet[Dataset]:
    """All data sets, newest first. Their reports, which may be long, are read when they are asked for."""
    return Dataset.objects.select_related("owner").defer("report").order_by("-created_at", "-id")


def uploaded_bytes() -> int:
    """Bytes of all uploaded data sets together."""
    return Dataset.objects.filter(uploaded=True).aggregate(total=Sum("size"))["total"] or 0


def samples_of(
    dataset: Dataset, *, split: str = "", emotion: str = "", problems: bool = False
) -> QuerySet[DatasetSample]:
    """The pictures of a data set in order, as its latest check saw them: of one split, with at least one face
    of that emotion (or "unknown"), or with `problems` only."""
    samples = dataset.samples.filter(claim=dataset.claim).order_by("id")
    if split:
        samples = samples.filter(split=split)
    if emotion:
        samples = samples.annotate(of_it=F("classes").bitand(CLASS_BITS[emotion])).filter(of_it__gt=0)
    return samples.filter(has_problems=True) if problems else samples
