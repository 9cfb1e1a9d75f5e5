"""The Celery application. Queues: `batch` (predictions over many files), `webhooks` and `training`."""

import logging.config
import os
import warnings

from celery import Celery, signals
from django.conf import settings

from hamster_site.logging import connection_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamster_site.settings")
# It warns of pickled messages, which the settings do not accept.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
app = Celery("hamster_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _log_as_the_site_does(**_: object) -> None:
    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect
def _name_the_task_in_logs(task_id: str, **_: object) -> None:
    connection_id.set(task_id[:8])


@signals.task_postrun.connect
def _forget_the_task_in_logs(**_: object) -> None:
    connection_id.set("-")
