"""`manage.py train --dataset NAME`: queue a training run for the site's worker and follow it to its end."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from detector.errors import HamsterError
from detector.management.command import ExactCommand
from detector.models import Dataset, DetectorVersion, TrainingRun
from detector.selectors.training import queue_place
from detector.services.training import queue_training_run
from detector.training_forms import default_name
from ml.config import AUGMENT_STRENGTHS

LOOK_INTERVAL = 1.0  # seconds
SETTINGS = {
    "epochs": int,
    "image_size": int,
    "batch_size": int,
    "learning_rate": float,
    "seed": int,
    "patience": int,
    "device": str,
}


class Command(ExactCommand):
    """See the module."""

    help = "Queue a training run for the site's training worker and follow it to its end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="again for more")
        parser.add_argument(
            "--data-dir",
            action="append",
            default=[],
            type=Path,
            help="a folder in YOLO layout; again for more",
        )
        parser.add_argument("--start-from", metavar="VERSION", help="detector version to learn on from")
        parser.add_argument("--name", help="of the run and of the version that it makes")
        parser.add_argument("--augment", choices=tuple(AUGMENT_STRENGTHS))
        for name, kind in SETTINGS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
        parser.add_argument("--no-follow", action="store_true", help="return as soon as it is queued")

    def handle(
        self,
        *,
        dataset: list[str],
        data_dir: list[Path],
        start_from: str | None,
        name: str | None,
        **options: Any,
    ) -> None:
        chosen = {key: options[key] for key in (*SETTINGS, "augment") if options[key] is not None}
        run = TrainingRun(name=name or default_name(), data_dirs=[str(path) for path in data_dir], **chosen)
        if start_from:
            run.start_from = _named(DetectorVersion, start_from)
        try:
            queue_training_run(run=run, owner=None, datasets=[_named(Dataset, each) for each in dataset])
        except HamsterError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"training run {run.pk}, {run.name}, is queued; its folder is {run.run_dir}")
        if not options["no_follow"]:
            self._follow(run.pk)

    def _follow(self, pk: int) -> None:
        said = ""
        while True:
            run = TrainingRun.objects.select_related("version").filter(pk=pk).first()
            if run is None:
                raise CommandError("The training run was deleted.")
            line = _describe(run)
            if line != said:
                said = line
                self.stdout.write(line)
            if run.finished_at is not None:
                break
            try:
                time.sleep(LOOK_INTERVAL)
            except KeyboardInterrupt:
                self.stdout.write(
                    "The run goes on without this command; its page has the button to cancel it."
                )
                return
        if run.status != TrainingRun.Status.SUCCEEDED:
            raise CommandError(f"Training {run.status}. {run.error}".strip())
        self.stdout.write(f"detector version {run.version} is a candidate; manage.py promote puts it live")


def _named(model: type[Dataset | DetectorVersion], name: str) -> Any:
    row = model.objects.filter(name=name).first()
    if row is None:
        known = ", ".join(model.objects.values_list("name", flat=True)[:20]) or "none"
        raise CommandError(f"There is no {model._meta.verbose_name} {name!r}; there are: {known}.")
    return row


def _describe(run: TrainingRun) -> str:
    if (place := queue_place(run)) is not None:
        return f"queued: number {place} in line"
    report = run.report
    if run.status != TrainingRun.Status.RUNNING or "phase" not in report:
        return run.status
    epoch = f", epoch {report['epoch']} of {run.epochs}" if "epoch" in report else ""
    left = report.get("seconds_left")
    return f"{report['phase']}{epoch}, {run.progress:.0%}" + (f", about {left:.0f} s left" if left else "")
