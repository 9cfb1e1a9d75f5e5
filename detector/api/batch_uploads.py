"""Request bodies with a whole batch in them: each file goes to a temporary one, none is held in memory."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase
from rest_framework.parsers import DataAndFiles
from rest_framework.request import Request

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


class LendsFolder:
    """A view whose uploads are written into a folder of the request's own, which is gone after the answer."""

    upload_handler: type[FolderUploadHandler]
    request_folder: Callable[[], AbstractContextManager[str]]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._afterwards:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Not before it is a view's request: a folder that can't be made is then an answer of its shape."""
        if request.method == "POST":
            folder = Path(self._afterwards.enter_context(self.request_folder()))
            request._request.upload_handlers = [self.upload_handler(request._request, folder)]
        super().initial(request, *args, **kwargs)
