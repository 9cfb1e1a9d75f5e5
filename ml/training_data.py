"""The data sets of one training run, read and checked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.dataset import DatasetError, Sample, data_hash, find_split, load_split, read_votes

log = logging.getLogger("ml.train")


@dataclass
class RunData:
    """`description` goes into the card; `statistics` are counts by folder of the training images."""

    train: list[Sample] = field(default_factory=list)
    valid: list[Sample] = field(default_factory=list)
    test: list[Sample] = field(default_factory=list)
    statistics: dict[str, dict[str, Any]] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)


def read_data(
    data_dirs: Sequence[Path],
    valid_dirs: Sequence[Path],
    *,
    votes: Path | None,
    strict: bool,
    leave_out: Sequence[str] = (),
) -> RunData:
    """Training images of `data_dirs` but for those whose source (in manifest.csv) `leave_out` names;
    validation images of those of them that have any, whatever their source, and of `valid_dirs`; test images
    of those that have any.

    Faults of label files are logged. Raises DatasetError, also where a source to leave out is in no set.
    """
    data = RunData()
    vote_shares = read_votes(votes) if votes else {}
    missing = set(leave_out)
    for data_dir in data_dirs:
        split = load_split(data_dir, "train", strict=strict, votes=vote_shares)
        for problem in split.problems:
            log.warning("%s", problem)
        missing -= {sample.source for sample in split.samples}
        split.samples = [sample for sample in split.samples if sample.source not in leave_out]
        data.train += split.samples
        data.statistics[str(data_dir)] = split.statistics()
    if missing:
        raise DatasetError(f"no training image has the source {', '.join(sorted(missing))}")
    for data_dir in [*(path for path in data_dirs if find_split(path, "valid")), *valid_dirs]:
        data.valid += _read_to_measure(data_dir, "valid", strict=strict)
    for data_dir in data_dirs:
        if find_split(data_dir, "test"):
            data.test += _read_to_measure(data_dir, "test", strict=strict)
    if not data.valid:
        raise DatasetError("none of the data sets has a folder valid/images: nothing to measure the run on")
    data.description = {
        "folders": [path.name for path in data_dirs],
        "votes": votes.name if votes else None,
        "train_images": len(data.train),
        "hash": data_hash(data.train),
    }
    if leave_out:
        data.description["left_out"] = sorted(leave_out)
    return data


def _read_to_measure(data_dir: Path, name: str, *, strict: bool) -> list[Sample]:
    split = load_split(data_dir, name, strict=strict)
    for problem in split.problems:
        log.warning("%s", problem)
    folder = data_dir.resolve().name
    return [replace(sample, source=sample.source or folder) for sample in split.samples]
