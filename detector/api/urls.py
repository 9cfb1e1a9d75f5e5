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
from detector.api.health import HealthView, ReadyView
from detector.api.views import DetectorListView, PredictView, StreamView

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("api/predict", PredictView.as_view(), name="predict"),
    path("api/predict/stream", StreamView.as_view(), name="predict-stream"),
    path("api/detectors/", DetectorListView.as_view(), name="detectors"),
    path("api/batches/", BatchListView.as_view(), name="batches"),
    path("api/batches/<int:pk>/", BatchView.as_view(), name="batch"),
    path("api/batches/<int:pk>/items/", BatchItemsView.as_view(), name="batch-items"),
    path("api/batches/<int:pk>/cancel/", BatchCancelView.as_view(), name="batch-cancel"),
    path("api/batches/<int:pk>/retry/", BatchRetryView.as_view(), name="batch-retry"),
    path(
        "api/batches/<int:pk>/webhook-attempts/", WebhookAttemptsView.as_view(), name="batch-webhook-attempts"
    ),
    path("api/batches/<int:pk>/download/", BatchDownloadView.as_view(), name="batch-download"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
