"""Downloads: files made for the request, in the form that its address says."""

import tempfile
from collections.abc import Iterable
from typing import Any

from django.http import FileResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from detector.downloads import Format

LIST = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}
"""For the schema: a download in JSON."""


class AnyAccept(BaseContentNegotiation):
    """A download's form is said in its address, so the Accept header decides nothing."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def download(chosen: Format, rows: Iterable[Any], *, name: str) -> FileResponse:
    """The rows in the chosen form, as a file of this name and the form's ending."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    chosen.write(rows, file)
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=name + chosen.suffix, content_type=chosen.content_type
    )
