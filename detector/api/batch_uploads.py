"""Request bodies with a whole batch in them: each file goes to a temporary one, none is held in memory."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from rest_framework.parsers import DataAndFiles

from detector.api.parsers import PlainMultiPartParser
from detector.services.batch_intake import Incoming
from detector.services.batches import TooManyItems


class BatchMultiPartParser(PlainMultiPartParser):
    """A multipart body of many files. Raises `TooManyItems`."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        try:
            return super().parse(stream, media_type, parser_context)
        except TooManyFilesSent as error:
            raise TooManyItems() from error


class FolderUploadHandler(FileUploadHandler):
    """Writes each file of a request into `folder`, closes it, and calls it an `Incoming`.

    Django's own handler would keep them all open, and a process may not have thousands of files open.
    """

    def __init__(self, request: HttpRequest, folder: Path) -> None:
        super().__init__(request)
        self._folder = folder
        self._count = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._count += 1
        self._path = self._folder / str(self._count)
        self.file = self._path.open("wb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self.file.write(raw_data)
        except OSError:
            with suppress(OSError):  # or Django closes it and fails once more
                self.file.close()
            raise

    def file_complete(self, file_size: int) -> Incoming:
        self.file.close()
        return Incoming(self.file_name, self._path, may_be_moved=True)
