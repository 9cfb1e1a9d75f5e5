"""One training run: its data, its state, its folder, and what it tells the world."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
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
from ml.config import EMOTIONS, ModelConfig, TrainConfig
from ml.dataset import DatasetError, Sample, data_hash, find_split, load_split, read_votes
from ml.engine import evaluate, train_one_epoch
from ml.export import export_onnx
from ml.image_cache import build_cache, class_bias
from ml.loss import detection_loss
from ml.metrics import summarize
from ml.model import GridDetector, ServedDetector
from ml.precision import choose_precision
from ml.schedule import epoch_batches, learning_rate_factor, parameter_groups, steps_per_epoch
from ml.validation import prepare_validation

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
        self.folder.mkdir(parents=True, exist_ok=True)
        if not options.resume:  # what an earlier run left here must not pass for this run's
            for name in ("last.pt", "best.pt"):
                (self.folder / name).unlink(missing_ok=True)
        elif not (self.folder / "last.pt").exists():
            raise CheckpointError(f"{self.folder / 'last.pt'} does not exist: there is nothing to resume")
        self.precision = choose_precision(options.device, options.precision)
        self.git_revision = git_revision()
        self.history: list[dict[str, Any]] = []
        self.best = -1.0

    def say(self, event: str, **values: Any) -> None:
        """One JSON line on stdout with --json; otherwise a line for people on stderr."""
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
        self.class_bias = class_bias(train, config.prior_correction)
        cache = build_cache(
            train,
            soft_labels=config.soft_labels,
            memory_bytes=options.cache_gb * 1e9,
            progress=not options.json,
        )
        self.composer = Composer(cache.to(self.precision.device))
        self.valid = prepare_validation(valid, config.image_size, limit=options.valid_limit)
        self.steps = steps_per_epoch(len(cache), config)

    def build(self) -> None:
        """Make the network, its average and the optimizer; load what --init-weights or --resume names."""
        config, device = self.config, self.precision.device
        self.started_from: dict[str, Any] | None = None
        model = GridDetector(ModelConfig())
        if self.options.init_weights:
            model, card = load_model(self.options.init_weights)
            known = ("version", "git_revision", "epoch", "seed", "train", "data", "started_from")
            self.started_from = {key: card[key] for key in known if key in card}
        self.model = model.to(device, memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.model, multi_avg_fn=moving_average(config.ema_half_life), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, config.weight_decay), lr=config.lr)
        warmup, total = round(config.warmup_epochs * self.steps), config.epochs * self.steps
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate_factor(step, warmup=warmup, total=total)
        )
        self.epoch = 0
        if self.options.resume:
            self._resume(self.folder / "last.pt")

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
        self.model.load_state_dict(content["state"])
        for name in ("average", "optimizer", "scheduler"):
            getattr(self, name).load_state_dict(content[name])
        self.epoch, self.best, self.history = content["epoch"], content["best"], content["history"]
        restore_generators(content["generators"])

    def train(self) -> None:
        """Train to the last epoch; a checkpoint, a row in metrics.jsonl and perhaps a new best after each."""
        config = self.config
        while self.epoch < config.epochs:
            plain = self.epoch >= config.epochs - config.plain_epochs
            self.composer.strength = PLAIN_STRENGTH if plain else 1.0
            started = time.monotonic()
            losses = self._train_epoch()
            self.epoch += 1
            row: dict[str, Any] = {
                "epoch": self.epoch,
                "epochs": config.epochs,
                "lr": self.optimizer.param_groups[0]["lr"],
                "train": {"loss": sum(losses.values()), **losses},
                "train_seconds": round(time.monotonic() - started, 1),
            }
            if self.epoch == config.epochs or self.epoch % self.options.valid_every == 0:
                row["valid"] = self.measure_and_keep_best()
            row["seconds"] = round(time.monotonic() - started, 1)
            self.history.append(row)
            self.save()
            self.say("epoch", **row)

    def _train_epoch(self) -> dict[str, float]:
        config, stride = self.config, self.model.config.stride
        bar = tqdm(
            total=self.steps, desc=f"epoch {self.epoch + 1}/{config.epochs}", disable=self.options.json
        )

        def loss_terms(grid: Tensor, batch: Batch) -> dict[str, Tensor]:
            return detection_loss(grid, batch.faces, batch.classes, batch.valid, config, stride=stride)

        def on_step(step: int, values: dict[str, float]) -> None:
            bar.update()
            bar.set_postfix({name: f"{value:.2f}" for name, value in values.items()})
            if step % 20 == 0:
                self.say("step", epoch=self.epoch + 1, step=step, steps=self.steps, **values)

        with bar:
            return train_one_epoch(
                self.model,
                epoch_batches(self.composer, config, self.steps),
                loss_terms,
                self.optimizer,
                self.scheduler,
                self.average,
                self.precision,
                clip_norm=config.clip_norm,
                freeze_norms=self.epoch >= config.epochs - config.frozen_norm_epochs,
                on_step=on_step,
            )

    def served(self) -> ServedDetector:
        """The averaged weights as they will be used."""
        return ServedDetector(self.average.module, class_bias=self.class_bias).to(self.precision.device)

    def measure_and_keep_best(self) -> dict[str, Any]:
        """Figures of the averaged weights, which become best.pt where none were better."""
        served = self.served()
        metrics = summarize(evaluate(served, self.valid, self.precision), fast=True)
        if (score := selection_score(metrics)) > self.best:
            self.best = score
            save_weights(self.folder / "best.pt", self.average.module, card=self.card(metrics))
        return metrics

    def save(self) -> None:
        replace_file(
            self.folder / "metrics.jsonl",
            lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in self.history)),
        )
        save_checkpoint(
            self.folder / "last.pt",
            {
                "state": self.model.state_dict(),
                "config": self.model.config.to_dict(),
                "emotions": list(EMOTIONS),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "train_config": self.config.to_dict(),
                "data": self.data,
                "card": self.card({}),
                "epoch": self.epoch,
                "best": self.best,
                "history": self.history,
            },
        )

    def card(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Where a detector came from and what it can do."""
        return {
            "name": "hamster-grid-detector",
            "version": self.options.name,
            "emotions": list(EMOTIONS),
            "input_size": self.config.image_size,
            "class_bias": self.class_bias,
            "model": self.model.config.to_dict(),
            "train": self.config.to_dict(),
            "data": self.data,
            "seed": self.config.seed,
            "epoch": self.epoch,
            "started_from": self.started_from,
            "git_revision": self.git_revision,
            "torch": str(torch.__version__),
            "device": str(self.precision.device),
            "metrics": metrics,
        }

    def finish(self) -> None:
        """Export the best weights and draw the run's figures. Raises ExportError."""
        best = self.folder / "best.pt"
        if not best.exists():
            if self.epoch == 0:
                raise Stopped("no epoch was finished: there is nothing to keep")
            self.measure_and_keep_best()
        model, card = load_model(best)
        weights: Path = self.options.weights
        onnx_path, card_path = weights.with_suffix(".onnx"), weights.parent / "card.json"
        save_weights(weights, model, card=card)
        export_onnx(model, onnx_path, card=card)
        replace_file(card_path, lambda path: path.write_text(json.dumps(card, indent=2) + "\n"))
        self.average.module.load_state_dict(model.state_dict())
        draw_figures(self.folder, self.history, evaluate(self.served(), self.valid, self.precision))
        self.say("done", pt=str(weights), onnx=str(onnx_path), card=str(card_path), run_dir=str(self.folder))


def moving_average(half_life: float) -> Callable[[Any, Any, Any], None]:
    """An exponential average with a short memory at first, so that the random start is soon forgotten."""

    def update(averaged: Any, current: Any, count: Any) -> None:
        decay = min(0.5 ** (1 / half_life), (1 + float(count)) / (10 + float(count)))
        get_ema_multi_avg_fn(decay)(averaged, current, count)

    return update


def selection_score(metrics: dict[str, Any]) -> float:
    """What decides which epoch is the best: the mean of the expression's macro-F1 and the detection's
    mAP50."""
    return ((metrics["macro_f1"] or 0.0) + (metrics["mAP50"] or 0.0)) / 2


def draw_figures(folder: Path, history: list[dict[str, Any]], results: list[Any]) -> None:
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
