"""python -m ml.train: train the detector from scratch (or on from a checkpoint) on YOLO folders."""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import math
import random
import signal
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch

from ml.config import AUGMENT_STRENGTHS, PARTS, CloseupConfig, TrainConfig
from ml.failures import explain
from ml.hardware import describe_hardware
from ml.options import amount, checkpoint, side, source
from ml.parallel import joined, rank
from ml.training_run import Run, Stopped

log = logging.getLogger("ml.train")

HIGHEST_SEED = 2**32 - 1
"""What NumPy takes."""


def keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of returning them: batches are allocated 1.6 times faster."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def seed_generators(seed: int) -> None:
    """Layouts are the same in all processes that train together, what is drawn on them is not."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed + 1000 * rank())


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    default = TrainConfig()
    parser = argparse.ArgumentParser(
        prog="python -m ml.train",
        allow_abbrev=False,
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--data-dir",
        type=Path,
        action="append",
        required=True,
        help="YOLO data set; give it again for more sets",
    )
    add("--valid-dir", type=Path, action="append", default=[], help="a data set of which only valid/ is used")
    add("--votes", type=Path, help="CSV of vote counts per file and expression, used as soft labels")
    add(
        "--leave-out",
        type=source,
        action="append",
        default=[],
        metavar="SOURCE",
        help="train without the images of this source (a name in manifest.csv), still measuring on them: "
        "how well the detector reads pictures of a kind it never saw; again for more",
    )
    add(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="nets to train; the other stays as it is",
    )
    add("--epochs", type=int, default=default.epochs)
    add(
        "--image-size",
        type=side,
        default=default.image_size,
        help="longest canvas side, pixels, a multiple of 32",
    )
    add("--batch-size", type=int, default=default.batch_size, help="full-size canvases a step")
    each = default.closeup_batch // default.batch_size
    add(
        "--closeup-batch",
        type=int,
        help="most faces a step of the close-up net; fewer where the data have few (default: "
        f"{each} for each canvas of --batch-size)",
    )
    add(
        "--closeup-widths",
        type=int,
        nargs=len(CloseupConfig().widths),
        default=list(CloseupConfig().widths),
        metavar="CHANNELS",
        help="of a close-up net that starts from random weights; a wide one makes a teacher",
    )
    add(
        "--discount-sources",
        action="store_true",
        default=default.discount_sources,
        help="the close-up net learns of each picture only what its source does not tell already: it reads "
        "pictures of a kind it never saw better, and those of known kinds worse",
    )
    add(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="WEIGHTS",
        help="a checkpoint whose close-up net teaches the new one; again for more",
    )
    add(
        "--teacher-share",
        type=float,
        default=default.teacher_share,
        help="how much of what is learned comes from the teachers, the rest from the labels",
    )
    add(
        "--ema-half-life",
        type=float,
        default=default.ema_half_life,
        help="steps after which an old weight counts half in the average that is kept; the close-up net's "
        f"count as of {default.base_closeup_batch} faces each",
    )
    add(
        "--lr",
        type=amount,
        default=default.lr,
        help="peak learning rate; the close-up net's is scaled by the square root of its batch size over "
        f"{default.base_closeup_batch}",
    )
    add("--weight-decay", type=float, default=default.weight_decay)
    add(
        "--augment",
        choices=tuple(AUGMENT_STRENGTHS),
        default=default.augment,
        help="how strongly light, colour, sharpness and slant of the training pictures are varied",
    )
    add(
        "--patience",
        type=int,
        default=default.patience,
        help="end early when this many validations in a row gave no better figure (0: never)",
    )
    add(
        "--frozen-norm-epochs",
        type=int,
        help="last epochs in which batch norms keep their running statistics (default: "
        f"{default.frozen_norm_epochs}, but a third of the run at most, as they must gather some first)",
    )
    add(
        "--plain-epochs",
        type=int,
        default=default.plain_epochs,
        help="last epochs in which full augmentation gives way to weak one, and close-ups are not blended",
    )
    add("--seed", type=int, default=default.seed)
    add(
        "--weights",
        type=checkpoint,
        default=Path("runs/detector.pt"),
        help=".pt to write; .onnx and card.json come beside it",
    )
    add(
        "--init-weights",
        type=Path,
        help="checkpoint to start from instead of random weights; a resumed run has started already",
    )
    add(
        "--run-dir",
        type=Path,
        help="folder of checkpoints, metrics.jsonl and figures (default: named after --weights)",
    )
    add("--name", help="version name written into the card (default: that of the weights and the date)")
    add("--resume", action="store_true", help="go on from last.pt in the run folder")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    add("--precision", choices=("auto", "bf16", "fp32"), default="auto")
    add("--threads", type=int, default=0, help="CPU threads (0: all cores)")
    add("--cache-gb", type=amount, default=8.0, help="memory for the decoded training images, in gigabytes")
    add("--valid-every", type=int, default=1, help="epochs from one validation to the next")
    add("--valid-limit", type=int, default=3000, help="validation images used during training (0: all)")
    add("--strict", action="store_true", help="refuse data with any faulty label file or image")
    add("--json", action="store_true", help="progress as JSON lines on stdout")
    options = parser.parse_args(arguments)
    if options.frozen_norm_epochs is None:
        options.frozen_norm_epochs = min(default.frozen_norm_epochs, options.epochs // 3)
    if options.closeup_batch is None:
        options.closeup_batch = max(1, each * options.batch_size)
    options.run_dir = options.run_dir or options.weights.with_suffix("")
    options.name = options.name or f"{options.weights.stem}-{time.strftime('%Y%m%d')}"
    options.parts = tuple(name for name in PARTS if name in options.parts)
    lowest = dict.fromkeys(("epochs", "batch_size", "closeup_batch", "ema_half_life", "valid_every"), 1)
    no_less_than_nothing = (
        "frozen_norm_epochs",
        "patience",
        "plain_epochs",
        "seed",
        "threads",
        "valid_limit",
        "weight_decay",
    )
    lowest |= dict.fromkeys(no_less_than_nothing, 0)
    for name, low in lowest.items():
        if not low <= getattr(options, name) < math.inf:
            parser.error(f"--{name.replace('_', '-')} must be at least {low}")
    if options.seed > HIGHEST_SEED:
        parser.error(f"--seed must be at most {HIGHEST_SEED}")
    if not 0 <= options.teacher_share <= 1:
        parser.error("--teacher-share must be between 0 and 1")
    if min(options.closeup_widths) < 1:
        parser.error("--closeup-widths must be at least 1")
    if options.init_weights and tuple(options.closeup_widths) != CloseupConfig().widths:
        parser.error("--closeup-widths is for a net that starts from random weights, not for --init-weights")
    if options.teacher and "closeup" not in options.parts:
        parser.error("--teacher teaches the close-up net, which --parts leaves out")
    return options


class StopRequest:
    """The handler of SIGTERM: raises Stopped at once, or, while it `waits`, when the run looks."""

    def __init__(self) -> None:
        self.waits = False
        self.came = False

    def __call__(self, *_: object) -> None:
        self.came = True
        if not self.waits:
            self.obey()

    def obey(self) -> None:
        """Raise Stopped if it came, and from now on when it comes."""
        self.waits = False
        if self.came:
            raise Stopped("stopped on request")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    chosen = {
        field.name: getattr(options, field.name)
        for field in fields(TrainConfig)
        if hasattr(options, field.name)
    }
    config = replace(TrainConfig(), **chosen)
    stop = StopRequest()
    signal.signal(signal.SIGTERM, stop)
    run = None
    try:
        with joined():
            seed_generators(config.seed)
            stop.waits = options.resume  # until what the earlier epochs have learned can be kept
            run = Run(options, config)
            run.say("start", **describe_hardware(run.precision))
            run.load_data()
            run.build()
            try:
                stop.obey()
                run.train()
                code = 0
            except (Stopped, KeyboardInterrupt):
                log.warning("stopping; keeping the best of %d epochs", run.epoch)
                code = 130
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what was learned is kept, asked to stop or not
            run.finish()
            return code
    except (Stopped, KeyboardInterrupt) as stopped:
        log.warning("%s", stopped or "stopped")
        return 130
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        code, message = explained
        if options.json:
            print(json.dumps({"event": "error", "code": code, "message": message}), flush=True)
        print(f"error: {message}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
