"""Faces as pages draw them over a picture: boxes and labels for SVG."""

from dataclasses import dataclass
from typing import Any

from webui.words import listed, scored, title

NO_ROOM_ABOVE = 0.18  # of a small picture's height, as much as a label takes: it stands inside its box


@dataclass(frozen=True, slots=True)
class Box:
    """A face for SVG: percentages of the picture, and where its label stands."""

    label: str
    text: str
    x: str
    y: str
    width: str
    height: str
    label_dy: int


def boxes_of(result: dict[str, Any] | None) -> list[Box]:
    """The faces of a Prediction; none where there is no Prediction."""
    return [_box(face) for face in (result or {"boxes": []})["boxes"]]


def in_words(boxes: list[Box]) -> str:
    """What was found."""
    return listed(*(box.text for box in boxes)) if boxes else title("unknown")


def _box(face: dict[str, Any]) -> Box:
    return Box(
        label=face["label"],
        text=scored(title(face["label"]), face["score"]),
        x=f"{face['x1']:.2%}",
        y=f"{face['y1']:.2%}",
        width=f"{face['x2'] - face['x1']:.2%}",
        height=f"{face['y2'] - face['y1']:.2%}",
        label_dy=17 if face["y1"] < NO_ROOM_ABOVE else -6,
    )
