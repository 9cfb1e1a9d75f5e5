"""How long one 320x240 JPEG takes on one thread, with a face in it and without: decoding, looking, total."""

import argparse
import io
import json
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image, ImageFilter

from ml.options import add_runtime
from ml.predictor import SHIPPED_WEIGHTS, DetectorFileError, Predictor

SAMPLE = Path(__file__).resolve().parents[2] / "webui/static/webui/sample/astronaut.jpg"


def sample_jpeg() -> bytes:
    """A webcam-sized frame with a face in it: NASA's portrait of an astronaut, cut to 4:3."""
    with Image.open(SAMPLE) as portrait:
        width = portrait.width
        frame = portrait.convert("RGB").crop((0, 0, width, width * 3 // 4)).resize((320, 240))
    buffer = io.BytesIO()
    frame.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def empty_jpeg() -> bytes:
    """The same frame blurred until nothing is left of the face: one look, no second one."""
    with Image.open(io.BytesIO(sample_jpeg())) as frame:
        blurred = frame.filter(ImageFilter.GaussianBlur(60))
    buffer = io.BytesIO()
    blurred.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def measure(predictor: Predictor, data: bytes, rounds: int) -> dict[str, Any]:
    """Faces found, and median and 95th percentile in milliseconds of each step, after a warm-up."""
    for _ in range(10):
        faces, _ = predictor.predict(data)
    timings = [predictor.predict(data)[1] for _ in range(rounds)]
    steps = {
        "decode": [timing.decode_ms for timing in timings],
        "inference": [timing.inference_ms for timing in timings],
        "total": [timing.decode_ms + timing.inference_ms for timing in timings],
    }
    return {"faces": len(faces)} | {
        name: {
            "median_ms": round(statistics.median(values), 3),
            "p95_ms": round(_percentile(values, 0.95), 3),
        }
        for name, values in steps.items()
    }


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="default: the shipped detector")
    add_runtime(parser)
    parser.add_argument("--rounds", type=int, default=300, help="runs to measure (default: 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        predictor = Predictor(options.weights, runtime=options.runtime)
    except DetectorFileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    frames = {"face": sample_jpeg(), "no face": empty_jpeg()}
    report = {name: measure(predictor, data, options.rounds) for name, data in frames.items()}
    if options.json:
        print(
            json.dumps(
                {
                    "detector": predictor.version,
                    "runtime": predictor.runtime,
                    "rounds": options.rounds,
                    **report,
                }
            )
        )
        return 0
    print(f"detector {predictor.version} on {predictor.runtime}, {options.rounds} rounds, one thread")
    for name, figures in report.items():
        print(f"{name}: {figures.pop('faces')} found")
        for step, values in figures.items():
            print(f"  {step:<10} median {values['median_ms']:7.2f} ms   p95 {values['p95_ms']:7.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
