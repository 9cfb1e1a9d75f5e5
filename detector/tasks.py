"""Celery tasks: a message comes in, a service is called. Every worker also looks after what others left."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.db import Error as DatabaseError
from django.db import connection
from kombu.exceptions import OperationalError as BrokerError

from detector.api.batch_serializers import BatchDetailSerializer
from detector.selectors.batches import batches
from detector.services.batch_work import recover_batches, work_on_next_chunk
from detector.services.batches import expire_batches, send_messages
from detector.services.correction_files import delete_forgotten_crops
from detector.services.corrections import expire_corrections
from detector.services.dataset_checks import carry_out_check, claim_check, recover_dataset_checks
from detector.services.datasets import delete_forgotten_uploads
from detector.services.evaluations import recover_evaluations, send_evaluation, work_on_evaluation
from detector.services.predictions import expire_predictions
from detector.services.speed import measure_speed, recover_speed_measurements
from detector.services.training import claim_training_run, recover_abandoned_runs, resend_next_run
from detector.services.training_process import supervise_training
from detector.services.webhooks import make_attempt, resend_due_webhooks

logger = logging.getLogger(__name__)
LOOK_AFTER_INTERVAL = 15.0  # seconds
BATCHES_TURN = 1.0  # seconds for batches after each second of checking a data set
stopping = threading.Event()


@shared_task
def train(run_id: int | None = None) -> None:
    """Carry out the training run that is first in line. Messages of older versions name one: no matter."""
    run = claim_training_run()
    if run is None:
        logger.info("no training run is waiting")
        return
    supervise_training(run=run, is_stopping=stopping.is_set)


@shared_task
def work_on_batches() -> None:
    """Look at a few of the pictures that wait, and come back to the end of the queue while there are any.

    Without an id: whose pictures are next is decided when there is somebody to look at them.
    """
    if work_on_next_chunk():
        send_messages(1)


@shared_task
def check_dataset(dataset_id: int) -> None:
    """Check the data set with this id unless someone else does or did. Batches have their turn meanwhile."""
    dataset = claim_check(dataset_id=dataset_id)
    if dataset is None:
        logger.info("data set %s is not waiting for a check any more", dataset_id)
        return
    carry_out_check(dataset=dataset, give_way=_work_on_batches_for_a_while)


def _work_on_batches_for_a_while() -> None:
    end = time.monotonic() + BATCHES_TURN
    while time.monotonic() < end and work_on_next_chunk():
        pass


@shared_task
def evaluate(evaluation_id: int, done: int | None = None) -> None:
    """Go on with this evaluation for a few seconds, and come back to the end of the queue for the rest."""
    if work_on_evaluation(evaluation_id=evaluation_id, done=done):
        send_evaluation(evaluation_id)


@shared_task
def measure(version_id: int) -> None:
    """Measure how fast this version is on this machine."""
    measure_speed(version_id=version_id)


@shared_task
def deliver_webhook(webhook_id: int) -> None:
    """Tell the webhook with this id of the end of its batch, unless someone else does or did."""
    make_attempt(webhook_id=webhook_id, describe=_batch_json)


def _batch_json(pk: int) -> dict[str, Any] | None:
    batch = batches().filter(pk=pk).first()
    return batch and BatchDetailSerializer(batch).data


@worker_shutting_down.connect
def _stop_training(**_: object) -> None:
    stopping.set()


@worker_ready.connect
def _look_after_jobs(sender: Any, **_: object) -> None:
    # First, so that it goes on looking when the database or Redis is not there yet.
    sender.timer.call_repeatedly(LOOK_AFTER_INTERVAL, _look)
    _look()


def _look() -> None:
    for service in (
        *(recover_abandoned_runs, resend_next_run, recover_batches, expire_batches),
        *(recover_dataset_checks, delete_forgotten_uploads, recover_evaluations, resend_due_webhooks),
        *(recover_speed_measurements, expire_predictions, expire_corrections, delete_forgotten_crops),
    ):
        _with_fresh_connection(service)


def _with_fresh_connection(service: Callable[[], object]) -> None:
    """Outside of a task nobody else closes a connection that the database has dropped."""
    try:
        service()
    except (DatabaseError, BrokerError) as error:
        logger.warning("%s was not possible: %s", service.__name__, error)
    except Exception:  # a full disk, say: the others have their turn all the same
        logger.exception("%s failed", service.__name__)
    finally:
        connection.close()
