"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from webui import batch_pages, batch_pictures, views

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path(
        "accounts/login/",
        LoginView.as_view(template_name="webui/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("accounts/logout/", LogoutView.as_view(), name="sign-out"),
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
