"""Rows of the site: what Django, and everyone else, imports from `detector.models`."""

from detector.models.batches import BatchItem, BatchJob
from detector.models.corrections import NOT_A_FACE, RIGHT_LABELS, Correction
from detector.models.datasets import Dataset, DatasetSample
from detector.models.evaluations import Evaluation, EvaluationPart
from detector.models.jobs import OPEN, JobState
from detector.models.live_sessions import LiveSession
from detector.models.predictions import Prediction
from detector.models.tokens import ApiToken
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
    "NOT_A_FACE",
    "OPEN",
    "RIGHT_LABELS",
    "ApiToken",
    "AuditEntry",
    "BatchItem",
    "BatchJob",
    "Correction",
    "Dataset",
    "DatasetSample",
    "DetectorVersion",
    "Evaluation",
    "EvaluationPart",
    "JobState",
    "LiveSession",
    "Prediction",
    "ShadowCount",
    "ShadowPace",
    "TrainingRun",
    "Webhook",
    "WebhookAttempt",
    "detector_file_path",
    "recipe",
]
