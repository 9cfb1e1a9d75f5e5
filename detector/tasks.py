"""Celery tasks: an id comes in, a service is called."""

import logging
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from detector.services.training import claim_training_run, recover_abandoned_runs
from detector.services.training_process import supervise_training

logger = logging.getLogger(__name__)
ABANDONED_CHECK_INTERVAL = 30.0  # seconds
stopping = threading.Event()


@shared_task
def train(run_id: int) -> None:
    """Carry out the training run with this id unless someone else does or did."""
    run = claim_training_run(run_id=run_id)
    if run is None:
        logger.info("training run %s is not waiting any more", run_id)
        return
    supervise_training(run=run, is_stopping=stopping.is_set)


@worker_shutting_down.connect
def _stop_training(**_: object) -> None:
    stopping.set()


@worker_ready.connect
def _look_for_abandoned_runs(sender: Any, **_: object) -> None:
    recover_abandoned_runs()
    sender.timer.call_repeatedly(ABANDONED_CHECK_INTERVAL, recover_abandoned_runs)
