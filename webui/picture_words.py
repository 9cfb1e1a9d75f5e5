"""What the pictures page says where the server writes it: how a face looks, and what went wrong."""

from dataclasses import dataclass
from typing import Any

LOOKS = {
    "angry": "Looks angry",
    "contempt": "Looks contemptuous",
    "disgust": "Looks disgusted",
    "fear": "Looks afraid",
    "happy": "Looks happy",
    "natural": "Looks natural",
    "sad": "Looks sad",
    "sleepy": "Looks sleepy",
    "surprised": "Looks surprised",
    "unknown": "No face found",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a picture was not looked at, and what to do."""

    title: str
    advice: str


TROUBLES = {
    "invalid": Trouble("No picture came", "Choose one, then press the button."),
    "parse_error": Trouble("No picture came", "Choose one, then press the button."),
    "bad_image": Trouble(
        "That is not a picture", "The file is damaged or of another kind. Try a JPEG, PNG or WebP."
    ),
    "image_too_large": Trouble("That picture is too big", "Make it smaller, then try again."),
    "server_busy": Trouble(
        "Too many pictures at once", "The server has its paws full. Wait a moment, then try again."
    ),
}


def trouble_of(error: dict[str, Any]) -> Trouble:
    """An error of the API, `{"code", "message", "details"}`, in words."""
    if error["code"] == "throttled":
        seconds = error["details"]["retry_after"]
        advice = f"You can send the next one in {seconds} s."
        return Trouble("Too many pictures in a short time", advice)
    return TROUBLES.get(error["code"]) or Trouble("That did not work", error["message"])
