"""WebSocket addresses."""

from django.urls import path

from detector.consumers import live

websocket_urlpatterns = [path("ws/live/", live)]
