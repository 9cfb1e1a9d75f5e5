"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import dataset_pages, training_pages, views

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
]
