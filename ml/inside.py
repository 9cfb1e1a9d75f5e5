"""Files of a data set: none is opened that lies outside of its folder, is no file, or is endless."""

from pathlib import Path

MOST_BYTES = 64 * 2**20
"""Of a picture."""


class UnusableFile(Exception):
    """Not a file that can be read whole; the message says why."""


class OutsideFile(UnusableFile):
    """A link that leads out of the data set."""


def read_inside(path: Path, root: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """What a file inside `root`, a resolved path, holds. Raises OutsideFile, UnusableFile, OSError."""
    try:
        real = path.resolve()
        if not real.is_relative_to(root):
            raise OutsideFile("A link to a file outside of the data set.")
        if not real.is_file():
            raise UnusableFile("Not a file.")
        if real.stat().st_size > most_bytes:
            raise UnusableFile(f"The file has more than {most_bytes} bytes.")
        return real.read_bytes()
    except (RuntimeError, ValueError) as error:  # links that lead in circles; names that can't be
        raise UnusableFile(f"It can't be read: {error}") from error
