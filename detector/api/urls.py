"""Addresses of the API."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from detector.api.batch_views import (
    BatchCancelView,
    BatchDownloadView,
    BatchItemsView,
    BatchListView,
    BatchRetryView,
    BatchView,
    WebhookAttemptsView,
)
from detector.api.correction_views import CorrectionListView, CorrectionView
from detector.api.dataset_views import DatasetCheckView, DatasetListView, DatasetSamplesView, DatasetView
from detector.api.detector_views import (
    DetectorDownloadView,
    DetectorEvaluationsView,
    DetectorEvaluationView,
    DetectorListView,
    DetectorPromoteView,
    DetectorRollBackView,
    DetectorShadowView,
    DetectorSpeedView,
    DetectorView,
)
from detector.api.health import HealthView, ReadyView
from detector.api.live_session_views import LiveSessionDownloadView, LiveSessionListView, LiveSessionView
from detector.api.metrics import metrics
from detector.api.prediction_views import (
    PredictionDownloadView,
    PredictionListView,
    PredictionThumbnailView,
    PredictionView,
)
from detector.api.token_views import TokenListView, TokenView
from detector.api.training_views import (
    TrainingRunCancelView,
    TrainingRunEpochsView,
    TrainingRunListView,
    TrainingRunResumeView,
    TrainingRunView,
)
from detector.api.views import PredictView, StreamView

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("metrics", metrics, name="metrics"),
    path("api/predict", PredictView.as_view(), name="predict"),
    path("api/predict/stream", StreamView.as_view(), name="predict-stream"),
    path("api/detectors/", DetectorListView.as_view(), name="detectors"),
    path("api/detectors/rollback/", DetectorRollBackView.as_view(), name="detector-rollback"),
    path("api/detectors/<int:pk>/", DetectorView.as_view(), name="detector"),
    path("api/detectors/<int:pk>/promote/", DetectorPromoteView.as_view(), name="detector-promote"),
    path("api/detectors/<int:pk>/shadow/", DetectorShadowView.as_view(), name="detector-shadow"),
    path("api/detectors/<int:pk>/speed/", DetectorSpeedView.as_view(), name="detector-speed"),
    path("api/detectors/<int:pk>/download/", DetectorDownloadView.as_view(), name="detector-download"),
    path("api/detectors/<int:pk>/evaluations/", DetectorEvaluationsView.as_view(), name="evaluations"),
    path(
        "api/detectors/<int:pk>/evaluations/<int:evaluation>/",
        DetectorEvaluationView.as_view(),
        name="evaluation",
    ),
    path("api/predictions/", PredictionListView.as_view(), name="predictions"),
    path("api/predictions/download/", PredictionDownloadView.as_view(), name="prediction-download"),
    path("api/predictions/<int:pk>/", PredictionView.as_view(), name="prediction"),
    path(
        "api/predictions/<int:pk>/thumbnail/",
        PredictionThumbnailView.as_view(),
        name="prediction-thumbnail",
    ),
    path("api/batches/", BatchListView.as_view(), name="batches"),
    path("api/batches/<int:pk>/", BatchView.as_view(), name="batch"),
    path("api/batches/<int:pk>/items/", BatchItemsView.as_view(), name="batch-items"),
    path("api/batches/<int:pk>/cancel/", BatchCancelView.as_view(), name="batch-cancel"),
    path("api/batches/<int:pk>/retry/", BatchRetryView.as_view(), name="batch-retry"),
    path(
        "api/batches/<int:pk>/webhook-attempts/", WebhookAttemptsView.as_view(), name="batch-webhook-attempts"
    ),
    path("api/batches/<int:pk>/download/", BatchDownloadView.as_view(), name="batch-download"),
    path("api/datasets/", DatasetListView.as_view(), name="datasets"),
    path("api/datasets/<int:pk>/", DatasetView.as_view(), name="dataset"),
    path("api/datasets/<int:pk>/check/", DatasetCheckView.as_view(), name="dataset-check"),
    path("api/datasets/<int:pk>/samples/", DatasetSamplesView.as_view(), name="dataset-samples"),
    path("api/corrections/", CorrectionListView.as_view(), name="corrections"),
    path("api/corrections/<int:pk>/", CorrectionView.as_view(), name="correction"),
    path("api/live-sessions/", LiveSessionListView.as_view(), name="live-sessions"),
    path("api/live-sessions/<int:pk>/", LiveSessionView.as_view(), name="live-session"),
    path(
        "api/live-sessions/<int:pk>/download/",
        LiveSessionDownloadView.as_view(),
        name="live-session-download",
    ),
    path("api/training-runs/", TrainingRunListView.as_view(), name="training-runs"),
    path("api/training-runs/<int:pk>/", TrainingRunView.as_view(), name="training-run"),
    path("api/training-runs/<int:pk>/epochs/", TrainingRunEpochsView.as_view(), name="training-run-epochs"),
    path("api/training-runs/<int:pk>/cancel/", TrainingRunCancelView.as_view(), name="training-run-cancel"),
    path("api/training-runs/<int:pk>/resume/", TrainingRunResumeView.as_view(), name="training-run-resume"),
    path("api/tokens/", TokenListView.as_view(), name="tokens"),
    path("api/tokens/<int:pk>/", TokenView.as_view(), name="token"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="detector/api_docs.html"),
        name="api-docs",
    ),
]
