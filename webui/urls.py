"""Addresses of the pages."""

from django.urls import path

from webui import views

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
]
