"""What the source of a picture tells of its expression, so that a net need not learn to tell sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ml.config import EMOTIONS
from ml.dataset import Sample

PULL = 0.1
"""A source's shares of expressions are pulled towards those of all pictures, as if it had this many times its
own faces more. Otherwise a source of one expression alone would teach nothing."""
LEAST_PULL = 100
"""Faces more that it has at least: a few faces tell little of their source."""
MOST = 3.0
"""How many times as common an expression passes for at most if it is in one source alone: it would not be
learned otherwise."""


def source_offsets(samples: Sequence[Sample]) -> np.ndarray:
    """Of each image, the log of how many times as common each expression is in its source as in all, [N, 9].

    Images have one source where they have one in manifest.csv and their names begin alike, up to the last
    dash before a number: what bears one name there was often gathered in several places.

    Added to a net's logits while it learns, and left out when it is used, they leave it nothing to gain from
    telling one source from another (Clark et al. 2019, "Don't take the easy way out", bias product; Menon et
    al. 2021, "Long-tail learning via logit adjustment").
    """
    names: list[tuple[str, str]] = [
        (sample.source, re.match(r"(\D*[_-])?", sample.path.stem)[0]) for sample in samples
    ]  # type: ignore[index]
    faces = {name: np.zeros(len(EMOTIONS)) for name in names}
    for name, sample in zip(names, samples, strict=True):
        known = sample.labels[sample.labels >= 0]
        faces[name] += np.bincount(known, minlength=len(EMOTIONS)) if sample.votes is None else sample.votes
    total = sum(faces.values(), np.zeros(len(EMOTIONS)))
    shares = total.clip(min=1) / total.clip(min=1).sum()
    by_source = {
        source: sum(found for (of, _), found in faces.items() if of == source) for source, _ in names
    }
    most = np.where(np.max(list(by_source.values()), axis=0) == total, MOST, np.inf)
    offsets = {}
    for name, found in faces.items():
        pull = max(PULL * found.sum(), LEAST_PULL)
        times = (found + pull * shares) / (found.sum() + pull) / shares
        offsets[name] = np.log(times.clip(max=most))
    return np.array([offsets[name] for name in names], np.float32)
