"""The pages of data sets, as the server sends them."""

import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from PIL import Image

from detector.models import Dataset, DatasetSample, DetectorVersion, Evaluation
from detector.services.datasets import register_dataset
from tests.detector.datasets import check, drawn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def folder(tmp_path) -> Path:
    return drawn(tmp_path / "set")


@pytest.fixture
def dataset(folder) -> Dataset:
    return register_dataset(name="drawn", folder=str(folder), owner=None)


def pages(dataset: Dataset, sample: int = 1) -> list[str]:
    own = f"/datasets/{dataset.pk}/"
    return ["/datasets/", own, f"{own}delete/", f"{own}samples/", f"{own}samples/{sample}/image/"]


def image_of(sample: DatasetSample, query: str = "") -> str:
    return f"/datasets/{sample.dataset_id}/samples/{sample.pk}/image/{query}"


def test_strangers_are_sent_to_sign_in_and_others_than_staff_refused(client, dataset):
    check(dataset)
    addresses = pages(dataset, dataset.samples.first().pk)
    for address in addresses:
        assert client.get(address).headers["Location"] == f"/accounts/login/?next={address}"
    client.force_login(get_user_model().objects.create_user("somebody"))
    assert "Data sets" not in client.get("/").content.decode()
    for address in addresses:
        assert client.get(address).status_code == 403
    assert client.post(f"/datasets/{dataset.pk}/delete/").status_code == 403
    assert client.post(f"/datasets/{dataset.pk}/check/").status_code == 403
    assert client.post("/datasets/", {"name": "x", "folder": "/"}).status_code == 403
    assert Dataset.objects.get().state == "succeeded"


def test_staff_find_the_pages_from_everywhere(admin_client, dataset):
    assert 'href="/datasets/"' in admin_client.get("/").content.decode()
    listed = admin_client.get("/datasets/").content.decode()
    assert 'aria-current="page">Data sets' in listed
    assert f'href="/datasets/{dataset.pk}/"' in listed


@pytest.mark.parametrize(
    "address", ["/datasets/", "/datasets/{}/", "/datasets/{}/samples/", "/datasets/{}/delete/"]
)
def test_pages_obey_the_content_policy_and_have_one_heading(admin_client, dataset, address):
    check(dataset)
    page = admin_client.get(address.format(dataset.pk)).content.decode()
    assert "style=" not in page
    assert page.count("<h1") == 1
    data = page.count('type="application/json"')
    assert page.count("<script") - data == page.count('<script type="module" src="/static/')


def test_a_folder_is_registered_on_the_page_and_nonsense_is_explained(admin_client, folder, tmp_path):
    refused = admin_client.post("/datasets/", {"name": "drawn", "folder": str(tmp_path)})
    assert refused.status_code == 400
    assert "has no folder train/images" in refused.content.decode()
    made = admin_client.post("/datasets/", {"name": "drawn", "folder": str(folder)})
    dataset = Dataset.objects.get()
    assert made.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert dataset.owner.get_username() == "admin"


def test_the_report_shows_problems_with_their_lines_and_links(admin_client, dataset, folder):
    label = min((folder / "train" / "labels").iterdir())
    label.write_text("0 0.5 0.5 0.2 0.2\n<b>nonsense</b> 1 2 3 4\n")
    check(dataset)
    page = admin_client.get(f"/datasets/{dataset.pk}/").content.decode()
    assert "1 problem<" in page
    assert f"train/labels/{label.name}" in page
    assert "&lt;b&gt;nonsense" in page
    assert f'href="/training/new/?dataset={dataset.pk}"' in page
    assert "No twins between the splits" in page


@pytest.mark.parametrize(
    ("language", "kind", "line", "says"),
    [
        ("es", "Líneas incorrectas: 1.", "Línea 1: un valor que no es finito", "un valor que no es finito"),
        ("zh-hans", "错误的行：1。", "第 1 行：有一个值不是有限数", "有一个值不是有限数"),
    ],
)
def test_problems_are_told_in_the_language_of_the_page(
    admin_client, dataset, folder, language, kind, line, says
):
    label = min((folder / "train" / "labels").iterdir())
    label.write_text("0 nan 0.5 0.2 0.2\n")
    check(dataset)
    headers = {"accept-language": language}
    page = admin_client.get(f"/datasets/{dataset.pk}/", headers=headers).content.decode()
    assert f"<td>{says}</td>" in page
    assert kind in page
    samples = admin_client.get(f"/datasets/{dataset.pk}/samples/?problems=on", headers=headers)
    assert line in samples.content.decode()
    answer = admin_client.get(f"/api/datasets/{dataset.pk}/", headers=headers).json()
    assert answer["report"]["problems"]["listed"][0]["message"] == says
    assert dataset.samples.get(has_problems=True).problems[0]["message"] == "a value that is not finite"


def test_a_check_that_failed_says_why_and_is_asked_for_again(admin_client, dataset, folder):
    folder.rename(folder.with_name("gone"))
    check(dataset)
    page = admin_client.get(f"/datasets/{dataset.pk}/").content.decode()
    assert "is not there any more" in page
    assert "/training/new/" not in page
    assert admin_client.post(f"/datasets/{dataset.pk}/check/").status_code == 302
    assert Dataset.objects.get().state == "queued"
    page = admin_client.post(f"/datasets/{dataset.pk}/check/", follow=True).content.decode()
    assert "is being checked already" in page


def test_deleting_asks_first(admin_client, dataset, folder):
    assert "is not touched" in admin_client.get(f"/datasets/{dataset.pk}/delete/").content.decode()
    assert Dataset.objects.exists()
    page = admin_client.post(f"/datasets/{dataset.pk}/delete/", follow=True).content.decode()
    assert "drawn was deleted." in page
    assert folder.is_dir()


def test_evaluations_are_counted_before_they_are_deleted_and_an_open_one_holds_the_set(admin_client, dataset):
    page = f"/datasets/{dataset.pk}/delete/"
    assert "of detectors" not in admin_client.get(page).content.decode()
    version = DetectorVersion.objects.create(name="red-1", source="imported", sha256="0")
    Evaluation.objects.create(version=version, dataset=dataset, state="succeeded")
    is_open = Evaluation.objects.create(version=version, dataset=dataset)
    assert "2 evaluations of detectors on it are deleted too" in admin_client.get(page).content.decode()
    assert "red-1 looks at this data set" in admin_client.post(page, follow=True).content.decode()
    assert admin_client.delete(f"/api/datasets/{dataset.pk}/").json()["error"]["code"] == "dataset_in_use"
    in_admin = f"/admin/detector/dataset/{dataset.pk}/delete/"
    assert admin_client.get(in_admin).status_code == 403
    Evaluation.objects.filter(pk=is_open.pk).update(state="failed")
    assert "2 evaluations" in admin_client.get(in_admin).content.decode()
    assert "was deleted" in admin_client.post(page, follow=True).content.decode()
    assert not Evaluation.objects.exists()


def test_samples_come_in_pages_with_boxes_and_filters(admin_client, tmp_path):
    dataset = check(register_dataset(name="many", folder=str(drawn(tmp_path / "many", train=27)), owner=None))
    address = f"/datasets/{dataset.pk}/samples/"
    page = admin_client.get(f"{address}?split=train").content.decode()
    assert "27 pictures" in page
    assert page.count("<rect ") == 24
    assert "?split=train&amp;page=2" in page
    assert admin_client.get(f"{address}?split=train&page=2").content.decode().count("<rect ") == 3
    happy = admin_client.get(f"{address}?emotion=happy&split=valid").content.decode()
    assert "1 picture," in happy
    assert happy.count('data-emotion="happy"') == 2  # its box and its name
    assert "No picture is like that" in admin_client.get(f"{address}?problems=on").content.decode()
    for nonsense in ("emotion=bored", "split=other", "page=99", "page=x"):
        assert admin_client.get(f"{address}?{nonsense}").status_code == 404


def test_pictures_are_small_jpegs_that_no_browser_takes_for_something_else(admin_client, dataset):
    check(dataset)
    answer = admin_client.get(image_of(dataset.samples.first()))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (64, 64)


def test_a_picture_that_changed_or_was_deleted_is_not_taken_from_the_browsers_memory(admin_client, dataset):
    check(dataset)
    sample = dataset.samples.first()
    kept = {"If-None-Match": admin_client.get(image_of(sample)).headers["ETag"]}
    assert admin_client.get(image_of(sample), headers=kept).status_code == 304
    path = Path(dataset.folder) / sample.file
    with Image.open(path) as picture:
        picture.resize((48, 48)).save(path)
    assert admin_client.get(image_of(sample), headers=kept).status_code == 200
    path.unlink()
    assert admin_client.get(image_of(sample), headers=kept).status_code == 404


def test_large_pictures_are_made_small(admin_client, dataset, folder):
    path = min((folder / "train" / "images").iterdir())
    with Image.open(path) as picture:
        picture.resize((2000, 1000)).save(path)
    check(dataset)
    sample = dataset.samples.get(file=f"train/images/{path.name}")
    for query, size in (("", (320, 160)), ("?size=large", (1280, 640))):
        with Image.open(io.BytesIO(admin_client.get(image_of(sample, query)).content)) as picture:
            assert picture.size == size


def test_nothing_outside_of_the_data_set_is_served(admin_client: Client, dataset, folder, tmp_path):
    check(dataset)
    secret = tmp_path / "secret.jpg"
    sample = dataset.samples.first()
    (folder / sample.file).rename(secret)
    assert admin_client.get(image_of(sample)).status_code == 404  # gone
    (folder / sample.file).symlink_to(secret)
    assert admin_client.get(image_of(sample)).status_code == 404
    for file in ("../secret.jpg", str(secret), "train/images", "data.yaml"):
        DatasetSample.objects.filter(pk=sample.pk).update(file=file)
        assert admin_client.get(image_of(sample)).status_code == 404
    other = register_dataset(name="other", folder=str(drawn(tmp_path / "other")), owner=None)
    last = dataset.samples.last()
    assert admin_client.get(f"/datasets/{other.pk}/samples/{last.pk}/image/").status_code == 404
    assert admin_client.get(image_of(last)).status_code == 200
