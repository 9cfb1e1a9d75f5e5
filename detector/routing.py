"""WebSocket addresses."""

from channels.auth import AuthMiddlewareStack
from django.urls import path

from detector.consumers import live
from detector.jobs_socket import JobsConsumer

websocket_urlpatterns = [
    path("ws/live/", live),
    path("ws/jobs/", AuthMiddlewareStack(JobsConsumer.as_asgi())),
]
