"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import views

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path(
        "accounts/login/",
        LoginView.as_view(template_name="webui/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="sign-out"),
]
