"""The detector's settings: one object with defaults, overridden by `settings.HAMSTER`.

`from detector.conf import config`, then `config.live_max_fps`. A wrong value or an unknown name is reported
by `manage.py check` (see `detector.checks`); with an unknown name reading raises `ImproperlyConfigured`.
"""

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def default_engine_workers() -> int:
    """One worker a core, two at most: more threads gain nothing on the machines this is meant for."""
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class HamsterConfig:
    """Every setting with its default. Sizes are bytes, times seconds, rates as the name says."""

    # One live connection; more frames a second for whoever has an account.
    live_max_bytes: int = 512 * KIB
    live_max_pixels: int = 4_000_000
    live_max_fps: int = 20
    account_live_max_fps: int = 30
    live_max_faces: int = 20
    # This many times as many messages a second are abuse, which closes the connection (1008) when it
    # goes on for this many seconds.
    live_abuse_factor: int = 4
    live_abuse_seconds: int = 5
    # A client that takes none of its answers for this long is disconnected.
    live_unread_seconds: int = 20
    # One that sends nothing for this long gives its place back.
    live_idle_seconds: int = 120
    # Live connections that one address and one account may have at a time in one web process, and connections
    # that watch jobs; 0: no limit.
    live_max_per_address: int = 50
    live_max_per_account: int = 20
    jobs_max_per_address: int = 100
    jobs_max_per_account: int = 40

    # Live sessions that one account may keep.
    live_session_max_kept: int = 200

    # One uploaded picture, as a file or as base64.
    upload_max_bytes: int = 10 * MIB
    upload_max_pixels: int = 24_000_000
    upload_max_faces: int = 100

    # Predictions that one account may keep, and the days after which they are deleted.
    kept_max: int = 1000
    kept_retention_days: float = 30.0

    # One batch: items, the bytes of one of its pictures and of all together. Archives count unpacked.
    batch_max_items: int = 2000
    batch_max_file_bytes: int = 10 * MIB
    batch_max_bytes: int = 128 * MIB
    # A file in an archive that unpacks to more than 1 MiB and this many times its packed size is a bomb.
    batch_max_ratio: int = 100
    # Batches of one account that have not ended.
    batch_max_open: int = 5
    # Batches and their pictures are deleted after this many hours.
    batch_retention_hours: float = 24.0
    # A worker takes this many pictures at a time; those it keeps for longer than this are given to another.
    batch_chunk: int = 32
    batch_claim_seconds: float = 120.0

    # One uploaded data set: the bytes of its archive and of what that unpacks to, and its files.
    dataset_max_bytes: int = 4 * GIB
    dataset_max_files: int = 150_000
    # The bytes of all uploaded data sets together.
    dataset_quota_bytes: int = 20 * GIB
    # What uploads and kept results leave free on a disk, bodies in the temporary folder too.
    dataset_free_bytes: int = GIB
    # A report lists this many problems, and as many pairs of pictures that look alike; it counts all.
    dataset_max_listed: int = 500
    # A check whose worker gave no sign of life for this long is begun anew by another.
    dataset_claim_seconds: float = 120.0
    # A worker evaluates a version for so many seconds at a time before others have their turn, and one that
    # has not written anything for this long has died.
    evaluation_slice_seconds: float = 5.0
    evaluation_claim_seconds: float = 120.0
    # A training run whose worker writes no heartbeat, one a second, for this long is given to another.
    training_claim_seconds: float = 30.0
    # A webhook is called at most this many times when its batch has ended, with pauses that begin at so many
    # seconds and grow fourfold each time; a call may take so many seconds. Private addresses only in
    # development: with them an account can call whatever this machine reaches.
    webhook_attempts: int = 6
    webhook_backoff_seconds: float = 10.0
    webhook_timeout_seconds: float = 10.0
    webhook_allow_private: bool = False

    # Corrections, the small pictures of faces that people send of their own accord: the bytes of one as it
    # comes, of all that are kept together, of those of one account or address that nobody has looked at yet,
    # and the days after which each is deleted, which the consent names.
    correction_max_bytes: int = 512 * KIB
    correction_quota_bytes: int = 256 * MIB
    correction_share_bytes: int = 16 * MIB
    correction_retention_days: int = 365
    # So many accepted ones of an expression are called enough on the page where they are reviewed.
    correction_enough: int = 50

    # The inference engine of one web process.
    engine_workers: int = field(default_factory=default_engine_workers)
    engine_max_connections: int = 200
    engine_max_requests: int = 16
    engine_request_timeout: float = 10.0
    engine_watch_seconds: float = 1.0
    # The share of the live frames that a shadow looks at unless told otherwise, and the seconds after which a
    # web process writes down what it has counted.
    shadow_share: float = 0.1
    shadow_flush_seconds: float = 5.0
    # What computes the nets: onnxruntime, or openvino (requirements-fast.txt), faster for float32 detectors
    # where the processor has bfloat16; where it can't be used the reason is logged and ONNX Runtime computes.
    engine_runtime: str = "onnxruntime"

    # Requests one anonymous address may make, in the form "number/second|minute|hour|day"; empty: no limit.
    api_rate: str = "600/minute"
    predict_rate: str = "30/minute"
    stream_rate: str = "20/second"
    # The same of one account, signed in or by its tokens, which count together.
    account_api_rate: str = "1200/minute"
    account_predict_rate: str = "240/minute"
    account_stream_rate: str = "60/second"
    # Of one address: requests with a token that opens nothing.
    unauthorized_rate: str = "60/minute"
    # Of one address: WebSockets opened.
    socket_rate: str = "600/minute"
    # Of one account: archives of everything that is kept about it.
    data_download_rate: str = "10/hour"
    # Everything else that one account does with what it keeps.
    kept_rate: str = "600/minute"
    # Of one account: batches made, cancelled or taken up again, and everything else about batches.
    batch_rate: str = "60/minute"
    batch_read_rate: str = "600/minute"
    # Of one account: whatever it does with its kept live sessions.
    live_session_rate: str = "120/minute"
    # Corrections sent by one account, or by one address without an account.
    correction_rate: str = "60/hour"

    # API tokens that one account may have in force.
    token_max: int = 50

    # Largest HTTP body that is read at all; a longer one is cut off while it arrives. Somebody signed in may
    # send a whole batch (`batch_max_bytes` and a little more) to where batches are made, and staff an archive
    # of `dataset_max_bytes` to where data sets are.
    http_max_body_bytes: int = 16 * MIB
    # The bodies of more than 256 KiB that a web process holds in memory together; one address may have half
    # of it. What finds no room waits some seconds and is refused then.
    http_bodies_bytes: int = 64 * MIB
    # A request has so many seconds to come in, and one more for every so many bytes of it that have come.
    http_slow_seconds: int = 20
    http_least_rate: int = 500
    # A client that takes nothing more of a long answer for this long is disconnected.
    http_unread_seconds: int = 60

    # The detector that comes with the product, and the folder (inside MEDIA_ROOT) for the registered files.
    shipped_detector: Path = Path(__file__).resolve().parent.parent / "ml" / "weights" / "detector.onnx"
    detectors_folder: str = "detectors"
    # The folder (inside MEDIA_ROOT) for the pictures of batches.
    batches_folder: str = "batches"
    # The folder (inside MEDIA_ROOT) for the crops of corrections.
    corrections_folder: str = "corrections"
    # The folder (inside VAR_DIR) for the files of uploaded data sets.
    datasets_folder: str = "datasets"


NAMES = tuple(spec.name for spec in fields(HamsterConfig))


def read_settings() -> HamsterConfig:
    """The configuration in force. Raises `ImproperlyConfigured` for a name that does not exist."""
    overrides: dict[str, Any] = dict(getattr(settings, "HAMSTER", {}))
    unknown = sorted(set(overrides) - set(NAMES))
    if unknown:
        raise ImproperlyConfigured(f"HAMSTER has unknown settings: {', '.join(unknown)}.")
    return HamsterConfig(**overrides)


class _LazyConfig:
    """Reads the settings at first use, and again when a test overrides them."""

    def __init__(self) -> None:
        self._values: HamsterConfig | None = None
        setting_changed.connect(self._forget)

    def _forget(self, *, setting: str, **_: Any) -> None:
        if setting == "HAMSTER":
            self._values = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._values is None:
            self._values = read_settings()
        return getattr(self._values, name)


config: HamsterConfig = _LazyConfig()  # type: ignore[assignment]
