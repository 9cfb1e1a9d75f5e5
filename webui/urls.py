"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import (
    batch_pages,
    batch_pictures,
    dataset_pages,
    detector_acts,
    detector_pages,
    info_pages,
    site_files,
    training_pages,
    views,
)

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path("help/", info_pages.HelpPage.as_view(), name="help"),
    path("about/", info_pages.AboutPage.as_view(), name="about"),
    path("privacy/", info_pages.PrivacyPage.as_view(), name="privacy"),
    path("offline/", info_pages.OfflinePage.as_view(), name="offline"),
    path("manifest.webmanifest", site_files.manifest, name="manifest"),
    path("service-worker.js", site_files.service_worker, name="service-worker"),
    path("favicon.ico", site_files.favicon, name="favicon"),
    path("robots.txt", site_files.robots, name="robots"),
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
    path("datasets/", dataset_pages.DatasetListPage.as_view(), name="datasets"),
    path("datasets/<int:pk>/", dataset_pages.DatasetPage.as_view(), name="dataset"),
    path("datasets/<int:pk>/check/", dataset_pages.CheckAgain.as_view(), name="dataset-check"),
    path("datasets/<int:pk>/delete/", dataset_pages.DeletePage.as_view(), name="dataset-delete"),
    path("datasets/<int:pk>/samples/", dataset_pages.SamplesPage.as_view(), name="dataset-samples"),
    path(
        "datasets/<int:pk>/samples/<int:sample>/image/",
        dataset_pages.SampleImage.as_view(),
        name="dataset-image",
    ),
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
    path("batches/", batch_pages.BatchListPage.as_view(), name="batches"),
    path("batches/<int:pk>/", batch_pages.BatchPage.as_view(), name="batch"),
    path("batches/<int:pk>/cancel/", batch_pages.BatchCancelPage.as_view(), name="batch-cancel"),
    path("batches/<int:pk>/retry/", batch_pages.BatchRetryPage.as_view(), name="batch-retry"),
    path("batches/<int:pk>/delete/", batch_pages.BatchDeletePage.as_view(), name="batch-delete"),
    path(
        "batches/<int:pk>/pictures/<int:number>/",
        batch_pictures.ShownPicture.as_view(),
        name="batch-picture",
    ),
    path(
        "batches/<int:pk>/pictures/<int:number>/small/",
        batch_pictures.SmallPicture.as_view(),
        name="batch-picture-small",
    ),
    path(
        "batches/<int:pk>/pictures/<int:number>/original/",
        batch_pictures.OriginalPicture.as_view(),
        name="batch-picture-original",
    ),
]
