"""python -m ml.predict: find faces and expressions in image files, as JSON. Needs no torch."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from ml.images import IMAGE_SUFFIXES, BadImage, ImageError, decode_image
from ml.options import add_runtime, positive
from ml.predictor import DECODE_SIDE, SHIPPED_WEIGHTS, Detection, DetectorFileError, Predictor

_DIGITS = 6
_COLOUR = "#e8590c"


def find_images(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Every file named and every image in every folder named, sorted: (file, name for a drawing of it).

    Raises FileNotFoundError for a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            inside = (
                file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
            )
            yield from ((file, file.relative_to(path)) for file in sorted(inside))
        elif path.is_file():
            yield path, Path(path.name)
        else:
            raise FileNotFoundError(f"{path} does not exist")


def images_to_read(paths: Sequence[Path], *, results: Path | None) -> list[tuple[Path, Path]]:
    """All that `find_images` finds, and a look whether a file of results would take the place of one of them.

    Raises FileNotFoundError if there are none, FileExistsError if `results` is one of them.
    """
    found = list(find_images(paths))
    if not found:
        raise FileNotFoundError(f"no images in {', '.join(map(str, paths))}")
    if results is not None and results.resolve() in {file.resolve() for file, _ in found}:
        raise FileExistsError(f"{results} is one of the files to look at; the results need another name")
    return found


def draw_detections(image: Image.Image, detections: Sequence[Detection]) -> Image.Image:
    """A copy of `image` with each face's box, expression and score."""
    drawn = image.copy()
    pen = ImageDraw.Draw(drawn)
    thickness = max(1, max(image.size) // 300)
    font = ImageFont.load_default(min(200, max(10, max(image.size) // 32)))
    for detection in reversed(detections):
        left, right = detection.x1 * image.width, detection.x2 * image.width
        top, bottom = detection.y1 * image.height, detection.y2 * image.height
        pen.rectangle((left, top, right, bottom), outline=_COLOUR, width=thickness)
        text = f"{detection.label} {detection.score:.2f}"
        plate = pen.textbbox((left, top), text, font=font, anchor="lb")
        if plate[1] < 0:
            plate = pen.textbbox((left, top), text, font=font, anchor="lt")
        pen.rectangle(plate, fill=_COLOUR)
        pen.text(plate[:2], text, font=font, fill="white", anchor="lt")
    return drawn


def predict_file(
    predictor: Predictor, file: Path, *, min_score: float | None, max_faces: int, drawing: Path | None
) -> dict[str, Any]:
    """The line of one file: {"file", "boxes"}, or {"file", "error": {"code", "message"}} for a bad image."""
    try:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise BadImage(f"The file can't be read: {error.strerror}.") from error
        image = decode_image(data, target=None if drawing else DECODE_SIDE)
    except ImageError as error:
        return {"file": str(file), "error": {"code": error.code, "message": error.message}}
    detections = predictor.predict_image(image, min_score=min_score, max_faces=max_faces)
    if drawing:
        drawing.parent.mkdir(parents=True, exist_ok=True)
        draw_detections(image, detections).save(drawing, quality=92)
    return {"file": str(file), "boxes": [detection.as_dict(_DIGITS) for detection in detections]}


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m ml.predict", allow_abbrev=False, description=__doc__)
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--jsonl", type=Path, metavar="FILE", help="write a line for each image there, not to standard output"
    )
    form.add_argument("--json", action="store_true", help="print one JSON list instead of a line an image")
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="save a copy of each image with its boxes there"
    )
    parser.add_argument("--min-score", type=_share, help="0 to 1 (default: the detector's own threshold)")
    parser.add_argument(
        "--max-faces", type=positive, default=100, help="at most so many boxes an image (default: 100)"
    )
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="default: the shipped detector")
    add_runtime(parser)
    return parser


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 when some image was bad, 2 when nothing could be started."""
    options = build_parser().parse_args(arguments)
    try:
        files = images_to_read(options.images, results=options.jsonl)
        predictor = Predictor(options.weights, runtime=options.runtime)
        if options.jsonl:
            options.jsonl.parent.mkdir(parents=True, exist_ok=True)
        target = options.jsonl.open("w", encoding="utf-8") if options.jsonl else nullcontext(sys.stdout)
    except (OSError, DetectorFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    taken = {file.resolve() for file, _ in files}  # a drawing never takes the place of a photograph
    found = []
    failed = 0
    with target as lines:
        if options.draw and not _is_writable(options.draw):
            print(f"error: {options.draw} is no folder that can be written to", file=sys.stderr)
            return 2
        for file, name in tqdm(files, unit="image", disable=not (options.jsonl or options.json)):
            line = predict_file(
                predictor,
                file,
                min_score=options.min_score,
                max_faces=options.max_faces,
                drawing=_drawing_path(options.draw, name, taken) if options.draw else None,
            )
            failed += "error" in line
            if options.json:
                found.append(line)
            else:
                print(json.dumps(line), file=lines)
        if options.json:
            print(json.dumps(found))
    if failed:
        print(f"{failed} of {len(files)} images could not be read", file=sys.stderr)
    return 1 if failed else 0


def _drawing_path(folder: Path, name: Path, taken: set[Path]) -> Path:
    """A JPEG in `folder` named after the image; a second image of the same name gets a number."""
    path = folder / name.with_suffix(".jpg")
    number = 2
    while path.resolve() in taken:
        path = folder / name.with_name(f"{name.stem}-{number}.jpg")
        number += 1
    taken.add(path.resolve())
    return path


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


if __name__ == "__main__":
    sys.exit(main())
