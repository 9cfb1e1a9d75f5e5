"""The data sets of one training run, read and checked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.dataset import (
    DatasetError,
    Sample,
    Split,
    data_hash,
    find_broken,
    find_split,
    load_split,
    read_votes,
)

log = logging.getLogger("ml.train")


@dataclass
class RunData:
    """`splits` are the training images by folder, `votes` and `left_out` what was chosen besides."""

    splits: list[tuple[Path, Split]] = field(default_factory=list)
    valid: list[Sample] = field(default_factory=list)
    test: list[Sample] = field(default_factory=list)
    votes: str | None = None
    left_out: list[str] = field(default_factory=list)

    @property
    def train(self) -> list[Sample]:
        return [sample for _, split in self.splits for sample in split.samples]

    def leave_out(self, broken: Mapping[Path, str], *, strict: bool) -> None:
        """Make problems of the training images that do not decode; with `strict` raise them as
        DatasetError."""
        for data_dir, split in self.splits:
            split.leave_out(broken)
            if strict:
                split.refuse_problems(data_dir)

    def statistics(self) -> dict[str, dict[str, Any]]:
        """Counts of the training images, by folder."""
        return {str(data_dir): split.statistics() for data_dir, split in self.splits}

    def description(self) -> dict[str, Any]:
        """What goes into the card."""
        train = self.train
        description = {
            "folders": [data_dir.name for data_dir, _ in self.splits],
            "votes": self.votes,
            "train_images": len(train),
            "hash": data_hash(train),
        }
        return description | ({"left_out": self.left_out} if self.left_out else {})


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

    Faults of label files, and validation and test images that do not decode, are logged and left out; with
    `strict` they are raised. Training images are decoded later, once, by `ml.image_cache`. Raises
    DatasetError, also where a source to leave out is in no set.
    """
    data = RunData(votes=votes.name if votes else None, left_out=sorted(leave_out))
    vote_shares = read_votes(votes) if votes else {}
    missing = set(leave_out)
    for data_dir in data_dirs:
        split = load_split(data_dir, "train", strict=strict, votes=vote_shares)
        for problem in split.problems:
            log.warning("%s", problem)
        missing -= {sample.source for sample in split.samples}
        split.samples = [sample for sample in split.samples if sample.source not in leave_out]
        data.splits.append((data_dir, split))
    if votes and all(sample.votes is None for sample in data.train):
        log.warning("%s has no votes for any training image: nothing is learned from it", votes)
    if missing:
        raise DatasetError(f"no training image has the source {', '.join(sorted(missing))}")
    if leave_out and not data.train:
        raise DatasetError(f"no training image has another source than {', '.join(sorted(leave_out))}")
    valid_dirs = [*(path for path in data_dirs if find_split(path, "valid")), *valid_dirs]
    if not valid_dirs:
        raise DatasetError("none of the data sets has a folder valid/images: nothing to measure the run on")
    for data_dir in valid_dirs:
        data.valid += _read_to_measure(data_dir, "valid", strict=strict)
    for data_dir in data_dirs:
        if find_split(data_dir, "test"):
            data.test += _read_to_measure(data_dir, "test", strict=strict)
    if not data.valid:
        raise DatasetError("none of the validation images can be decoded: nothing to measure the run on")
    return data


def _read_to_measure(data_dir: Path, name: str, *, strict: bool) -> list[Sample]:
    split = load_split(data_dir, name, strict=strict)
    split.leave_out(find_broken(split.samples))
    if strict:
        split.refuse_problems(data_dir)
    for problem in split.problems:
        log.warning("%s", problem)
    folder = data_dir.resolve().name
    return [replace(sample, source=sample.source or folder) for sample in split.samples]
