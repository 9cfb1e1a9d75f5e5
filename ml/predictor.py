"""Image bytes to faces and their expressions, on ONNX Runtime or OpenVINO. Never imports torch.

It looks twice: at the whole image to find faces, then at a close-up of each to read its expression.

A `Predictor` runs on the calling thread alone and keeps nothing between images: threads may share one.
"""

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from ml.config import EMOTIONS
from ml.crops import cut_closeup
from ml.images import DEFAULT_MAX_PIXELS, decode_image
from ml.nms import NMS_IOU, select_boxes, vote_boxes
from ml.runtime import RUNTIMES, OpenVinoSession, RuntimeUnavailable

logger = logging.getLogger(__name__)

SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "detector.onnx"

DEFAULT_MIN_SCORE = 0.2
"""Lowest score shown, where a detector's card names none."""

_OLDEST_MULTIPLE = 32
"""Of the detector files whose card does not say what the sides of their input are multiples of."""
_PAD_GREY = 114
_MAX_UPSCALE = 4 / 3
_MAX_CLOSEUPS = 20
_SURE_SHARE = 0.8
"""Boxes that even an expression of this share would not bring over the threshold get no second look."""

DECODE_SIDE = 640
"""Large photographs are decoded at no less than this, so that close-ups are sharp."""


class DetectorFileError(Exception):
    """A detector file that can't be used: missing, damaged, altered, or of other classes."""

    code = "bad_detector"

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Detection:
    """One face. Coordinates are fractions of the upright image, 0..1, origin top left.

    `scores` holds how sure the detector is of a face x p(expression) for all nine; `score == scores[label]`
    is the highest of them.
    """

    label: str
    score: float
    x1: float
    y1: float
    x2: float
    y2: float
    scores: dict[str, float]

    def as_dict(self, digits: int = 4) -> dict[str, Any]:
        """The JSON form, numbers rounded to `digits`."""
        return {
            "label": self.label,
            "score": round(self.score, digits),
            "x1": round(self.x1, digits),
            "y1": round(self.y1, digits),
            "x2": round(self.x2, digits),
            "y2": round(self.y2, digits),
            "scores": {name: round(score, digits) for name, score in self.scores.items()},
        }


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds: bytes to pixels, and pixels to named boxes."""

    decode_ms: float
    inference_ms: float


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Predictor:
    """A loaded detector file (.onnx with its card inside).

    Raises `DetectorFileError` if the file is missing, damaged, not one of ours, trained for other classes or,
    where `sha256` is given, not the very file that was registered.

    `runtime` is one of `ml.runtime.RUNTIMES`. Where OpenVINO was asked for and can't be used, ONNX Runtime
    computes and the reason is logged; the attribute `runtime` says which it is. `threads` is how many will
    share it: so many are served without delay from the first picture on.
    """

    def __init__(
        self,
        weights: Path = SHIPPED_WEIGHTS,
        sha256: str | None = None,
        *,
        runtime: str = "onnxruntime",
        threads: int = 1,
    ):
        if runtime not in RUNTIMES:
            raise ValueError(f"{runtime!r} is none of {', '.join(RUNTIMES)}")
        content = _read(Path(weights), sha256)
        session = _open_session(content, Path(weights))
        self.card: dict[str, Any] = _read_card(session, Path(weights))
        self._session: ort.InferenceSession | OpenVinoSession = session
        self.runtime = "onnxruntime"
        self.emotions: tuple[str, ...] = EMOTIONS
        self.version = str(self.card["version"])
        self.input_size = int(self.card["input_size"])
        self.size_multiple = int(self.card.get("size_multiple", _OLDEST_MULTIPLE))
        self.closeup_size = int(self.card.get("closeup_size", 0))
        self._border = "symmetric" if self.card.get("closeup_border") == "symmetric" else "edge"
        thresholds = self.card.get("thresholds", {})
        self.min_score = float(thresholds.get("min_score", DEFAULT_MIN_SCORE))
        self.nms_iou = float(thresholds.get("nms_iou", NMS_IOU))

        if runtime == "openvino":
            self._use_openvino(content, threads)

    def _use_openvino(self, content: bytes, threads: int) -> None:
        plain = self._session
        try:
            if b"DequantizeLinear" in content:
                raise RuntimeUnavailable("it gives other scores for an int8 detector, and is slower with it")
            self._session = OpenVinoSession(content, copies=threads)
            self.warm_up()
            self.runtime = "openvino"
        except RuntimeError as reason:
            self._session = plain
            logger.warning("ONNX Runtime computes in place of OpenVINO: %s", reason)

    def warm_up(self) -> None:
        """Run each net once, so that the first real frame is not the slow one."""
        self.predict_image(Image.new("RGB", (self.input_size, self.input_size * 3 // 4), "grey"))
        if self.closeup_size:
            self._run(np.zeros((1, self.closeup_size, self.closeup_size, 3), np.uint8), closeup=True)

    def predict(
        self,
        data: bytes,
        *,
        min_score: float | None = None,
        max_faces: int = 20,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> tuple[list[Detection], Timing]:
        """Faces in an encoded image, best first, and how long it took.

        Raises `ml.images.BadImage` or `ml.images.ImageTooLarge`.
        """
        started = time.perf_counter()
        image = decode_image(data, max_pixels=max_pixels, target=DECODE_SIDE)
        decoded = time.perf_counter()
        detections = self.predict_image(image, min_score=min_score, max_faces=max_faces)
        done = time.perf_counter()
        return detections, Timing((decoded - started) * 1000, (done - decoded) * 1000)

    def predict_image(
        self, image: Image.Image, *, min_score: float | None = None, max_faces: int = 20
    ) -> list[Detection]:
        """Faces in an RGB image, best first; those whose best expression scores at least `min_score`."""
        return self._name(*self.predict_arrays(image, min_score=min_score, max_faces=max_faces))

    def predict_arrays(
        self, image: Image.Image, *, min_score: float | None = None, max_faces: int = 20
    ) -> tuple[np.ndarray, np.ndarray]:
        """As arrays: boxes float32 [n, 4] in fractions, scores float32 [n, 9], best objectness first."""
        return self._look(image, self.min_score if min_score is None else min_score, max_faces)

    def _look(self, image: Image.Image, min_score: float, max_faces: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float32 [n, 4] in fractions and scores [n, 9], best objectness first."""
        if image.mode != "RGB":
            image = image.convert("RGB")
        batch, (width, height) = fit_to_grid(image, self.input_size, self.size_multiple)
        boxes, scores = self._run(batch, closeup=False)
        boxes, scores = boxes[0], scores[0]
        worth = min_score / _SURE_SHARE if self.closeup_size else min_score
        limit = max(max_faces, _MAX_CLOSEUPS)
        kept = select_boxes(boxes, scores, min_score=worth, iou=self.nms_iou, limit=limit)
        boxes = vote_boxes(boxes, scores, kept)
        fractions = np.clip(boxes / np.array([width, height, width, height], np.float32), 0.0, 1.0)
        visible = (fractions[:, 2] > fractions[:, 0]) & (fractions[:, 3] > fractions[:, 1])
        fractions, scores = fractions[visible], scores[kept[visible]]
        self._look_closer(image, fractions, scores)
        surest = np.argsort(-scores.sum(axis=1), kind="stable")
        fractions, scores = fractions[surest], scores[surest]
        shown = np.flatnonzero(scores.max(axis=1, initial=0.0) >= min_score)[:max_faces]
        return fractions[shown], scores[shown]

    def _look_closer(self, image: Image.Image, boxes: np.ndarray, scores: np.ndarray) -> None:
        """Read from close-ups whether the surest faces are faces, and their expressions, into their rows of
        `scores`."""
        objectness = scores[:_MAX_CLOSEUPS].sum(axis=1, keepdims=True)
        if len(objectness) and self.closeup_size:
            closeups = [
                cut_closeup(image, box, self.closeup_size, border=self._border)
                for box in boxes[:_MAX_CLOSEUPS]
            ]
            scores[:_MAX_CLOSEUPS] = objectness * self._run(np.stack(closeups), closeup=True)[1][:, 0]

    def _run(self, images: np.ndarray, *, closeup: bool) -> list[np.ndarray]:
        inputs = {"images": images}
        if self.closeup_size:
            inputs["closeup"] = np.array(closeup)
        return self._session.run(["boxes", "scores"], inputs)

    def _name(self, boxes: np.ndarray, scores: np.ndarray) -> list[Detection]:
        detections = []
        for box, row in zip(boxes.tolist(), scores.tolist(), strict=True):
            best = max(range(len(row)), key=row.__getitem__)
            named = dict(zip(self.emotions, row, strict=True))
            detections.append(Detection(self.emotions[best], row[best], *box, scores=named))
        detections.sort(key=lambda detection: -detection.score)
        return detections


def fit_to_grid(image: Image.Image, input_size: int, multiple: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Network input uint8 [1, H, W, 3] of an RGB image, and the (width, height) of it that the image covers.

    The longer side becomes `input_size`, or less for an image that would be enlarged by more than a third;
    both sides are filled up with grey to multiples of `multiple`.
    """
    scale = min(input_size / max(image.size), _MAX_UPSCALE)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    rows, columns = (-(-side // multiple) * multiple for side in (height, width))
    batch = np.full((1, rows, columns, 3), _PAD_GREY, dtype=np.uint8)
    batch[0, :height, :width] = np.asarray(image)
    return batch, (width, height)


def _read(weights: Path, sha256: str | None) -> bytes:
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise DetectorFileError(f"Can't read the detector file {weights}: {error.strerror}.") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256.lower():
        raise DetectorFileError(
            f"The detector file {weights.name} was altered: its SHA-256 is not the registered one."
        )
    return content


def _open_session(content: bytes, weights: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's error classes share no public base
        raise DetectorFileError(f"{weights.name} is damaged or not an ONNX file.") from error


def _read_card(session: ort.InferenceSession, weights: Path) -> dict[str, Any]:
    shapes = {node.name: node for node in [*session.get_inputs(), *session.get_outputs()]}
    if not {"images", "boxes", "scores"} <= shapes.keys() or shapes["images"].type != "tensor(uint8)":
        raise DetectorFileError(f"{weights.name} is an ONNX file but not a Hamster Expression detector.")
    try:
        card = json.loads(session.get_modelmeta().custom_metadata_map["card"])
        emotions = tuple(card["emotions"])
        str(card["version"])
        input_size, closeup_size = int(card["input_size"]), int(card.get("closeup_size", 0))
        multiple = int(card.get("size_multiple", _OLDEST_MULTIPLE))
        [float(value) for value in card.get("thresholds", {}).values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DetectorFileError(f"{weights.name} carries no readable model card.") from error
    if emotions != EMOTIONS:
        raise DetectorFileError(
            f"{weights.name} was trained for other classes: {', '.join(map(str, emotions))}."
        )
    fits = 32 <= input_size <= 2048 and 0 <= closeup_size <= 512 and 1 <= multiple <= 128
    if not fits or (closeup_size > 0) != ("closeup" in shapes):
        raise DetectorFileError(f"{weights.name} carries a model card that does not fit its network.")
    return card
