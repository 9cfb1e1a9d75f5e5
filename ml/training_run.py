"""One training run: its data, its state, its folder, and what it tells the world."""

from __future__ import annotations

import argparse
import copy
import json
import logging
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
    check_moments,
    load_model,
    read_checkpoint,
    rebuild_model,
    replace_file,
    restore_generators,
    save_checkpoint,
    save_weights,
    trained_parts,
)
from ml.closeups import Closeups, CloseupSampler
from ml.config import (
    AUGMENT_STRENGTHS,
    EMOTIONS,
    NAME,
    PARTS,
    PLAIN_STRENGTH,
    CloseupConfig,
    ModelConfig,
    TrainConfig,
)
from ml.dataset import DatasetError, data_hash, find_split, spread
from ml.engine import NonFiniteLossError, evaluate
from ml.hard_negatives import teach_faces
from ml.hardware import most_memory_used
from ml.image_cache import build_cache
from ml.loss import closeup_loss, detection_loss
from ml.metrics import FrameResult, summarize
from ml.model import Detector, ServedGrid
from ml.pace import Pace, validations_without_gain
from ml.parallel import leaders_word, local_device, rank, workers
from ml.part import Part
from ml.precision import choose_precision
from ml.release import RESULTS, release
from ml.resuming import as_begun, differences
from ml.revision import git_revision
from ml.schedule import closeup_settings, draw_closeup_size, epoch_batches, steps_per_epoch
from ml.teachers import Teachers
from ml.training_data import read_data
from ml.validation import closeup_figures, closeup_logits, prepare_closeups, prepare_validation

log = logging.getLogger("ml.train")


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
        if options.resume and not (self.folder / "last.pt").exists():
            raise CheckpointError(f"{self.folder / 'last.pt'} does not exist: there is nothing to resume")
        self.precision = choose_precision(local_device(options.device), options.precision)
        self.git_revision = git_revision()
        self.history: list[dict[str, Any]] = []
        self.closeup_in_force: dict[str, float] | None = None
        self.best = dict.fromkeys(config.parts, -1.0)
        self.best_epoch = dict.fromkeys(config.parts, 0)

    def say(self, event: str, **values: Any) -> None:
        """A line for people on stderr, and with --json one for programs on stdout."""
        if not self.leads:
            return
        if self.options.json:
            print(json.dumps({"event": event, **values}), flush=True)
        if event not in ("step", "phase"):
            tqdm.write(
                f"{event}: " + ", ".join(f"{key} {_short(value)}" for key, value in values.items()),
                sys.stderr,
            )

    def load_data(self) -> None:
        """Read, check and decode the data sets. Raises DatasetError."""
        options, config = self.options, self.config
        self.say("phase", phase="reading")
        found = read_data(
            options.data_dir,
            options.valid_dir,
            votes=options.votes,
            strict=options.strict,
            leave_out=options.leave_out,
        )
        if "closeup" in config.parts and not any((sample.labels >= 0).any() for sample in found.train):
            raise DatasetError("none of the training images shows a face whose expression is known")
        cache = build_cache(
            found.train,
            soft_labels=config.soft_labels,
            memory_bytes=options.cache_gb * 1e9,
            progress=not options.json and self.leads,
        )
        found.leave_out(cache.broken, strict=options.strict)
        for folder, statistics in found.statistics().items():
            self.say("data", folder=folder, **statistics)
        self.valid_samples, self.test_samples = found.valid, found.test
        self.measured = spread(found.valid, options.valid_limit)
        self.data = found.description() | {"valid_hash": data_hash(self.measured)}
        self.cache = cache.to(self.precision.device)

    def build(self) -> None:
        """Make the nets and what trains them; load what --init-weights or --resume names."""
        config = self.config
        self.started_from: dict[str, Any] | None = None
        model = Detector(ModelConfig(closeup=CloseupConfig(widths=tuple(self.options.closeup_widths))))
        self.teachers = Teachers(self.options.teacher, self.precision)
        last = self.folder / "last.pt"
        content = read_checkpoint(last) if self.options.resume else None
        if content:  # nets as they were when the run began, whatever the defaults are by now
            model, _ = rebuild_model(content, last)
            config = self.config = as_begun(config, content)
        elif self.options.init_weights:
            model, card = load_model(self.options.init_weights)
            self.started_from = {key: value for key, value in card.items() if key not in RESULTS}
        if self.leads:
            if "grid" in config.parts:
                self.valid = prepare_validation(self.measured, config.image_size)
            if "closeup" in config.parts:
                self.valid_closeups = prepare_closeups(self.measured, model.config.closeup.size)
        self.model = model.to(self.precision.device)
        self.best_model = copy.deepcopy(self.model)
        """The best average of each part so far; a part that is not trained stays as it started."""
        self.parts = {name: getattr(self, f"_{name}_part")() for name in config.parts}
        self.epoch = 0
        if content:
            self._resume(content, last)
        elif self.leads:
            self._remove_earlier()

    def _remove_earlier(self) -> None:
        """What an earlier run left here must not pass for this run's."""
        for name in ("last.pt", "best.pt"):
            if (self.folder / name).exists():
                log.warning("removing %s, which an earlier run left here", self.folder / name)
                (self.folder / name).unlink()

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
        size = self.model.closeup.config.size
        sampler = CloseupSampler(self.cache, rare_share=self.config.rare_share)
        config = closeup_settings(self.config, len(sampler))
        self.closeup_in_force = {
            name: getattr(config, name) for name in ("closeup_batch", "lr", "ema_half_life")
        }
        log.info("the close-up net learns with %s", self.closeup_in_force)
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
            return closeup_loss(
                logits,
                batch.classes,
                batch.is_face,
                label_smoothing=config.label_smoothing,
                offsets=batch.offsets if config.discount_sources else None,
                taught=self.teachers.read(batch.images) if self.teachers.nets else None,
                teacher_share=config.teacher_share,
            )

        return Part(self.model.closeup, batches, loss_terms, steps, config, self.precision)

    def strength(self, epoch: int) -> float:
        """How strong the augmentation is in this epoch."""
        strength = AUGMENT_STRENGTHS[self.config.augment]
        is_plain = epoch >= self.config.epochs - self.config.plain_epochs
        return min(strength, PLAIN_STRENGTH) if is_plain else strength

    def _resume(self, content: dict[str, Any], path: Path) -> None:
        try:
            self.started_from = content["card"]["started_from"]
            differing = differences(content, self.config, self.data, self.teachers.description)
            known_widths = CloseupConfig().widths, self.model.config.closeup.widths
            if tuple(self.options.closeup_widths) not in known_widths:
                differing.append("closeup_widths")
            if self.options.init_weights and self.started_from is None:
                differing.append("init_weights")
            if differing:
                raise CheckpointError(
                    f"{path} belongs to a run with other settings or other data ({', '.join(differing)}): it "
                    "can't go on from it"
                )
            self.best_model.load_state_dict(content["state"])
            for name, part in self.parts.items():
                part.load_state_dict(content["parts"][name])
                check_moments(part.optimizer)
            self.epoch, self.history = int(content["epoch"]), [dict(row) for row in content["history"]]
            self.best = {name: float(content["best"][name]) for name in self.parts}
            self.best_epoch = {name: int(content["best_epoch"][name]) for name in self.parts}
            restore_generators(content["generators"])
        except torch.OutOfMemoryError:
            raise
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(repr(error).split())
            raise CheckpointError(f"{path} lacks what a run needs to go on: {reason}") from error
        if not self.leads:
            torch.manual_seed(self.config.seed + 1000 * rank() + self.epoch)

    def train(self) -> None:
        """Train to the last epoch, or until the figures have not risen for `patience` validations; a
        checkpoint, a row in metrics.jsonl and perhaps a new best after each. Raises DatasetError."""
        config = self.config
        steps = sum(part.steps for part in self.parts.values())
        self.pace = Pace(epochs=config.epochs, steps=steps, history=self.history)
        while self.epoch < config.epochs and not self.is_out_of_patience():
            started = time.monotonic()
            self.pace.start_epoch(self.epoch)
            self.say("phase", phase="training", epoch=self.epoch + 1)
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
                self.say("phase", phase="validating", epoch=self.epoch)
                row |= self.measure_and_keep_best()
            row["seconds"] = round(time.monotonic() - started, 2)
            self.history.append(row)
            self.save()
            self.pace.start_epoch(self.epoch)
            self.say("epoch", **row, **self.pace.report())
            self.check_that_data_are_there()

    def is_out_of_patience(self) -> bool:
        """Whether the last `patience` validations gave no part a better figure."""
        patience = self.config.patience
        if not patience:
            return False
        stale = leaders_word(validations_without_gain(self.history) >= patience, self.precision.device)
        if stale:
            log.info("no better figure for %d validations: the run ends with epoch %d", patience, self.epoch)
            self.say("early_stop", epoch=self.epoch, best_epoch=self.best_epoch)
        return stale

    def check_that_data_are_there(self) -> None:
        """What was learned can be measured only while the pictures are there: better to hear of it soon.

        Raises DatasetError.
        """
        folders = [*self.options.data_dir, *self.options.valid_dir]
        gone = [
            folder for folder in folders if not (find_split(folder, "train") or find_split(folder, "valid"))
        ]
        if gone or not all(sample.path.is_file() for sample in self.valid_samples):
            raise DatasetError(
                f"The pictures of {gone[0] if gone else 'a data set'} disappeared while the run was learning "
                f"from them. What it has learned up to epoch {self.epoch} is kept: put them back and resume "
                "the run."
            )

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
            if self.pace.step():
                self.say(
                    "step",
                    epoch=self.epoch + 1,
                    part=name,
                    step=step,
                    steps=part.steps,
                    losses={key: round(value, 4) for key, value in values.items()},
                    memory_bytes=most_memory_used(self.precision.device),
                    **self.pace.report(),
                )

        try:
            with bar:
                return part.train_epoch(self.epoch, on_step)
        except NonFiniteLossError:
            log.error("epoch %d of the %s net went wrong", self.epoch + 1, name)
            raise

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
            if score >= self.best[name]:
                getattr(self.best_model, name).load_state_dict(net.state_dict())
                self.best[name], self.best_epoch[name] = score, self.epoch
        return figures

    def save(self) -> None:
        replace_file(
            self.folder / "metrics.jsonl",
            lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in self.history)),
        )
        if max(self.best_epoch.values()):
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
                "best_epoch": self.best_epoch,
                "history": self.history,
            },
        )

    def card(self) -> dict[str, Any]:
        """Where a detector came from."""
        return {
            "name": NAME,
            "version": self.options.name,
            "emotions": list(EMOTIONS),
            "input_size": self.config.image_size,
            "model": self.model.config.to_dict(),
            "train": self.config.to_dict(),
            "closeup_in_force": self.closeup_in_force,
            "data": self.data,
            "seed": self.config.seed,
            "epoch": max(self.best_epoch.values()),
            "best_epoch": self.best_epoch,
            "started_from": self.started_from,
            "teachers": self.teachers.description,
            "git_revision": self.git_revision,
            "torch": str(torch.__version__),
            "device": str(self.precision.device),
        }

    def finish(self) -> None:
        """Calibrate, export and measure the best weights, and draw the run's figures.

        Half a detector is only saved, as a checkpoint to join. Raises ExportError.
        """
        if not self.leads:
            return
        if self.epoch == 0:
            raise Stopped("no epoch was finished: there is nothing to keep")
        self.check_that_data_are_there()
        if not max(self.best_epoch.values()):
            self.measure_and_keep_best()
        self.say("phase", phase="finishing")
        weights: Path = self.options.weights
        card = self.card()
        if trained_parts(card) != set(PARTS):
            save_weights(weights, self.best_model, card=card)
            self.say("done", pt=str(weights), run_dir=str(self.folder))
            return  # `ml.join` makes a whole detector of two halves
        places = teach_faces(
            self.best_model, self.cache, input_size=self.config.image_size, precision=self.precision
        )
        best = self.best_model.cpu().eval()
        card |= {"hard_negatives": places}
        _, results = release(
            best, weights, card=card, samples=self.valid_samples, test_samples=self.test_samples
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


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(
            f"{key}={_short(item)}" for key, item in value.items() if isinstance(item, (int, float))
        )
    return f"{value:.4g}" if isinstance(value, float) else str(value)
