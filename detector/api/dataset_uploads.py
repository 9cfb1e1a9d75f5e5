"""Request bodies with a data set in them: the archive goes to a file beside where it is unpacked."""

from typing import IO, Any

from detector.api.batch_uploads import FolderUploadHandler
from detector.services.dataset_files import check_room


class ArchiveUploadHandler(FolderUploadHandler):
    """Takes in an archive there is room for. Raises `DiskFull`, before anything is read where it can."""

    def handle_raw_input(
        self, input_data: IO[bytes], meta: dict[str, Any], content_length: int, *args: Any, **kwargs: Any
    ) -> None:
        check_room(content_length)
