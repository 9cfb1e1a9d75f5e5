"""Request bodies: refused by their declared size before anything is parsed."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import IO, Any

from django.utils.http import parse_header_parameters
from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser

from detector.conf import config
from detector.errors import HamsterError

# Room for everything in a body that is not the picture: boundaries, field names, JSON.
OVERHEAD_BYTES = 16 * 1024
MAX_JSON_VALUES = 1000


class UploadTooLarge(HamsterError):
    """A picture over the limit of bytes."""

    code = "image_too_large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            gettext("The image is too large; at most {limit} bytes are accepted.").format(limit=limit),
            details={"max_bytes": limit},
        )


def base64_length(size: int) -> int:
    """How many characters `size` bytes take in base64."""
    return -(-size // 3) * 4


class PlainMultiPartParser(MultiPartParser):
    """A multipart body in UTF-8. Raises `ParseError`."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        check_charset(media_type)
        return super().parse(stream, media_type, parser_context)


class PictureMultiPartParser(PlainMultiPartParser):
    """The same of at most `upload_max_bytes`. Raises `UploadTooLarge`, `ParseError`."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        _check_length(parser_context, config.upload_max_bytes)
        return super().parse(stream, media_type, parser_context)


class CropMultiPartParser(PlainMultiPartParser):
    """The same of at most `correction_max_bytes`. Raises `UploadTooLarge`, `ParseError`."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        _check_length(parser_context, config.correction_max_bytes)
        return super().parse(stream, media_type, parser_context)


class ShortJSONParser(JSONParser):
    """A JSON body in UTF-8 with few values. Raises `ParseError`.

    Millions of small values would take a hundred times the body's size once parsed, and some of the encodings
    that a request may name take minutes to read: neither is tried.
    """

    max_values = MAX_JSON_VALUES

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        check_charset(media_type)
        body = stream.read()
        if sum(body.count(mark) for mark in b",[{") > self.max_values:
            raise ParseError(f"The JSON holds more than {self.max_values} values.")
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class PictureJSONParser(ShortJSONParser):
    """The same with room for `upload_max_bytes` in base64. Raises `UploadTooLarge`, `ParseError`."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_length(parser_context, config.upload_max_bytes, sent_as=base64_length)
        return super().parse(stream, media_type, parser_context)


def check_charset(media_type: str | None) -> None:
    """Raises `ParseError` for any but UTF-8.

    Python decodes other encodings that are named, and some take minutes for a few hundred kilobytes.
    """
    charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise ParseError("Only UTF-8 is accepted.")


def _check_length(
    parser_context: Mapping[str, Any] | None, limit: int, *, sent_as: Callable[[int], int] = int
) -> None:
    declared = parser_context["request"].META.get("CONTENT_LENGTH") if parser_context else None
    if declared and int(declared) > sent_as(limit) + OVERHEAD_BYTES:
        raise UploadTooLarge(limit)
