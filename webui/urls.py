"""Addresses of the pages."""

from allauth.account.views import login, logout
from django.urls import path

from webui import (
    account_pages,
    batch_pages,
    batch_pictures,
    correction_pages,
    correction_review_pages,
    data_pages,
    dataset_pages,
    detector_acts,
    detector_pages,
    picture_pages,
    training_pages,
    views,
)

app_name = "webui"

urlpatterns = [
    path("", views.CameraPage.as_view(), name="camera"),
    path("accounts/login/", login, name="sign-in"),
    path("accounts/logout/", logout, name="sign-out"),
    path("account/", account_pages.ProfilePage.as_view(), name="profile"),
    path("account/tokens/", account_pages.TokensPage.as_view(), name="tokens"),
    path("account/tokens/<int:pk>/revoke/", account_pages.RevokeToken.as_view(), name="token-revoke"),
    path("account/data/", data_pages.MyDataPage.as_view(), name="data"),
    path("account/data/download/", data_pages.DownloadAll.as_view(), name="data-download"),
    path("account/data/delete/", data_pages.DeletePage.as_view(), name="data-delete"),
    path("account/delete/", data_pages.DeleteAccountPage.as_view(), name="account-delete"),
    path("training/", training_pages.TrainingListPage.as_view(), name="training"),
    path("training/new/", training_pages.NewTrainingPage.as_view(), name="new-training"),
    path("training/<int:pk>/", training_pages.TrainingRunPage.as_view(), name="training-run"),
    path("training/<int:pk>/cancel/", training_pages.CancelTraining.as_view(), name="cancel-training"),
    path("training/<int:pk>/resume/", training_pages.ResumeTraining.as_view(), name="resume-training"),
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
    path("pictures/", picture_pages.PicturesPage.as_view(), name="pictures"),
    path("pictures/kept/delete/", picture_pages.DeleteAllKept.as_view(), name="delete-all-kept"),
    path("pictures/kept/<int:pk>/delete/", picture_pages.DeleteKept.as_view(), name="delete-kept"),
    path("corrections/", correction_pages.CorrectionsPage.as_view(), name="corrections"),
    path("corrections/withdraw/", correction_pages.WithdrawWithCode.as_view(), name="correction-code"),
    path(
        "corrections/<int:pk>/withdraw/", correction_pages.WithdrawOwn.as_view(), name="correction-withdraw"
    ),
    path("corrections/<int:pk>/crop/", correction_pages.OwnCrop.as_view(), name="correction-crop"),
    path("corrections/review/", correction_review_pages.ReviewPage.as_view(), name="correction-review"),
    path("corrections/review/undo/", correction_review_pages.Undo.as_view(), name="correction-undo"),
    path(
        "corrections/review/dataset/",
        correction_review_pages.MakeDataset.as_view(),
        name="correction-dataset",
    ),
    path("corrections/review/<int:pk>/", correction_review_pages.Decide.as_view(), name="correction-decide"),
    path(
        "corrections/review/<int:pk>/crop/",
        correction_review_pages.ReviewCrop.as_view(),
        name="correction-review-crop",
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
