"""Pictures that look alike: near-duplicates between the splits of a data set.

A picture's signature is its 9x8 grey thumbnail. Comparing neighbours in it gives a difference hash of 64 bits
(dHash, N. Krawetz, "Kind of like that", 2013), which survives other sizes, qualities and brightnesses; of two
pictures with hashes close to each other the thumbnails have to agree too, or plain ones would all be alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 9, 8
MARGIN = 3
"""Levels of 255 by which a neighbour has to be brighter: plain backgrounds would give bits of noise."""
MOST_BITS = 8
"""Bits of 64 by which the hashes of two pictures that look alike may differ."""
MOST_GREY = 4.0
"""Mean difference of their thumbnails, in levels of 255, after their mean brightness is taken away."""
CELLS = 5_000_000
"""Comparisons made in one go: 40 MB."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A picture of one split and the one in another that it looks like: indices, and bits between them."""

    first: int
    second: int
    bits: int


def signature(image: Image.Image) -> np.ndarray:
    """The grey thumbnail of a picture, uint8 [72]."""
    small = image.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8).reshape(-1)


def hashes(signatures: np.ndarray) -> np.ndarray:
    """Signatures uint8 [n, 72] -> difference hashes uint64 [n]."""
    grey = signatures.reshape(-1, HEIGHT, WIDTH).astype(np.int16)
    bits = (grey[:, :, 1:] - grey[:, :, :-1] > MARGIN).reshape(-1, 64)
    return np.packbits(bits, axis=1).view(np.uint64).reshape(-1)


def find_twins(
    first: np.ndarray,
    second: np.ndarray,
    *,
    on_step: Callable[[float], None] = lambda share: None,
    most_bits: int = MOST_BITS,
    most_grey: float = MOST_GREY,
) -> list[Twin]:
    """For each signature [72] of `first` [n, 72] the nearest in `second` [m, 72], where one looks alike.

    Compares all with all, 64 bits at a time: 45,000 with 5,000 takes about a second. `on_step` hears how far
    it is, 0 to 1.
    """
    found: list[Twin] = []
    for index, close, bits, apart in _close_ones(first, second, most_bits, on_step):
        best = int(apart.argmin())
        if apart[best] <= most_grey:
            found.append(Twin(index, int(close[best]), int(bits[best])))
    return found


def group_alike(
    signatures: np.ndarray, *, most_bits: int = MOST_BITS, most_grey: float = MOST_GREY
) -> list[int]:
    """For each signature [72] of `signatures` [n, 72] the index of the first one of its group: of all that it
    looks like, directly or by others in between."""
    first = list(range(len(signatures)))

    def first_of(index: int) -> int:
        while first[index] != index:
            index = first[index]
        return index

    for _, close, _, apart in _close_ones(signatures, signatures, most_bits):
        firsts = {first_of(int(other)) for other in close[apart <= most_grey]}  # itself is among them
        for other in firsts:
            first[other] = min(firsts)
    return [first_of(index) for index in range(len(first))]


def _close_ones(
    first: np.ndarray,
    second: np.ndarray,
    most_bits: int,
    on_step: Callable[[float], None] = lambda share: None,
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Indices of `first` with close hashes in `second`: the indices of those, bits [k] and grey levels [k]
    between."""
    if not len(first) or not len(second):
        return
    ours, theirs = hashes(first), hashes(second)
    rows = max(1, CELLS // len(theirs))
    for start in range(0, len(ours), rows):
        bits = np.bitwise_count(ours[start : start + rows, None] ^ theirs[None])
        for row in np.flatnonzero(bits.min(axis=1) <= most_bits):
            close = np.flatnonzero(bits[row] <= most_bits)
            yield start + int(row), close, bits[row, close], _grey_distance(first[start + row], second[close])
        on_step(min(1.0, (start + rows) / len(ours)))


def _grey_distance(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    one, others = one.astype(np.float32), others.astype(np.float32)
    return np.abs((others - others.mean(axis=1, keepdims=True)) - (one - one.mean())).mean(axis=1)


def stack(signatures: Sequence[np.ndarray]) -> np.ndarray:
    """Signatures as one array [n, 72]; n may be 0."""
    return np.array(signatures, dtype=np.uint8).reshape(-1, WIDTH * HEIGHT)
