"""Corrections: kept with consent only, drawn anew, and gone when they are withdrawn or their time is over."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image, PngImagePlugin

from detector.consent import consent_in_force
from detector.errors import HamsterError
from detector.models import Correction
from detector.selectors.corrections import (
    correction_with_code,
    count_corrections,
    export_corrections,
    kept_bytes,
    twin_of,
)
from detector.services.correction_files import delete_forgotten_crops, read_crop
from detector.services.correction_review import (
    NothingToUndo,
    accept_correction,
    reject_correction,
    undo_decision,
)
from detector.services.corrections import (
    BadBox,
    BadLabel,
    ConsentChanged,
    CorrectionsFull,
    NoConsent,
    NothingToCorrect,
    Shown,
    delete_corrections,
    expire_corrections,
    submit_correction,
    withdraw_correction,
    withdraw_with_codes,
)
from ml.images import BadImage, ImageError
from tests.detector.corrections import BOX, SHOWN, drawn_face, face, send, stored
from tests.detector.pictures import ODD_PICTURES, encoded

pytestmark = pytest.mark.django_db(transaction=True)
NAN = float("nan")


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "media"


def submit(**changed: object) -> Correction:
    said = {"owner": None, "picture": face(), "box": BOX, "shown": SHOWN, "label": "sad"}
    return submit_correction(**{**said, "consent": consent_in_force().version, **changed})[0]


def test_a_correction_keeps_what_was_shown_what_is_right_and_what_was_agreed_to(owner):
    correction, code = send(owner=owner)
    assert code == ""
    correction.refresh_from_db()
    assert (correction.shown_label, correction.shown_score, correction.detector) == ("happy", 0.93, "red-1")
    assert (correction.label, correction.final_label, correction.state) == ("sad", "", "waiting")
    assert correction.consent_version == "2-365"
    assert correction.consent_at <= timezone.now()
    assert abs(correction.expires_at - correction.consent_at - timedelta(days=365)) < timedelta(seconds=1)
    assert [correction.x1, correction.y1, correction.x2, correction.y2] == list(BOX.values())


def test_the_picture_is_drawn_anew_small_and_with_nothing_but_its_pixels(media):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera of mine"
    picture = drawn_face(size=900).resize((900, 600)).transpose(Image.Transpose.ROTATE_90)
    correction = submit(picture=encoded(picture, exif=exif, comment=b"my name", icc_profile=b"profile" * 40))
    content = (media / correction.crop.name).read_bytes()
    assert len(content) == correction.size == kept_bytes()
    for secret in (b"a camera of mine", b"my name", b"profile", b"Exif"):
        assert secret not in content
    with Image.open(io.BytesIO(content)) as crop:
        assert (crop.format, crop.size) == ("JPEG", (320, 213))
        assert not set(crop.info) & {"exif", "comment", "icc_profile", "xmp"}


def test_text_in_a_png_is_not_kept(media):
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "my address")
    correction = submit(picture=encoded(drawn_face(), "PNG", pnginfo=text))
    assert b"my address" not in (media / correction.crop.name).read_bytes()


def test_a_small_picture_is_not_made_larger():
    with Image.open(io.BytesIO(read_crop(submit(picture=face(size=100))))) as crop:
        assert crop.size == (100, 100)


@pytest.mark.parametrize("odd", [odd for odd in ODD_PICTURES if odd.code], ids=lambda odd: odd.name)
def test_what_is_no_picture_is_refused_and_nothing_is_kept(media, odd):
    with pytest.raises(ImageError) as refusal:
        submit(picture=odd.data)
    assert refusal.value.code == odd.code
    assert stored(media) == []
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"consent": ""}, NoConsent),
        ({"consent": "0-365"}, ConsentChanged),
        ({"label": "hungry"}, BadLabel),
        ({"shown": Shown("hungry", 0.5, "")}, BadLabel),
        ({"label": "happy"}, NothingToCorrect),
        ({"box": {**BOX, "x2": 1.01}}, BadBox),
        ({"box": {**BOX, "x1": -0.01}}, BadBox),
        ({"box": {**BOX, "x2": BOX["x1"]}}, BadBox),
        ({"box": {**BOX, "y1": 0.9, "y2": 0.2}}, BadBox),
        ({"box": {**BOX, "y2": NAN}}, BadBox),
        ({"picture": face(size=20)}, BadImage),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else None,
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(media, changed, error):
    with pytest.raises(error):
        submit(**changed)
    assert stored(media) == []
    assert not Correction.objects.exists()


def test_consent_to_fewer_days_than_are_asked_now_is_no_consent(hamster):
    agreed = consent_in_force()
    hamster(correction_retention_days=700)
    assert "at most 700 days" in consent_in_force().text
    with pytest.raises(ConsentChanged):
        submit(consent=agreed.version)


def test_all_crops_together_take_no_more_room_than_they_may(media, hamster):
    correction = submit()
    hamster(correction_quota_bytes=correction.size + 100)
    with pytest.raises(CorrectionsFull):
        submit(picture=face(1))
    withdraw_correction(correction=correction)
    assert submit(picture=face(1)).pk


def test_a_failing_database_leaves_no_crop_behind(media, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(Correction, "save", fail)
    with pytest.raises(RuntimeError):
        submit()
    assert stored(media) == []


def test_a_code_is_for_people_without_an_account_and_only_its_hash_is_kept():
    correction, code = send()
    assert len(code.replace("-", "")) == 24
    row = Correction.objects.values().get(pk=correction.pk)
    assert code not in str(row)
    assert code.replace("-", "") not in str(row)
    assert correction_with_code(f"  {code.lower().replace('-', ' ')} ") == correction
    assert correction_with_code(code[:-1]) is None
    assert correction_with_code("") is None
    assert send()[1] != code


def test_the_empty_code_opens_nothing_though_accounts_have_none(owner):
    send(owner=owner)
    assert correction_with_code("") is None
    assert correction_with_code(" - - ") is None


def test_withdrawing_leaves_neither_the_picture_nor_a_row(media):
    correction, code = send()
    withdraw_correction(correction=correction)
    assert not Correction.objects.exists()
    assert stored(media) == []
    assert read_crop(correction) is None
    assert correction_with_code(code) is None
    withdraw_correction(correction=correction)


def test_a_crop_that_could_not_be_erased_is_erased_at_the_next_look(media):
    correction, _ = send()
    folder = media / "corrections"
    kept = folder.rename(media / "elsewhere")
    folder.write_text("not a folder, so nothing in it can be deleted")
    withdraw_correction(correction=correction)
    correction.refresh_from_db()
    assert (correction.state, correction.code_hash) == ("withdrawn", "")
    assert correction.crop.name
    folder.unlink()
    kept.rename(folder)
    expire_corrections()
    assert stored(media) == []
    assert not Correction.objects.exists()


def reject(correction: Correction, *, minutes_ago: float = 1) -> User:
    reviewer = User.objects.get_or_create(username="clerk")[0]
    reject_correction(correction=correction, reviewer=reviewer)
    decided = timezone.now() - timedelta(minutes=minutes_ago)
    Correction.objects.filter(pk=correction.pk).update(reviewed_at=decided)
    return reviewer


def test_of_a_rejected_one_the_picture_is_erased_at_the_next_look_and_the_row_stays(media, owner):
    correction, _ = send(owner=owner)
    other, _ = send(owner=owner, seed=1)
    reviewer = reject(correction)
    assert expire_corrections() == 0
    assert stored(media) == [other.file_name]
    correction.refresh_from_db()
    assert (correction.state, correction.crop.name, correction.size) == ("rejected", "", 0)
    assert bytes(correction.signature) == b""
    exported = {row["id"]: row for row in export_corrections(owner=owner)}[correction.pk]
    assert (exported["state"], exported["label"], exported["file"]) == ("rejected", "sad", None)
    assert twin_of(other) is None
    with pytest.raises(NothingToUndo):
        undo_decision(reviewer=reviewer)
    withdraw_correction(correction=correction)
    assert list(Correction.objects.all()) == [other]


def test_for_a_minute_a_rejection_can_be_taken_back_with_its_picture(media):
    correction, _ = send()
    reviewer = reject(correction, minutes_ago=0.5)
    expire_corrections()
    assert undo_decision(reviewer=reviewer) == correction
    expire_corrections()
    assert stored(media) == [correction.file_name]


def test_undo_never_takes_back_the_decision_before_one_that_is_final():
    first, _ = send()
    second, _ = send(seed=1)
    reviewer = reject(first, minutes_ago=2)
    accept_correction(correction=second, reviewer=reviewer)
    Correction.objects.filter(pk=second.pk).update(reviewed_at=timezone.now() - timedelta(minutes=3))
    expire_corrections()
    with pytest.raises(NothingToUndo):
        undo_decision(reviewer=reviewer)
    second.refresh_from_db()
    assert second.state == "accepted"


def test_a_rejected_crop_that_could_not_be_erased_is_erased_at_the_next_look(media):
    correction, _ = send()
    reviewer = reject(correction)
    folder = media / "corrections"
    kept = folder.rename(media / "elsewhere")
    folder.write_text("not a folder, so nothing in it can be deleted")
    expire_corrections()
    with pytest.raises(NothingToUndo):
        undo_decision(reviewer=reviewer)
    folder.unlink()
    kept.rename(folder)
    assert twin_of(send()[0]) is None
    expire_corrections()
    assert correction.file_name not in stored(media)


def test_when_its_time_is_over_a_correction_is_erased_and_forgotten(media):
    old, _ = send()
    young, _ = send(seed=1)
    Correction.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert expire_corrections() == 1
    assert list(Correction.objects.all()) == [young]
    assert stored(media) == [young.file_name]
    assert expire_corrections() == 0


def test_withdrawn_ones_are_not_counted_and_rows_of_earlier_ones_go_at_the_next_look(owner):
    send(owner=owner)
    Correction.objects.update(state="withdrawn", crop="", size=0)
    mine, _ = send(owner=owner, seed=1)
    expire_corrections()
    assert list(Correction.objects.all()) == [mine]
    withdraw_correction(correction=mine)
    assert count_corrections(owner=owner) == 0


def test_codes_withdraw_theirs_and_those_of_none_are_passed_over(media, owner):
    mine, _ = send(owner=owner)
    codes = [send(seed=seed)[1] for seed in (1, 2)]
    kept, _ = send(seed=3)
    assert withdraw_with_codes([*codes, codes[0].lower(), "2222-2222", ""]) == 2
    assert set(Correction.objects.all()) == {mine, kept}
    assert stored(media) == sorted([mine.file_name, kept.file_name])


def test_with_an_account_go_its_corrections(media, owner):
    send(owner=owner)
    anonymous, _ = send(seed=1)
    owner.delete()
    assert expire_corrections() == 1
    assert list(Correction.objects.all()) == [anonymous]
    assert stored(media) == [anonymous.file_name]


def test_an_account_exports_and_deletes_its_own_and_no_others(media, owner):
    mine, _ = send(owner=owner)
    other, _ = send(owner=get_user_model().objects.create_user("other"), seed=1)
    (exported,) = export_corrections(owner=owner)
    assert (exported["id"], exported["label"], exported["file"]) == (mine.pk, "sad", mine.file_name)
    assert exported["consent"]["version"] == "2-365"
    assert count_corrections(owner=owner) == 1
    assert delete_corrections(owner=owner) == 1
    assert count_corrections(owner=owner) == 0
    assert list(Correction.objects.all()) == [other]
    assert stored(media) == [other.file_name]


def test_crops_of_requests_that_were_cut_off_are_deleted_after_an_hour(media):
    delete_forgotten_crops()  # there is no folder yet
    correction, _ = send()
    for name, age in (("old.jpg", 7200), ("new.jpg", 0)):
        path = media / "corrections" / name
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    os.utime(media / correction.crop.name, (0, 0))
    delete_forgotten_crops()
    assert stored(media) == sorted([correction.file_name, "new.jpg"])


def test_every_refusal_has_a_code_and_a_message():
    for error in (NoConsent, ConsentChanged, BadBox, BadLabel, NothingToCorrect, CorrectionsFull):
        assert isinstance(error(), HamsterError)
        assert error().code != "error"
        assert error().message
