"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import training_pages, views

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path(
        "accounts/login/",
        LoginView.as_view(template_name="webui/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("training/", training_pages.TrainingListPage.as_view(), name="training"),
    path("training/new/", training_pages.NewTrainingPage.as_view(), name="new-training"),
    path("training/<int:pk>/", training_pages.TrainingRunPage.as_view(), name="training-run"),
    path("training/<int:pk>/cancel/", training_pages.CancelTraining.as_view(), name="cancel-training"),
    path("training/<int:pk>/resume/", training_pages.ResumeTraining.as_view(), name="resume-training"),
    path("accounts/logout/", LogoutView.as_view(), name="sign-out"),
]
