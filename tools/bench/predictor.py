"""How long one 320x240 JPEG takes on one thread: decode, inference (with suppression), total."""

import argparse
import io
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

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


def measure(predictor: Predictor, data: bytes, rounds: int) -> dict[str, dict[str, float]]:
    """Median and 95th percentile in milliseconds of each step over `rounds` runs, after a warm-up."""
    for _ in range(10):
        predictor.predict(data)
    timings = [predictor.predict(data)[1] for _ in range(rounds)]
    steps = {
        "decode": [timing.decode_ms for timing in timings],
        "inference": [timing.inference_ms for timing in timings],
        "total": [timing.decode_ms + timing.inference_ms for timing in timings],
    }
    return {
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
    parser.add_argument("--rounds", type=int, default=300, help="runs to measure (default: 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        predictor = Predictor(options.weights)
    except DetectorFileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    steps = measure(predictor, sample_jpeg(), options.rounds)
    if options.json:
        print(json.dumps({"detector": predictor.version, "rounds": options.rounds, **steps}))
        return 0
    print(f"detector {predictor.version}, {options.rounds} rounds, one thread")
    for name, figures in steps.items():
        print(f"{name:<10} median {figures['median_ms']:7.2f} ms   p95 {figures['p95_ms']:7.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
