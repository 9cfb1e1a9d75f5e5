"""What the commands' options share."""

import argparse

from ml.runtime import RUNTIMES


def positive(text: str) -> int:
    """A whole number of at least 1. Raises argparse.ArgumentTypeError."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """The option --runtime."""
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="onnxruntime",
        help="what computes the nets; OpenVINO needs requirements-fast.txt (default: onnxruntime)",
    )
