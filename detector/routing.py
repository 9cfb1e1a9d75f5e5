"""WebSocket addresses."""

from django.urls import path

from detector.consumers import live
from detector.jobs_socket import JobsConsumer

websocket_urlpatterns = [
    path("ws/live/", live),
    path("ws/jobs/", JobsConsumer.as_asgi()),
]
