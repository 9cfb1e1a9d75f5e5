"""Rows of the site: what Django, and everyone else, imports from `detector.models`."""

from detector.models.batches import BatchItem, BatchJob
from detector.models.datasets import Dataset, DatasetSample
from detector.models.evaluations import Evaluation, EvaluationPart
from detector.models.jobs import OPEN, JobState
from detector.models.live_sessions import LiveSession
from detector.models.training import TrainingRun, recipe
from detector.models.versions import (
    AuditEntry,
    DetectorVersion,
    ShadowCount,
    ShadowPace,
    detector_file_path,
)
from detector.models.webhooks import Webhook, WebhookAttempt

__all__ = [
    "OPEN",
    "AuditEntry",
    "BatchItem",
    "BatchJob",
    "Dataset",
    "DatasetSample",
    "DetectorVersion",
    "Evaluation",
    "EvaluationPart",
    "JobState",
    "LiveSession",
    "ShadowCount",
    "ShadowPace",
    "TrainingRun",
    "Webhook",
    "WebhookAttempt",
    "detector_file_path",
    "recipe",
]
