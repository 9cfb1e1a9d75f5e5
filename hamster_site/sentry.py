"""Errors go to Sentry where SENTRY_DSN says so: their kind and where in the code, nothing of anybody's.

What is sent is chosen, not what is left out: no request, no user, no values of variables, no arguments of log
messages, no text of exceptions, since these hold names, addresses, tokens and pictures. The log has them,
under the ids that are sent along.
"""

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from detector.origin import NONE, connection_id, task_id

OURS = ("detector", "hamster_site", "webui", "ml")
KEPT = (
    "event_id",
    "timestamp",
    "level",
    "platform",
    "release",
    "environment",
    "server_name",
    "sdk",
    "logger",
)
KEPT_OF_FRAME = (
    "filename",
    "function",
    "module",
    "lineno",
    "in_app",
    "pre_context",
    "context_line",
    "post_context",
)
Event = dict[str, Any]


def start_sentry(dsn: str, *, environment: str, release: str) -> None:
    """Send every logged error, and what ends a thread or the process. Raises ImproperlyConfigured."""
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration
    from sentry_sdk.utils import BadDsn

    try:
        sentry_sdk.init(
            dsn=dsn,
            environment=environment,
            release=release,
            server_name=os.environ.get("COMPONENT", "manage"),
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                AtexitIntegration(callback=lambda *_: None),
                DedupeIntegration(),
                ExcepthookIntegration(),
                LoggingIntegration(level=None, sentry_logs_level=None),
                ThreadingIntegration(propagate_hub=False),
            ],
            before_send=without_anybody,
            include_local_variables=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            send_default_pii=False,
            send_client_reports=False,
            auto_session_tracking=False,
        )
    except BadDsn as error:
        raise ImproperlyConfigured(f"SENTRY_DSN is no address of a project: {error}.") from error


def without_anybody(event: Event, hint: Event) -> Event:
    """The event with what is known to be nobody's, and the ids by which the log tells the rest."""
    sent: Event = {name: event[name] for name in KEPT if name in event}
    template = event.get("logentry", {}).get("message")
    if template and str(event.get("logger", "")).partition(".")[0] in OURS:
        sent["logentry"] = {"message": template}  # others put what they speak of into it
    if exceptions := event.get("exception", {}).get("values"):
        sent["exception"] = {"values": [_kind_and_place(exception) for exception in exceptions]}
    ids = {"request": connection_id.get(), "task": task_id.get()}
    sent["tags"] = {name: value for name, value in ids.items() if value != NONE}
    return sent


def _kind_and_place(exception: Event) -> Event:
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "stacktrace": {
            "frames": [{name: frame[name] for name in KEPT_OF_FRAME if name in frame} for frame in frames]
        },
    }
