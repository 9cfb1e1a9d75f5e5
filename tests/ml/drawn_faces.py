"""Cartoon faces with nine expressions, drawn by code: small YOLO data sets for tests, no photographs."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ml.config import EMOTIONS

SKINS = ("#f2c9a0", "#e0ac7e", "#c68a5c", "#8d5a36", "#ffdcb8")
Box = tuple[float, float, float, float]


def make_dataset(root: Path, *, train: int, valid: int, size: int = 128, seed: int = 0) -> Path:
    """Write train|valid / images|labels, data.yaml and manifest.csv under `root` and return `root`.

    Images are `size` x `size` JPEGs with one face each, expressions in turn, nine of source "colour", nine of
    "grey" and so on. The same arguments draw the same pictures.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for split, count in (("train", train), ("valid", valid)):
        images, labels = root / split / "images", root / split / "labels"
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            label = index % len(EMOTIONS)
            source = ("colour", "grey")[index // len(EMOTIONS) % 2]
            image, box = draw_scene(rng, label, size)
            name = f"{source}_{split}_{index:04d}"
            (image if source == "colour" else image.convert("L")).save(images / f"{name}.jpg", quality=92)
            (labels / f"{name}.txt").write_text(yolo_line(label, box), encoding="utf-8")
            rows.append((split, f"{name}.jpg", source, EMOTIONS[label]))
    names = ", ".join(EMOTIONS)
    (root / "data.yaml").write_text(
        f"train: train/images\nval: valid/images\nnc: {len(EMOTIONS)}\nnames: [{names}]\n", encoding="utf-8"
    )
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("split", "file", "source", "label"), *rows])
    return root


def yolo_line(label: int, box: Box) -> str:
    """A label file's line for a box given as x1, y1, x2, y2 fractions."""
    x1, y1, x2, y2 = box
    return f"{label} {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}\n"


def draw_scene(rng: np.random.Generator, label: int, size: int) -> tuple[Image.Image, Box]:
    """A `size` x `size` picture of one face before a plain background, and the face's box in fractions."""
    low, high = np.sort(rng.integers(40, 256, 2))
    background = rng.integers(low, high + 1, (4, 4, 3)).astype(np.uint8)
    image = Image.fromarray(background).resize((size, size), Image.Resampling.BICUBIC)
    width = rng.uniform(0.4, 0.75) * size
    height = min(width * rng.uniform(1.1, 1.3), 0.95 * size)
    left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
    draw_face(image, (left, top, left + width, top + height), label, SKINS[rng.integers(len(SKINS))])
    return image, (left / size, top / size, (left + width) / size, (top + height) / size)


def draw_face(image: Image.Image, box: Box, label: int, skin: str) -> None:
    """Draw the face of expression `label` that fills `box` (pixels) into `image`."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    pen = ImageDraw.Draw(image)
    stroke = max(2, round(width / 22))

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * width, top + y * height

    def around(
        x: float, y: float, half_width: float, half_height: float
    ) -> tuple[float, float, float, float]:
        return (*at(x - half_width, y - half_height), *at(x + half_width, y + half_height))

    pen.ellipse(box, fill=skin, outline="#40281a", width=stroke)
    look = LOOKS[EMOTIONS[label]]
    for side in (-1, 1):
        x = 0.5 + side * 0.2
        openness = look["eyes"]
        if openness > 0:
            pen.ellipse(
                around(x, 0.42, 0.09, openness), fill="white", outline="#202020", width=stroke // 2 or 1
            )
            pen.ellipse(around(x, 0.42, 0.035, min(0.035, openness)), fill="#202020")
        else:
            pen.line([*at(x - 0.09, 0.42), *at(x + 0.09, 0.42)], fill="#202020", width=stroke)
        inner, outer = look["brows"]
        pen.line([*at(x - side * 0.09, inner), *at(x + side * 0.09, outer)], fill="#2a1a10", width=stroke)
    _draw_mouth(pen, look["mouth"], at, around, stroke)


def _draw_mouth(pen: ImageDraw.ImageDraw, mouth: str, at, around, stroke: int) -> None:
    if mouth == "grin":
        pen.chord(around(0.5, 0.66, 0.24, 0.18), 0, 180, fill="white", outline="#7a1f1f", width=stroke)
    elif mouth == "round":
        pen.ellipse(around(0.5, 0.76, 0.1, 0.13), fill="#5a1010")
    elif mouth == "down":
        pen.arc(around(0.5, 0.86, 0.2, 0.14), 200, 340, fill="#7a1f1f", width=stroke)
    elif mouth == "flat":
        pen.line([*at(0.36, 0.74), *at(0.64, 0.74)], fill="#7a1f1f", width=stroke)
    elif mouth == "smirk":
        pen.line([*at(0.36, 0.77), *at(0.55, 0.76), *at(0.72, 0.66)], fill="#7a1f1f", width=stroke)
    elif mouth == "wave":
        points = [at(0.32 + 0.06 * step, 0.74 + 0.03 * (-1) ** step) for step in range(7)]
        pen.line(points, fill="#7a1f1f", width=stroke)
    elif mouth == "teeth":
        pen.rectangle(around(0.5, 0.76, 0.2, 0.06), fill="white", outline="#7a1f1f", width=stroke)
        for step in range(-1, 2):
            pen.line(
                [*at(0.5 + 0.1 * step, 0.7), *at(0.5 + 0.1 * step, 0.82)],
                fill="#7a1f1f",
                width=stroke // 2 or 1,
            )
    elif mouth == "tongue":
        pen.line([*at(0.34, 0.7), *at(0.66, 0.7)], fill="#7a1f1f", width=stroke)
        pen.chord(around(0.5, 0.7, 0.1, 0.16), 0, 180, fill="#e06a7a", outline="#7a1f1f")
    elif mouth == "small":
        pen.ellipse(around(0.5, 0.76, 0.05, 0.03), fill="#5a1010")


# eyes: half their height, 0 is shut; brows: height of the inner and the outer end; all in face heights
LOOKS = {
    "angry": {"eyes": 0.04, "brows": (0.36, 0.24), "mouth": "teeth"},
    "contempt": {"eyes": 0.04, "brows": (0.31, 0.31), "mouth": "smirk"},
    "disgust": {"eyes": 0.025, "brows": (0.35, 0.3), "mouth": "tongue"},
    "fear": {"eyes": 0.09, "brows": (0.2, 0.28), "mouth": "wave"},
    "happy": {"eyes": 0.05, "brows": (0.27, 0.29), "mouth": "grin"},
    "natural": {"eyes": 0.055, "brows": (0.3, 0.3), "mouth": "flat"},
    "sad": {"eyes": 0.045, "brows": (0.24, 0.34), "mouth": "down"},
    "sleepy": {"eyes": 0.0, "brows": (0.32, 0.33), "mouth": "small"},
    "surprised": {"eyes": 0.1, "brows": (0.19, 0.22), "mouth": "round"},
}
