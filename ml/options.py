"""What the commands' options share."""

import argparse
import math
from pathlib import Path

from ml.runtime import RUNTIMES


def positive(text: str) -> int:
    """A whole number of at least 1. Raises argparse.ArgumentTypeError."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def amount(text: str) -> float:
    """A number above 0 that is finite. Raises argparse.ArgumentTypeError."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def side(text: str) -> int:
    """The longer side of frames in pixels. Raises argparse.ArgumentTypeError."""
    number = int(text)
    if number < 64 or number % 32:
        raise argparse.ArgumentTypeError(f"{text} is no multiple of 32 of at least 64")
    return number


def source(text: str) -> str:
    """The name of a source of images. Raises argparse.ArgumentTypeError."""
    if not text:
        raise argparse.ArgumentTypeError("a source has a name")
    return text


def checkpoint(text: str) -> Path:
    """A .pt file to write. Raises argparse.ArgumentTypeError."""
    return _file(text, ".pt")


def onnx_file(text: str) -> Path:
    """An .onnx file to write. Raises argparse.ArgumentTypeError."""
    return _file(text, ".onnx")


def _file(text: str, suffix: str) -> Path:
    path = Path(text)
    if path.suffix != suffix or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not the name of a {suffix} file")
    return path


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """The option --runtime."""
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="onnxruntime",
        help="what computes the nets; OpenVINO needs requirements-fast.txt (default: onnxruntime)",
    )
