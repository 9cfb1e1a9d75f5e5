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
"""How many times as common an expression passes for at most that sources of a single expression alone have:
its share of all pictures is the size of those sources, and it would hardly be learned otherwise."""
SINGLE = 0.9
"""Share of one expression from which a source counts as one of that expression alone, and share of an
expression's faces from which such sources alone have it."""


def source_offsets(samples: Sequence[Sample]) -> np.ndarray:
    """Of each image, the log of how many times as common each expression is in its source as in all, [N, 9].

    Images have one source where they have one in manifest.csv and their names begin alike, up to the last
    dash before a number: what bears one name there was often gathered in several places.

    Added to a net's logits while it learns, and left out when it is used, they leave it nothing to gain from
    telling one source from another (Clark et al. 2019, "Don't take the easy way out", bias product; Menon et
    al. 2021, "Long-tail learning via logit adjustment").
    """
    names = [(sample.source, re.match(r"(\D*[_-])?", sample.path.stem)[0]) for sample in samples]  # type: ignore[index]
    faces = {name: np.zeros(len(EMOTIONS)) for name in names}
    for name, sample in zip(names, samples, strict=True):
        known = sample.labels[sample.labels >= 0]
        faces[name] += np.bincount(known, minlength=len(EMOTIONS)) if sample.votes is None else sample.votes
    mixed = [found for found in faces.values() if found.max() < SINGLE * found.sum()] or faces.values()
    common = np.sum(list(faces.values()), axis=0)
    common *= np.sum(list(mixed), axis=0) > (1 - SINGLE) * common
    shares = common.clip(min=1) / common.clip(min=1).sum()
    offsets = {}
    for name, found in faces.items():
        pull = max(PULL * found.sum(), LEAST_PULL)
        times = (found + pull * shares) / (found.sum() + pull) / shares
        times_alone = np.where(found >= SINGLE * found.sum(), times.clip(max=MOST), 1.0)
        offsets[name] = np.log(np.where(common > 0, times, times_alone))
    return np.array([offsets[name] for name in names], np.float32)
