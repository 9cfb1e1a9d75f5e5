"""The live protocol's words: what a client may send, what is wrong with it, and what it is answered.

Pure: no sockets. docs/PROTOCOL.md is this module for people who write clients.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext

from detector.conf import config
from detector.engine.pictures import Outcome
from detector.errors import HamsterError
from detector.live import Face, frame_emotion
from ml.config import EMOTIONS

VERSION = 1
FRAME_NUMBER = struct.Struct("<I")


class ProtocolError(HamsterError):
    """A message that can't be used. The connection stays open."""

    def __init__(self, message: str | None = None, *, frame: int | None = None) -> None:
        super().__init__(message)
        self.frame = frame


class BadFrame(ProtocolError):
    """Too short to carry a frame number."""

    code = "bad_frame"
    message = "A binary message is a 4-byte little-endian frame number followed by a picture."


class FrameTooLarge(ProtocolError):
    """More bytes than `live_max_bytes`."""

    code = "image_too_large"


class BadMessage(ProtocolError):
    """Text that is no JSON object with a type."""

    code = "bad_message"
    message = 'A text message must be a JSON object with a "type".'


class UnknownMessage(ProtocolError):
    """A type that clients don't send."""

    code = "unknown_message"


class BadConfigure(ProtocolError):
    """Something that can't be configured, or a value out of range."""

    code = "bad_configure"


class TooFast(ProtocolError):
    """A flood."""

    code = "too_fast"

    def __init__(self, max_fps: int) -> None:
        super().__init__(
            f"More messages than can be used: send at most {max_fps} frames a second, "
            "and slow down when answers slow down."
        )


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a client may configure. `min_score` None means the detector's own threshold."""

    smoothing: float = 0.5
    min_score: float | None = None
    max_faces: int = 5

    def configured(self, message: Mapping[str, Any]) -> "LiveOptions":
        """These options with the ones named in a `configure` message changed. Raises `BadConfigure`."""
        unknown = sorted(set(message) - {"type", "smoothing", "min_score", "max_faces"})
        if unknown:
            raise BadConfigure(f"There is nothing called {unknown[0][:40]!r} to configure.")
        changes: dict[str, Any] = {}
        for name in ("smoothing", "min_score"):
            if name in message:
                changes[name] = _fraction(name, message[name])
        if "max_faces" in message:
            changes["max_faces"] = _count("max_faces", message["max_faces"], config.live_max_faces)
        return replace(self, **changes)


def parse_frame(message: bytes) -> tuple[int, bytes]:
    """Split a binary message into frame number (0..2^32-1) and image bytes.

    Raises `BadFrame`, `FrameTooLarge`.
    """
    if len(message) < FRAME_NUMBER.size:
        raise BadFrame(f"{BadFrame.message} This one has {len(message)} bytes.")
    (frame,) = FRAME_NUMBER.unpack_from(message)
    size = len(message) - FRAME_NUMBER.size
    if size > config.live_max_bytes:
        raise FrameTooLarge(
            gettext("The image has {size} bytes; at most {limit} are accepted.").format(
                size=size, limit=config.live_max_bytes
            ),
            frame=frame,
        )
    return frame, message[FRAME_NUMBER.size :]


MAX_CONTROL_LENGTH = 4096
"""Characters of a text message; a `configure` has less than 200."""


def parse_control(text: str) -> dict[str, Any]:
    """A text message as a dict whose type is known. Raises `BadMessage`, `UnknownMessage`."""
    if len(text) > MAX_CONTROL_LENGTH:
        raise BadMessage()
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessage() from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage()
    if message["type"] != "configure":
        raise UnknownMessage(
            f'There is no message type {message["type"][:40]!r}; send "configure" or frames.'
        )
    return message


def max_fps(*, has_account: bool) -> int:
    """Frames a second that are looked at, for one connection."""
    return config.account_live_max_fps if has_account else config.live_max_fps


def hello(detector: str | None, *, has_account: bool = False) -> dict[str, Any]:
    """The first message of every connection."""
    return {
        "type": "hello",
        "protocol": VERSION,
        "detector": detector,
        "emotions": list(EMOTIONS),
        "limits": {
            "max_bytes": config.live_max_bytes,
            "max_pixels": config.live_max_pixels,
            "max_fps": max_fps(has_account=has_account),
            "max_faces": config.live_max_faces,
        },
    }


def prediction(outcome: Outcome, faces: list[Face], dropped: int) -> dict[str, Any]:
    """The answer to one frame; `dropped` counts this connection's frames that were never looked at."""
    emotion, confidence = frame_emotion(faces)
    return {
        "type": "prediction",
        "frame": outcome.number,
        "emotion": emotion,
        "confidence": round(confidence, 4),
        "faces": [face.as_dict() for face in faces],
        "timing_ms": outcome.timing_ms(),
        "dropped": dropped,
    }


def error(code: str, message: str, frame: int | None = None) -> dict[str, Any]:
    """What is wrong, and with which frame if it was one."""
    answer: dict[str, Any] = {"type": "error", "code": code, "message": message}
    if frame is not None:
        answer["frame"] = frame
    return answer


def detector_changed(version: str) -> dict[str, Any]:
    """Sent when frames are looked at by another detector version from now on."""
    return {"type": "detector", "version": version}


def _fraction(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise BadConfigure(f"{name} must be a number from 0 to 1.")
    return float(value)


def _count(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadConfigure(f"{name} must be a whole number from 1 to {most}.")
    return value
