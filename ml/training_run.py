"""One training run: its data, its state, its folder, and what it tells the world."""

from __future__ import annotations

import argparse
import copy
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ml.augment import Batch, Composer
from ml.checkpoint import (
    CheckpointError,
    load_model,
    read_checkpoint,
    replace_file,
    restore_generators,
    save_checkpoint,
    save_weights,
)
from ml.closeups import Closeups, CloseupSampler
from ml.config import EMOTIONS, PARTS, CloseupConfig, TrainConfig
from ml.dataset import DatasetError, Sample, data_hash, find_split, load_split, read_votes
from ml.engine import evaluate
from ml.image_cache import build_cache
from ml.loss import detection_loss, expression_loss
from ml.metrics import FrameResult, summarize
from ml.model import Detector, ServedGrid
from ml.parallel import local_device, rank, workers
from ml.part import Part
from ml.precision import choose_precision
from ml.release import release
from ml.schedule import draw_closeup_size, epoch_batches, steps_per_epoch
from ml.validation import closeup_figures, closeup_logits, prepare_closeups, prepare_validation

log = logging.getLogger("ml.train")

PLAIN_STRENGTH = 0.4
"""Strength of the augmentation in the last epochs."""


class Stopped(Exception):
    """SIGTERM or Ctrl-C: end in order, keeping what was learned."""


class Run:
    """One training run: its state, its folder, and what it tells the world."""

    def __init__(self, options: argparse.Namespace, config: TrainConfig) -> None:
        self.options = options
        self.config = config
        self.folder: Path = options.run_dir
        self.leads = rank() == 0
        self.folder.mkdir(parents=True, exist_ok=True)
        if not options.resume:  # what an earlier run left here must not pass for this run's
            for name in ("last.pt", "best.pt"):
                (self.folder / name).unlink(missing_ok=True)
        elif not (self.folder / "last.pt").exists():
            raise CheckpointError(f"{self.folder / 'last.pt'} does not exist: there is nothing to resume")
        self.precision = choose_precision(local_device(options.device), options.precision)
        self.git_revision = git_revision()
        self.history: list[dict[str, Any]] = []
        self.best = dict.fromkeys(PARTS, -1.0)

    def say(self, event: str, **values: Any) -> None:
        """One JSON line on stdout with --json; otherwise a line for people on stderr."""
        if not self.leads:
            return
        if self.options.json:
            print(json.dumps({"event": event, **values}), flush=True)
        elif event != "step":
            tqdm.write(
                f"{event}: " + ", ".join(f"{key} {_short(value)}" for key, value in values.items()),
                sys.stderr,
            )

    def load_data(self) -> None:
        """Read, check and decode the data sets. Raises DatasetError."""
        options, config = self.options, self.config
        votes = read_votes(options.votes) if options.votes else {}
        train: list[Sample] = []
        valid: list[Sample] = []
        for data_dir in options.data_dir:
            split = load_split(data_dir, "train", strict=options.strict, votes=votes)
            for problem in split.problems:
                log.warning("%s", problem)
            train += split.samples
            self.say("data", folder=str(data_dir), **split.statistics())
        measured = [path for path in options.data_dir if find_split(path, "valid")]
        for data_dir in [*measured, *options.valid_dir]:
            split = load_split(data_dir, "valid", strict=options.strict)
            for problem in split.problems:
                log.warning("%s", problem)
            valid += split.samples
        if not valid:
            raise DatasetError(
                "none of the data sets has a folder valid/images: nothing to measure the run on"
            )
        self.data = {
            "folders": [path.name for path in options.data_dir],
            "votes": options.votes.name if options.votes else None,
            "train_images": len(train),
            "hash": data_hash(train),
        }
        cache = build_cache(
            train,
            soft_labels=config.soft_labels,
            memory_bytes=options.cache_gb * 1e9,
            progress=not options.json,
        )
        self.cache = cache.to(self.precision.device)
        self.valid_samples = valid
        if options.valid_limit and options.valid_limit < len(valid):
            spread = torch.linspace(0, len(valid) - 1, options.valid_limit).round().int().tolist()
            valid = [valid[index] for index in spread]
        if "grid" in config.parts:
            self.valid = prepare_validation(valid, config.image_size)
        if "closeup" in config.parts:
            self.valid_closeups = prepare_closeups(valid, CloseupConfig().size)

    def build(self) -> None:
        """Make the nets and what trains them; load what --init-weights or --resume names."""
        config = self.config
        self.started_from: dict[str, Any] | None = None
        model = Detector()
        if self.options.init_weights:
            model, card = load_model(self.options.init_weights)
            known = ("version", "git_revision", "epoch", "seed", "train", "data", "started_from")
            self.started_from = {key: card[key] for key in known if key in card}
        self.model = model.to(self.precision.device)
        self.best_model = copy.deepcopy(self.model)
        """The best average of each part so far; a part that is not trained stays as it started."""
        self.parts = {name: getattr(self, f"_{name}_part")() for name in config.parts}
        self.epoch = 0
        if self.options.resume:
            self._resume(self.folder / "last.pt")

    def _grid_part(self) -> Part:
        config, composer = self.config, Composer(self.cache)
        steps = steps_per_epoch(len(self.cache), config)

        def batches(epoch: int) -> Iterator[Batch]:
            composer.strength = self.strength(epoch)
            return epoch_batches(composer, config, steps, share=1 / workers())

        def loss_terms(grid: Tensor, batch: Batch) -> dict[str, Tensor]:
            stride = self.model.grid.config.stride
            return detection_loss(grid, batch.faces, batch.classes, batch.valid, config, stride=stride)

        return Part(self.model.grid, batches, loss_terms, steps, config, self.precision)

    def _closeup_part(self) -> Part:
        config, size = self.config, self.model.closeup.config.size
        sampler = CloseupSampler(self.cache, rare_share=config.rare_share)
        steps = max(1, round(len(sampler) / config.closeup_batch))

        def batches(epoch: int) -> Iterator[Closeups]:
            sampler.strength = self.strength(epoch)
            return sampler.epoch(
                batch_size=max(1, config.closeup_batch // workers()),
                steps=steps,
                draw_size=partial(draw_closeup_size, epoch / config.epochs, size),
                mix_share=config.mix_share * (sampler.strength == 1.0),
            )

        def loss_terms(logits: Tensor, batch: Closeups) -> dict[str, Tensor]:
            loss = expression_loss(logits, batch.classes, label_smoothing=config.label_smoothing)
            return {"expression": loss}

        return Part(self.model.closeup, batches, loss_terms, steps, config, self.precision)

    def strength(self, epoch: int) -> float:
        """How strong the augmentation is in this epoch."""
        return 1.0 if epoch < self.config.epochs - self.config.plain_epochs else PLAIN_STRENGTH

    def _resume(self, path: Path) -> None:
        content = read_checkpoint(path)
        same_run = {
            "config": self.model.config.to_dict(),
            "train_config": self.config.to_dict(),
            "data": self.data,
        }
        if any(content.get(key) != value for key, value in same_run.items()):
            raise CheckpointError(
                f"{path} belongs to a run with other settings or other data: it can't go on from it"
            )
        self.best_model.load_state_dict(content["state"])
        for name, part in self.parts.items():
            part.load_state_dict(content["parts"][name])
        self.epoch, self.best, self.history = content["epoch"], content["best"], content["history"]
        restore_generators(content["generators"])
        if not self.leads:
            torch.manual_seed(self.config.seed + 1000 * rank() + self.epoch)

    def train(self) -> None:
        """Train to the last epoch; a checkpoint, a row in metrics.jsonl and perhaps a new best after each."""
        config = self.config
        while self.epoch < config.epochs:
            started = time.monotonic()
            losses: dict[str, float] = {}
            for name in self.parts:
                losses |= self._train_part(name)
            self.epoch += 1
            row: dict[str, Any] = {
                "epoch": self.epoch,
                "epochs": config.epochs,
                "train": {"loss": sum(losses.values()), **losses},
                "train_seconds": round(time.monotonic() - started, 1),
            }
            if not self.leads:
                continue
            if self.epoch == config.epochs or self.epoch % self.options.valid_every == 0:
                row |= self.measure_and_keep_best()
            row["seconds"] = round(time.monotonic() - started, 1)
            self.history.append(row)
            self.save()
            self.say("epoch", **row)

    def _train_part(self, name: str) -> dict[str, float]:
        part = self.parts[name]
        bar = tqdm(
            total=part.steps,
            desc=f"epoch {self.epoch + 1}/{self.config.epochs} {name}",
            disable=self.options.json or not self.leads,
        )

        def on_step(step: int, values: dict[str, float]) -> None:
            bar.update()
            bar.set_postfix({key: f"{value:.2f}" for key, value in values.items()})
            if step % 20 == 0:
                self.say("step", epoch=self.epoch + 1, part=name, step=step, steps=part.steps, **values)

        with bar:
            return part.train_epoch(self.epoch, on_step)

    def measure_and_keep_best(self) -> dict[str, Any]:
        """Figures of the averaged weights of each part; those that were never better are kept."""
        figures: dict[str, Any] = {}
        for name, part in self.parts.items():
            net = part.average.module
            if name == "grid":
                figures["valid"] = summarize(evaluate(ServedGrid(net), self.valid, self.precision), fast=True)
                score = figures["valid"]["face_AP50"] or 0.0
            else:
                logits = closeup_logits(net, self.valid_closeups, self.precision)
                figures["closeups"] = closeup_figures(logits, self.valid_closeups)
                score = figures["closeups"]["accuracy"] or 0.0
            if score > self.best[name]:
                self.best[name] = score
                getattr(self.best_model, name).load_state_dict(net.state_dict())
        return figures

    def save(self) -> None:
        replace_file(
            self.folder / "metrics.jsonl",
            lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in self.history)),
        )
        save_weights(self.folder / "best.pt", self.best_model, card=self.card())
        save_checkpoint(
            self.folder / "last.pt",
            {
                "state": self.best_model.state_dict(),
                "config": self.model.config.to_dict(),
                "emotions": list(EMOTIONS),
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
                "train_config": self.config.to_dict(),
                "data": self.data,
                "card": self.card(),
                "epoch": self.epoch,
                "best": self.best,
                "history": self.history,
            },
        )

    def card(self) -> dict[str, Any]:
        """Where a detector came from."""
        return {
            "name": "hamster-grid-detector",
            "version": self.options.name,
            "emotions": list(EMOTIONS),
            "input_size": self.config.image_size,
            "model": self.model.config.to_dict(),
            "train": self.config.to_dict(),
            "data": self.data,
            "seed": self.config.seed,
            "epoch": self.epoch,
            "started_from": self.started_from,
            "git_revision": self.git_revision,
            "torch": str(torch.__version__),
            "device": str(self.precision.device),
        }

    def finish(self) -> None:
        """Calibrate, export and measure the best weights, and draw the run's figures. Raises ExportError."""
        if not self.leads:
            return
        if self.epoch == 0:
            raise Stopped("no epoch was finished: there is nothing to keep")
        if max(self.best.values()) < 0:
            self.measure_and_keep_best()
        weights: Path = self.options.weights
        _, results = release(
            self.best_model.cpu().eval(), weights, card=self.card(), samples=self.valid_samples
        )
        draw_figures(self.folder, self.history, results)
        paths = {"pt": weights, "onnx": weights.with_suffix(".onnx"), "card": weights.parent / "card.json"}
        self.say("done", **{name: str(path) for name, path in paths.items()}, run_dir=str(self.folder))


def draw_figures(folder: Path, history: list[dict[str, Any]], results: list[FrameResult]) -> None:
    """curves.png, confusion.png and pr.png in the run folder."""
    from ml import plots  # matplotlib takes a second to import: only when something is drawn

    summary = summarize(results, curves=True)
    plots.plot_curves(history, folder / "curves.png")
    plots.plot_confusion(summary["confusion"], folder / "confusion.png")
    plots.plot_precision_recall(summary["precision_curves"], folder / "pr.png")


def git_revision() -> str | None:
    """The commit that the code was at, with "+" if files had changed since; None outside a repository."""
    here = Path(__file__).parent
    try:
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            ["git", "diff", "--quiet", "HEAD", "--", ".", ":!weights"],
            cwd=here,
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return revision.stdout.strip() + ("+" if changed.returncode else "")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(
            f"{key}={_short(item)}" for key, item in value.items() if isinstance(item, (int, float))
        )
    return f"{value:.4g}" if isinstance(value, float) else str(value)
