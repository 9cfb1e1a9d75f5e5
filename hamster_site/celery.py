"""The Celery application. Queues: `batch` (predictions over many files), `webhooks` and `training`."""

import logging.config
import os
import warnings
from typing import Any

from celery import Celery, Task, signals
from django.conf import settings

from detector.origin import LONGEST, NONE, connection_id, task_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamster_site.settings")
# It warns of pickled messages, which the settings do not accept.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
ASKED_BY = "asked_by"  # header of a message: the id of the request that led to it
app = Celery("hamster_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _log_as_the_site_does(**_: object) -> None:
    logging.config.dictConfig(settings.LOGGING)


@signals.before_task_publish.connect
def _send_the_request_along(headers: dict[str, Any], **_: object) -> None:
    if (asked_by := connection_id.get()) != NONE:
        headers[ASKED_BY] = asked_by


@signals.task_prerun.connect
def _name_the_task_in_logs(task: Task, **options: Any) -> None:
    connection_id.set(str(task.request.get(ASKED_BY) or NONE)[:LONGEST])
    task_id.set(options["task_id"])


@signals.task_postrun.connect
def _forget_the_task_in_logs(**_: object) -> None:
    connection_id.set(NONE)
    task_id.set(NONE)
