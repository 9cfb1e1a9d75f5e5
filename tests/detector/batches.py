"""What tests hand in for a batch: pictures, archives good and bad."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from detector.models import BatchJob
from detector.selectors.batches import batches
from detector.services.batch_intake import Incoming
from tests.detector.pictures import encoded, scene

FACE = encoded(scene())
NO_FACE = encoded(scene(face=False))


def zipped(entries: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive with these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def incoming(folder: Path, **contents: bytes) -> list[Incoming]:
    """Files in `folder` as the services take them; `a_jpg=...` is a.jpg."""
    files = []
    for name, content in contents.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content)
        files.append(Incoming(path.name, path))
    return files


def send(client: Client, *files: tuple[str, bytes], key: str = ""):
    """POST the files as a batch, with a key to repeat it if one is given."""
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post("/api/batches/", {"files": uploads}, headers={"Idempotency-Key": key} if key else {})


def many(count: int, content: bytes = FACE) -> list[tuple[str, bytes]]:
    """So many pictures, 1.jpg and so on."""
    return [(f"{number}.jpg", content) for number in range(1, count + 1)]


def now(batch: BatchJob) -> BatchJob:
    """The batch as it is now, with its counts."""
    return batches().get(pk=batch.pk)
