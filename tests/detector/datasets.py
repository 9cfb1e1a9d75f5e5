"""Data sets for tests: drawn by code, good and bad, as folders and as archives."""

import io
import zipfile
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from detector.models import Dataset
from detector.services.dataset_checks import carry_out_check, claim_check
from tests.ml.drawn_faces import make_dataset


def files_of(root: Path, top: str = "") -> list[tuple[str, bytes]]:
    """Names (below `top`) and contents of everything in a folder."""
    return [
        (f"{top}{path.relative_to(root)}", path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


def drawn(root: Path, *, train: int = 9, valid: int = 9) -> Path:
    """A good data set of 64x64 pictures, all nine expressions in turn."""
    return make_dataset(root, train=train, valid=valid, size=64)


def zip_file(
    path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    """A zip archive with these names and contents."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            entry = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(entry, content, method)
    return path


def upload(client: Client, archive: bytes, name: str = "drawn"):
    """POST an archive as a data set."""
    return client.post("/api/datasets/", {"name": name, "file": SimpleUploadedFile("set.zip", archive)})


def check(dataset: Dataset) -> Dataset:
    """Do what a worker does, and return the data set as it is then."""
    claimed = claim_check(dataset_id=dataset.pk)
    assert claimed is not None
    assert carry_out_check(dataset=claimed)
    dataset.refresh_from_db()
    return dataset


def zipped_set(root: Path) -> bytes:
    """A small good data set as an archive's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files_of(drawn(root)):
            archive.writestr(name, content)
    return buffer.getvalue()
