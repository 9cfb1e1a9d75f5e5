"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import detector_acts, detector_pages, views

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path(
        "accounts/login/",
        LoginView.as_view(template_name="webui/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="sign-out"),
    path("detectors/", detector_pages.DetectorsPage.as_view(), name="detectors"),
    path("detectors/compare/", detector_pages.ComparePage.as_view(), name="detector-compare"),
    path("detectors/compare/evaluate/", detector_acts.EvaluateBoth.as_view(), name="detector-evaluate-both"),
    path("detectors/<int:pk>/", detector_pages.DetectorPage.as_view(), name="detector"),
    path("detectors/<int:pk>/promote/", detector_acts.Promote.as_view(), name="detector-promote"),
    path("detectors/<int:pk>/rollback/", detector_acts.RollBack.as_view(), name="detector-rollback"),
    path("detectors/<int:pk>/shadow/", detector_acts.StartShadow.as_view(), name="detector-shadow"),
    path("detectors/<int:pk>/shadow/stop/", detector_acts.StopShadow.as_view(), name="detector-shadow-stop"),
    path("detectors/<int:pk>/speed/", detector_acts.MeasureSpeed.as_view(), name="detector-speed"),
    path("detectors/<int:pk>/evaluate/", detector_acts.Evaluate.as_view(), name="detector-evaluate"),
    path("detectors/evaluations/<int:pk>/", detector_pages.EvaluationPage.as_view(), name="evaluation"),
    path(
        "detectors/evaluations/<int:pk>/pictures/<int:number>/",
        detector_pages.EvaluationPictureView.as_view(),
        name="evaluation-picture",
    ),
]
