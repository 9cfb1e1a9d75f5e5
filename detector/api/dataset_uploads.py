"""Request bodies with a data set in them: the archive goes to a file beside where it is unpacked."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import DataAndFiles, MultiPartParser

from detector.api.parsers import check_charset


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
