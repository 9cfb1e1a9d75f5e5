"""The pages of corrections, as the server sends them."""

import re
from typing import Any

import pytest
from django.test import Client

from detector.models import Correction, Dataset
from detector.services.correction_review import accept_correction
from detector.services.corrections import withdraw_correction
from tests.detector.corrections import send, stored

pytestmark = pytest.mark.django_db(transaction=True)
REVIEW = "/corrections/review/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "media"


@pytest.fixture
def staff(django_user_model) -> Any:
    return django_user_model.objects.create_user("keeper", is_staff=True)


@pytest.fixture
def review(staff) -> Client:
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def sender(django_user_model) -> Any:
    return django_user_model.objects.create_user("mia")


@pytest.fixture
def own(sender) -> Client:
    client = Client()
    client.force_login(sender)
    return client


def text(response) -> str:
    return " ".join(response.content.decode().split())


def decide(client: Client, correction: Correction, decision: str) -> str:
    return text(client.post(f"{REVIEW}{correction.pk}/", {"decision": decision}, follow=True))


def test_the_camera_page_asks_for_consent_in_plain_words_before_anything_is_sent(client, settings):
    settings.HAMSTER = {**settings.HAMSTER, "correction_retention_days": 30}
    page = text(client.get("/"))
    assert "Kept until you withdraw it, at most 30 days." in page
    assert 'data-consent="2-30"' in page
    switch = page[page.index('id="correction-agree"') - 60 :][:200]
    assert "checked" not in switch.split(">")[0]
    assert page.count('class="correction-label"') == 10
    assert "Only a correction that you agree to send, or a session that you choose to keep, is." in page


def test_only_the_page_of_somebody_signed_in_carries_a_token(client, own):
    assert "csrfmiddlewaretoken" not in text(client.get("/"))
    dialog = text(own.get("/")).split('<dialog class="settings correction"')[1]
    assert "csrfmiddlewaretoken" in dialog


def test_somebody_sees_and_withdraws_their_own(own, sender, media):
    mine, _ = send(owner=sender)
    send(seed=1)
    page = text(own.get("/corrections/"))
    assert f"Correction {mine.pk}" in page
    assert re.search(r"Sent <time[^>]*>[^<]+ UTC</time>", page)
    assert page.count("/withdraw/") == 2  # one of theirs, and the form for codes
    answer = own.post(f"/corrections/{mine.pk}/withdraw/", follow=True)
    assert "is withdrawn and its picture is erased." in text(answer)
    assert "None yet." in text(own.get("/corrections/"))
    assert len(stored(media)) == 1


def test_a_code_withdraws_without_javascript_and_without_an_account(client, media):
    correction, code = send()
    assert "Withdraw with a code" in text(client.get("/corrections/"))
    wrong = client.post("/corrections/withdraw/", {"code": "AAAA-BBBB"}, follow=True)
    assert "No correction has this code (any more)." in text(wrong)
    done = client.post("/corrections/withdraw/", {"code": code.lower()}, follow=True)
    assert f"Correction {correction.pk} is withdrawn" in text(done)
    assert stored(media) == []


def test_crops_are_served_to_their_sender_and_staff_and_kept_by_no_cache(own, sender, review, client):
    mine, _ = send(owner=sender)
    other, _ = send(seed=1)
    for visitor, address in ((own, f"/corrections/{mine.pk}/crop/"), (review, f"{REVIEW}{mine.pk}/crop/")):
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert own.get(f"/corrections/{other.pk}/crop/").status_code == 404
    assert own.get(f"{REVIEW}{mine.pk}/crop/").status_code == 403
    assert review.get(f"/corrections/{mine.pk}/crop/").status_code == 404
    assert client.get(f"/corrections/{mine.pk}/crop/").status_code == 302
    withdraw_correction(correction=mine)
    assert own.get(f"/corrections/{mine.pk}/crop/").status_code == 404
    assert review.get(f"{REVIEW}{mine.pk}/crop/").status_code == 404


def test_the_review_is_for_staff(client, own):
    correction, _ = send()
    for address in (REVIEW, f"{REVIEW}undo/", f"{REVIEW}dataset/", f"{REVIEW}{correction.pk}/"):
        for method in ("get", "post"):
            assert getattr(client, method)(address).status_code == 302
            assert getattr(own, method)(address).status_code == 403
    assert Correction.objects.get().state == "waiting"
    assert not Dataset.objects.exists()


def test_staff_see_in_the_navigation_how_many_wait_and_others_do_not(review, own):
    assert "place-count" not in text(review.get("/"))
    send()
    send(seed=1)
    assert '<span class="place-count">2<span class="unseen"> waiting</span>' in text(review.get("/"))
    assert "place-count" not in text(own.get("/"))


def test_the_review_shows_what_was_shown_what_the_sender_says_and_a_key_for_each_decision(review, sender):
    send(owner=sender)
    page = text(review.get(REVIEW))
    assert "<dd>happy, 93 %</dd>" in page
    assert "<strong>sad</strong>" in page
    assert "mia" in page
    for key in (*"1234567890", "a", "r"):
        assert page.count(f'data-key="{key}"') == 1


def test_decisions_come_back_with_words_and_the_next_one(review):
    rows = [send(seed=seed)[0] for seed in range(4)]
    assert f"Correction {rows[0].pk} is accepted as sad." in decide(review, rows[0], "accept")
    assert f"Correction {rows[1].pk} is accepted as not a face." in decide(review, rows[1], "not_a_face")
    page = decide(review, rows[2], "reject")
    assert f"Correction {rows[2].pk} is rejected." in page
    assert f'<h2 id="face-title">Correction {rows[3].pk}</h2>' in page
    assert "Choose one of angry" in decide(review, rows[3], "hungry")
    assert "was rejected meanwhile" in decide(review, rows[2], "accept")
    gone, _ = send(seed=9)
    withdraw_correction(correction=gone)
    assert "was withdrawn meanwhile" in decide(review, gone, "accept")
    page = text(review.post(f"{REVIEW}undo/", follow=True))
    assert f'<h2 id="face-title">Correction {rows[2].pk}</h2>' in page


def test_later_shows_the_next_and_comes_round_again(review):
    first, second = (send(seed=seed)[0] for seed in range(2))
    assert f">Correction {second.pk}</h2>" in text(review.get(f"{REVIEW}?after={first.pk}"))
    assert f">Correction {first.pk}</h2>" in text(review.get(f"{REVIEW}?after={second.pk}"))
    assert f">Correction {first.pk}</h2>" in text(review.get(f"{REVIEW}?after=nonsense"))


def test_a_look_alike_is_warned_of_with_its_picture(review, staff):
    first, _ = send()
    accept_correction(correction=first, reviewer=staff)
    send(label="fear")
    page = text(review.get(REVIEW))
    assert f"Looks like correction {first.pk}</strong>, which is accepted as sad." in page
    assert f"{REVIEW}{first.pk}/crop/" in page


def test_an_expression_with_enough_accepted_ones_is_called_enough(review, staff, settings):
    settings.HAMSTER = {**settings.HAMSTER, "correction_enough": 2}
    for seed in range(2):
        accept_correction(correction=send(seed=seed)[0], reviewer=staff)
    accept_correction(correction=send(seed=3, label="fear")[0], reviewer=staff)
    page = text(review.get(REVIEW))
    assert '<th scope="row">sad</th><td class="number">2</td><td>enough</td>' in page
    assert '<meter min="0" max="2" value="1" aria-label="fear">1 of 2</meter>' in page


def test_a_data_set_is_made_with_a_button_and_says_where_it_is_from(review, staff):
    empty = text(review.post(f"{REVIEW}dataset/", {"name": "x"}, follow=True))
    assert "No correction is accepted yet" in empty
    accept_correction(correction=send()[0], reviewer=staff)
    page = text(review.post(f"{REVIEW}dataset/", {"name": "From people"}, follow=True))
    assert "From people is made and is being checked." in page
    assert "corrections that were accepted" in page
    dataset = Dataset.objects.get()
    assert "corrections, " in text(review.get("/datasets/"))
    assert "The corrections themselves stay" in text(review.get(f"/datasets/{dataset.pk}/delete/"))
    again = text(review.post(f"{REVIEW}dataset/", {"name": "From people"}, follow=True))
    assert "There is a data set" in again
    assert f'href="/datasets/{dataset.pk}/"' in text(review.get(REVIEW))


def test_pages_obey_the_content_policy(review, own, sender):
    send(owner=sender)
    for page in (text(review.get(REVIEW)), text(own.get("/corrections/"))):
        assert "style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')
        assert page.count("<h1") == 1
