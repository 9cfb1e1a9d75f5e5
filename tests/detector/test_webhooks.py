"""Webhooks: what is sent when a batch ends, how often, and what its owner sees of it."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from detector.models import BatchJob, Webhook, WebhookAttempt
from detector.services.batch_work import work_on_next_chunk
from detector.services.batches import retry
from detector.services.webhooks import make_attempt, resend_due_webhooks
from detector.tasks import deliver_webhook
from tests.detector.batches import FACE
from tests.detector.receiver import receiver
from tests.detector.workers import wait_until, worker

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(autouse=True)
def broker(hamster):
    cache.clear()
    hamster(webhook_allow_private=True)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("batch", "webhooks", "unacked", "unacked_index")
        yield client
        client.delete("batch", "webhooks", "unacked", "unacked_index")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("owner"))
    return client


@pytest.fixture
def other() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("other"))
    return client


@pytest.fixture
def hole() -> Iterator[str]:
    """An address that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def settings_of_worker(*, timeout: float = 10, backoff: float = 10, attempts: int = 6) -> dict[str, str]:
    return {
        "HAMSTER_WEBHOOK_ALLOW_PRIVATE": "true",
        "HAMSTER_WEBHOOK_TIMEOUT_SECONDS": str(timeout),
        "HAMSTER_WEBHOOK_BACKOFF_SECONDS": str(backoff),
        "HAMSTER_WEBHOOK_ATTEMPTS": str(attempts),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
    }


def send(client: Client, url: str, **headers: str):
    data = {"files": [SimpleUploadedFile("a.jpg", FACE), SimpleUploadedFile("b.jpg", FACE[:900])]}
    return client.post("/api/batches/", {**data, "webhook": url}, headers=headers)


def end(client: Client, url: str) -> dict:
    """A batch with this webhook that has come to its end; as the answer that made it."""
    made = send(client, url).json()
    while work_on_next_chunk():
        pass
    return made


def due_now() -> None:
    Webhook.objects.update(due_at=timezone.now())


def test_the_secret_is_shown_once(client):
    made = send(client, "https://example.com/ended#x").json()
    secret = made["webhook"].pop("secret")
    assert len(secret) > 40
    assert made["webhook"] == {
        **{"url": "https://example.com/ended", "state": "idle"},
        **{"tries": 0, "next_attempt_at": None},
    }
    later = client.get(f"/api/batches/{made['id']}/")
    assert later.json()["webhook"]["secret"] is None
    assert secret not in later.content.decode() + client.get("/api/batches/").content.decode()


def test_the_secret_is_told_again_to_the_same_request_whose_answer_was_lost(client):
    key = {"Idempotency-Key": "k" * 32}
    first, again = (send(client, "https://example.com/ended", **key).json()["webhook"] for _ in range(2))
    assert again["secret"] == first["secret"] is not None


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/", "example.com", "http://", "javascript:alert(1)", "http://a b/"),
        *("http://user:pass@example.com/", "http://localhost/", "http://127.0.0.1/", "http://0x7f.1/"),
        *("http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://example.com:99999/", "http://exämple.com/"),
        *(f"http://example.com/{'x' * 500}", "http://example.com/\0", "http://example.com/a b"),
    ],
)
def test_what_can_not_be_called_is_refused_and_nothing_is_kept(client, hamster, url):
    hamster(webhook_allow_private=False)
    answer = send(client, url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_webhook")
    assert not BatchJob.objects.exists()


def test_a_file_is_no_webhook(client):
    files = {"files": SimpleUploadedFile("a.jpg", FACE), "webhook": SimpleUploadedFile("b.jpg", FACE)}
    assert client.post("/api/batches/", files).json()["webhook"] is None


def test_the_end_is_told_signed_with_the_batch_as_the_api_gives_it(client, broker):
    with receiver() as taken:
        made = end(client, taken.url)
        assert broker.llen("webhooks") == 1
        deliver_webhook(Webhook.objects.get().pk)
    ((headers, body),) = taken.got
    event = json.loads(body)
    assert (headers["path"], headers["Content-Type"]) == ("/hook?x=1", "application/json")
    assert (event["type"], event["event"]) == ("batch.ended", headers["X-Hamster-Event"])
    told = {**event["batch"], "webhook": None}
    assert told == {**client.get(f"/api/batches/{made['id']}/").json(), "webhook": None}
    assert (told["state"], told["counts"]["succeeded"]) == ("succeeded", 1)
    timestamp, signature = (part.split("=")[1] for part in headers["X-Hamster-Signature"].split(","))
    secret = made["webhook"]["secret"].encode()
    assert hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest() == signature
    webhook = client.get(f"/api/batches/{made['id']}/").json()["webhook"]
    assert (webhook["state"], webhook["tries"], webhook["next_attempt_at"]) == ("delivered", 1, None)
    (attempt,) = client.get(f"/api/batches/{made['id']}/webhook-attempts/").json()["results"]
    assert (attempt["status"], attempt["answer"], attempt["error"]) == (200, "thanks", "")


def test_a_message_that_comes_twice_sends_nothing_twice(client):
    with receiver() as taken:
        end(client, taken.url)
        for _ in range(3):
            deliver_webhook(Webhook.objects.get().pk)
    assert len(taken.got) == 1
    assert WebhookAttempt.objects.count() == 1


def test_failures_are_tried_again_with_growing_pauses_and_given_up_in_the_end(client, hamster):
    hamster(webhook_attempts=3, webhook_backoff_seconds=100, webhook_allow_private=True)
    pauses = []
    with receiver(statuses=[500, 302, 404]) as taken:
        end(client, taken.url)
        webhook = Webhook.objects.get()
        while webhook.state == Webhook.State.WAITING:
            before = timezone.now()
            deliver_webhook(webhook.pk)
            deliver_webhook(webhook.pk)  # not due yet
            webhook.refresh_from_db()
            pauses.append(webhook.due_at and round((webhook.due_at - before).total_seconds(), -1))
            if webhook.due_at:
                due_now()
    assert pauses == [100, 400, None]
    assert webhook.state == Webhook.State.GIVEN_UP
    statuses = WebhookAttempt.objects.order_by("id").values_list("status", "error")
    assert [status for status, _ in statuses] == [500, 302, 404]
    assert all(error for _, error in statuses)
    assert len({headers["X-Hamster-Event"] for headers, _ in taken.got}) == 1


def test_an_address_that_has_become_private_is_not_called_and_the_attempt_says_why(client, hamster):
    with receiver() as taken:
        end(client, taken.url)
        hamster(webhook_allow_private=False)
        deliver_webhook(Webhook.objects.get().pk)
    assert taken.got == []
    assert "not a public address" in WebhookAttempt.objects.get().error


def test_each_end_of_a_batch_is_told_and_one_that_is_taken_back_is_not(client):
    with receiver() as taken:
        end(client, taken.url)
        webhook = Webhook.objects.get()
        batch = BatchJob.objects.get()
        retry(batch=batch)
        assert not make_attempt(webhook_id=webhook.pk, describe=dict)
        while work_on_next_chunk():
            pass
        deliver_webhook(webhook.pk)
        retry(batch=batch)
        while work_on_next_chunk():
            pass
        deliver_webhook(webhook.pk)
    events = [json.loads(body)["event"] for _, body in taken.got]
    assert len(set(events)) == 2


def test_lost_messages_and_dead_workers_are_made_good(client, broker):
    with receiver() as taken:
        end(client, taken.url)
        broker.delete("webhooks")
        assert resend_due_webhooks() == 0  # its message may be on its way
        Webhook.objects.update(due_at=timezone.now() - timedelta(minutes=1))
        assert resend_due_webhooks() == 1
        assert resend_due_webhooks() == 0  # another worker that looks
        assert broker.llen("webhooks") == 1
        deliver_webhook(Webhook.objects.get().pk)
        assert resend_due_webhooks() == 0
    assert len(taken.got) == 1


def test_of_one_owner_one_is_called_at_a_time_and_the_next_follows_without_losing_an_attempt(
    client, other, broker
):
    with receiver() as taken:
        for sender in (client, client, other):
            end(sender, taken.url)
        broker.delete("webhooks")
        first, second, others = Webhook.objects.order_by("pk")
        being_called = Webhook.objects.filter(pk=first.pk)
        being_called.update(calling_until=timezone.now() + timedelta(seconds=30))
        deliver_webhook(second.pk)
        assert taken.got == []
        deliver_webhook(others.pk)
        assert len(taken.got) == 1
        second.refresh_from_db()
        assert (second.state, second.tries) == ("waiting", 0)
        being_called.update(calling_until=None)
        deliver_webhook(first.pk)
        assert broker.llen("webhooks") == 1
        deliver_webhook(second.pk)
    assert broker.llen("webhooks") == 1  # nothing else is due
    assert len(taken.got) == 3


def test_those_of_deleted_accounts_wait_for_each_other_too(client, other):
    with receiver() as taken:
        for sender in (client, other):
            end(sender, taken.url)
        get_user_model().objects.all().delete()
        first, second = Webhook.objects.order_by("pk")
        Webhook.objects.filter(pk=first.pk).update(calling_until=timezone.now() + timedelta(seconds=30))
        deliver_webhook(second.pk)
    assert taken.got == []


def test_a_dead_worker_holds_its_owners_place_for_a_while_only(client, broker, hole, tmp_path):
    for _ in range(2):
        end(client, hole)
    with worker(tmp_path / "log", "webhooks", "threads", **settings_of_worker(timeout=100)) as doomed:
        wait_until(lambda: Webhook.objects.filter(calling_until__gt=timezone.now()).exists(), "the call")
        doomed.kill()
    broker.delete("webhooks")
    first, second = Webhook.objects.order_by("-tries")
    assert (first.tries, second.tries) == (1, 0)
    assert not make_attempt(webhook_id=second.pk, describe=dict)
    long_ago = timezone.now() - timedelta(minutes=5)
    Webhook.objects.filter(pk=second.pk).update(due_at=long_ago)
    assert resend_due_webhooks() == 0  # it would find the place taken
    Webhook.objects.filter(pk=first.pk).update(calling_until=long_ago, due_at=long_ago)
    assert resend_due_webhooks() == 1
    with receiver() as taken:
        Webhook.objects.update(url=taken.url)
        deliver_webhook(second.pk)
        deliver_webhook(first.pk)
    assert len(taken.got) == 2


def test_nothing_is_told_of_a_deleted_batch(client):
    with receiver() as taken:
        made = end(client, taken.url)
        pk = Webhook.objects.get().pk
        client.delete(f"/api/batches/{made['id']}/")
        deliver_webhook(pk)
    assert taken.got == []


def test_nobody_sees_the_attempts_of_anothers_batch(client, other):
    with receiver() as taken:
        made = end(client, taken.url)
    assert Client().get(f"/api/batches/{made['id']}/webhook-attempts/").status_code == 403
    assert other.get(f"/api/batches/{made['id']}/webhook-attempts/").status_code == 404


def test_a_real_worker_tells_and_tries_again(client, tmp_path):
    with receiver(statuses=[503, 200]) as taken:
        end(client, taken.url)
        with worker(tmp_path / "log", "webhooks", "threads", **settings_of_worker(backoff=0.2)):
            wait_until(lambda: Webhook.objects.get().state == "delivered", "the second attempt")
    assert len(taken.got) == 2


def test_who_names_an_address_that_never_answers_keeps_nobody_elses_waiting(client, other, hole, tmp_path):
    patience = settings_of_worker(timeout=8)
    with receiver() as taken, worker(tmp_path / "log", "webhooks", "threads", 4, **patience):
        for _ in range(8):
            end(client, hole)
        wait_until(lambda: Webhook.objects.filter(tries=1).exists(), "the first call")
        end(other, taken.url)
        sent = time.monotonic()
        wait_until(lambda: taken.got, "the other's")
        assert time.monotonic() - sent < 5


def test_all_of_one_owner_have_their_attempts_one_after_the_other_in_whichever_worker(client, hole, tmp_path):
    for _ in range(5):
        end(client, hole)
    hurry = settings_of_worker(timeout=0.5, backoff=0.2, attempts=2)
    with (
        worker(tmp_path / "one", "webhooks", "threads", 4, **hurry),
        worker(tmp_path / "two", "webhooks", "threads", 4, **hurry),
    ):
        given_up = Webhook.objects.filter(state=Webhook.State.GIVEN_UP)
        wait_until(lambda: given_up.count() == 5, "the last attempts")
    assert [webhook.attempts.count() for webhook in Webhook.objects.all()] == [2] * 5
    attempts = list(WebhookAttempt.objects.order_by("started_at"))
    for earlier, later in pairwise(attempts):
        assert earlier.started_at + timedelta(milliseconds=earlier.milliseconds - 1) < later.started_at
