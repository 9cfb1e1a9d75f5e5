"""A Y4M film of a real face, for Chromium's fake camera: the NASA astronaut, swaying slightly."""

import math
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageOps

WIDTH, HEIGHT, FRAMES, RATE = 640, 480, 60, 30
SCALE = 1.28
SWAY = 7
# Measured by eye on the 512 px picture: from the hairline to the chin, from ear to ear.
FACE_IN_PICTURE = (172, 62, 275, 191)


def astronaut() -> Image.Image:
    """Eileen Collins in 1999 (NASA, public domain): 512x512, one smiling face."""
    return Image.fromarray(skimage.data.astronaut())


def face_in_film() -> tuple[float, float, float, float]:
    """The face's box x1, y1, x2, y2 in the middle of its sway, as fractions of the film."""
    x1, y1, x2, y2 = (edge * SCALE for edge in FACE_IN_PICTURE)
    return ((x1 - SWAY) / WIDTH, y1 / HEIGHT, (x2 - SWAY) / WIDTH, y2 / HEIGHT)


def two_astronauts(width: int = 640, height: int = 480) -> Image.Image:
    """Two faces side by side, the left one the larger, the right one in mirror image."""
    head = astronaut().crop((100, 10, 360, 270))
    both = Image.new("RGB", (480, 360), (150, 140, 130))
    both.paste(head, (0, 60))
    both.paste(ImageOps.mirror(head).resize((210, 210)), (265, 90))
    return both.resize((width, height), Image.Resampling.LANCZOS)


def write_film(path: Path, picture: Image.Image | None = None) -> None:
    """Write two seconds of 4:2:0 film that loop without a jump, for `--use-file-for-fake-video-capture`.

    `picture` is a little wider than the film; without one it is the astronaut.
    """
    side = round(512 * SCALE)
    picture = picture or astronaut().resize((side, side), Image.Resampling.LANCZOS)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(FRAMES):
            left = SWAY + round(SWAY * math.sin(2 * math.pi * number / FRAMES))
            frame = picture.crop((left, 0, left + WIDTH, HEIGHT))
            film.write(b"FRAME\n" + _i420(frame))


def _i420(frame: Image.Image) -> bytes:
    """RGB to planar Y, U, V of video range (16..235), colour at half size."""
    full = np.asarray(frame.convert("YCbCr"), dtype=np.float32)
    luma = 16 + full[..., 0] * (219 / 255)
    colour = full[..., 1:].reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 2).mean(axis=(1, 3))
    colour = 128 + (colour - 128) * (224 / 255)
    planes = (luma, colour[..., 0], colour[..., 1])
    return b"".join(np.rint(plane).astype(np.uint8).tobytes() for plane in planes)
