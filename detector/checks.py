"""System checks: a wrong setting is said at start, not at the first frame."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from rest_framework.throttling import SimpleRateThrottle

from detector.conf import NAMES, HamsterConfig
from ml.runtime import RUNTIMES

AT_LEAST: dict[str, float] = {
    "live_max_bytes": 1024,
    "live_max_pixels": 32 * 32,
    "live_max_fps": 1,
    "account_live_max_fps": 1,
    "token_max": 1,
    "live_max_faces": 1,
    "live_abuse_factor": 2,
    "live_abuse_seconds": 1,
    "live_unread_seconds": 1,
    "live_idle_seconds": 1,
    "live_max_per_address": 0,
    "live_max_per_account": 0,
    "jobs_max_per_address": 0,
    "jobs_max_per_account": 0,
    "live_session_max_kept": 0,
    "upload_max_bytes": 1024,
    "upload_max_pixels": 32 * 32,
    "upload_max_faces": 1,
    "kept_max": 1,
    "kept_retention_days": 0.001,
    "batch_max_items": 1,
    "batch_max_file_bytes": 1024,
    "batch_max_bytes": 1024,
    "batch_max_ratio": 2,
    "batch_max_open": 1,
    "batch_retention_hours": 0.01,
    "batch_chunk": 1,
    "batch_claim_seconds": 1,
    "dataset_max_bytes": 1024,
    "dataset_max_files": 2,
    "dataset_quota_bytes": 0,
    "dataset_free_bytes": 0,
    "dataset_max_listed": 1,
    "dataset_claim_seconds": 1,
    "evaluation_slice_seconds": 0,
    "evaluation_claim_seconds": 1,
    "training_claim_seconds": 5,
    "webhook_attempts": 1,
    "webhook_backoff_seconds": 0.01,
    "webhook_timeout_seconds": 0.1,
    "correction_max_bytes": 1024,
    "correction_quota_bytes": 0,
    "correction_share_bytes": 0,
    "correction_retention_days": 1,
    "correction_enough": 1,
    "engine_workers": 1,
    "engine_max_connections": 1,
    "engine_max_requests": 1,
    "engine_request_timeout": 0.1,
    "engine_watch_seconds": 0.05,
    "shadow_share": 0.001,
    "shadow_flush_seconds": 0.05,
    "http_max_body_bytes": 1024,
    "http_bodies_bytes": 1024,
    "http_slow_seconds": 1,
    "http_least_rate": 1,
    "http_unread_seconds": 1,
}
COUNTS = (
    *("engine_workers", "live_max_faces", "upload_max_faces", "kept_max"),
    *("batch_max_items", "batch_max_bytes", "batch_max_file_bytes", "batch_max_open", "batch_chunk"),
    *("dataset_max_bytes", "dataset_max_files", "dataset_max_listed"),
    *("correction_max_bytes", "correction_retention_days", "correction_enough"),
    *("webhook_attempts", "token_max", "live_session_max_kept"),
)
RATES = (
    *("api_rate", "predict_rate", "stream_rate"),
    *("account_api_rate", "account_predict_rate", "account_stream_rate"),
    *("unauthorized_rate", "data_download_rate", "socket_rate"),
    *("kept_rate", "live_session_rate", "batch_rate", "batch_read_rate", "correction_rate"),
)
DAPHNE_MAX_MESSAGE = 1024 * 1024


@register("hamster")
def check_hamster_settings(**_: Any) -> list[CheckMessage]:
    """Names, types and ranges of `settings.HAMSTER`."""
    values = dict(getattr(settings, "HAMSTER", {}))
    found: list[CheckMessage] = [
        Error(f"HAMSTER[{name!r}] is not a setting.", hint=f"Known: {', '.join(NAMES)}.", id="hamster.E001")
        for name in sorted(set(values) - set(NAMES))
    ]
    config = HamsterConfig(**{name: value for name, value in values.items() if name in NAMES})
    found += _check_numbers(config)
    found += _check_rates(config)
    if config.engine_runtime not in RUNTIMES:
        message = f"HAMSTER['engine_runtime'] is {config.engine_runtime!r}, not one of {', '.join(RUNTIMES)}."
        found.append(Error(message, id="hamster.E006"))
    if not found:
        found += _check_together(config)
    if config.engine_runtime == "openvino" and find_spec("openvino") is None:
        hint = "Run `python -m pip install -r requirements-fast.txt` in the site's environment."
        found.append(
            Warning("OpenVINO is not installed: ONNX Runtime computes.", hint=hint, id="hamster.W003")
        )
    return found


def _check_numbers(config: HamsterConfig) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, lowest in AT_LEAST.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            found.append(Error(f"HAMSTER[{name!r}] must be a number, not {value!r}.", id="hamster.E002"))
        elif isinstance(value, float) and name in COUNTS:
            found.append(Error(f"HAMSTER[{name!r}] must be a whole number, not {value}.", id="hamster.E002"))
        elif value < lowest:
            found.append(
                Error(f"HAMSTER[{name!r}] is {value}; it must be at least {lowest}.", id="hamster.E003")
            )
    return found


def _check_rates(config: HamsterConfig) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name in RATES:
        rate = getattr(config, name)
        try:
            # Not through __init__, which would look for a configured scope.
            SimpleRateThrottle.parse_rate(object.__new__(SimpleRateThrottle), rate or None)
        except (ValueError, KeyError, AttributeError, IndexError):
            hint = "Write for example 600/minute, or leave it empty for no limit."
            found.append(Error(f"HAMSTER[{name!r}] is no rate: {rate!r}.", hint=hint, id="hamster.E004"))
    return found


def _check_together(config: HamsterConfig) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if config.live_max_bytes + 4 >= DAPHNE_MAX_MESSAGE:
        found.append(
            Warning(
                f"HAMSTER['live_max_bytes'] is not below daphne's message limit of {DAPHNE_MAX_MESSAGE}, "
                "so a frame over the limit closes the connection instead of getting an error.",
                hint="Raise daphne's --websocket-max-message-size and --websocket-max-frame-size too.",
                id="hamster.W001",
            )
        )
    # base64 takes 4 characters for 3 bytes.
    if config.http_max_body_bytes < config.upload_max_bytes * 4 / 3 + 64 * 1024:
        found.append(
            Error(
                "HAMSTER['http_max_body_bytes'] is too small for 'upload_max_bytes' as base64.",
                id="hamster.E005",
            )
        )
    if config.batch_max_bytes < config.batch_max_file_bytes:
        message = "HAMSTER['batch_max_bytes'] is less than 'batch_max_file_bytes', the limit of one picture."
        found.append(Error(message, id="hamster.E007"))
    if config.webhook_allow_private and not settings.DEBUG:
        message = "HAMSTER['webhook_allow_private'] lets accounts call what only this machine should reach."
        found.append(Warning(message, id="hamster.W004"))
    if not Path(config.shipped_detector).is_file():
        found.append(
            Warning(f"The shipped detector {config.shipped_detector} is missing.", id="hamster.W002")
        )
    return found
