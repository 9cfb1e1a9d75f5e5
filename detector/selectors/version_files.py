"""Reads: the files of a detector version, to hand out."""

import hashlib
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext

from detector.errors import HamsterError
from detector.models import DetectorVersion
from detector.selectors.checkpoints import checkpoint_of


class FileMissing(HamsterError):
    """A version's file is not on this server."""

    code = "file_missing"
    status = 404


class FileChanged(HamsterError):
    """The file is another than the one that was registered."""

    code = "file_changed"
    status = 409


def open_onnx(version: DetectorVersion) -> BinaryIO:
    """The file that was registered. Raises FileMissing, FileChanged."""
    file = _open(version, Path(version.onnx.path) if version.onnx else None, ".onnx")
    if hashlib.file_digest(file, "sha256").hexdigest() != version.sha256:
        file.close()
        said = gettext("The file of the detector {name} is damaged: it has another SHA-256 than it should.")
        raise FileChanged(said.format(name=version.name), details={"sha256": version.sha256})
    file.seek(0)
    return file


def open_checkpoint(version: DetectorVersion) -> BinaryIO:
    """The checkpoint that training can go on from. Raises FileMissing."""
    return _open(version, checkpoint_of(version), ".pt")


def _open(version: DetectorVersion, path: Path | None, form: str) -> BinaryIO:
    try:
        if path is not None:
            return path.open("rb")
    except OSError as error:
        raise _missing(version, form) from error
    raise _missing(version, form)


def _missing(version: DetectorVersion, form: str) -> FileMissing:
    said = gettext("The {form} file of the detector {name} is not on this server.")
    return FileMissing(said.format(form=form, name=version.name))
