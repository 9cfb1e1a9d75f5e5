"""What a training run leaves: a candidate detector version, evaluated on the data sets of the run."""

import json
import logging
from pathlib import Path
from typing import Any

from detector.models import DetectorVersion, TrainingRun
from detector.services.evaluations import EvaluationIsOpen, request_evaluation
from detector.services.versions import register_version
from ml.dataset import find_split

logger = logging.getLogger(__name__)
MEASURED_SPLITS = ("valid", "test")


def keep_result(*, run: TrainingRun, done: dict[str, Any]) -> DetectorVersion:
    """Register the detector that the run's last word, `done`, names, and queue its evaluations.

    Its card has the figures that the run itself measured. Raises VersionError, OSError, ValueError, KeyError.
    """
    version = register_version(
        onnx=Path(done["onnx"]),
        source=DetectorVersion.Source.TRAINING,
        name=run.name,
        card=json.loads(Path(done["card"]).read_text()),
        actor=run.owner,
    )
    for dataset in run.datasets.all():
        for split in MEASURED_SPLITS:
            if find_split(Path(dataset.folder), split):
                try:
                    request_evaluation(version=version, dataset=dataset, owner=run.owner, split=split)
                except EvaluationIsOpen:
                    logger.info("%s is being evaluated on %s already", version, dataset)
    return version
