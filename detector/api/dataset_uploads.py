"""Request bodies with a data set in them: the archive goes to a file beside where it is unpacked."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import DataAndFiles, MultiPartParser

from detector.api.batch_uploads import FolderUploadHandler
from detector.api.parsers import check_charset
from detector.services.dataset_files import check_room


class ArchiveUploadHandler(FolderUploadHandler):
    """Takes in an archive there is room for. Raises `DiskFull`, before anything is read where it can."""

    def handle_raw_input(
        self, input_data: IO[bytes], meta: dict[str, Any], content_length: int, *args: Any, **kwargs: Any
    ) -> None:
        check_room(content_length)


class DatasetMultiPartParser(MultiPartParser):
    """A multipart body in UTF-8."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        check_charset(media_type)
        return super().parse(stream, media_type, parser_context)
