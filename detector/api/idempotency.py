"""The header with which a request whose answer was lost can be sent again."""

from drf_spectacular.utils import OpenApiParameter

KEY_HEADER = "Idempotency-Key"
KEY_PARAMETER = OpenApiParameter(
    KEY_HEADER,
    str,
    OpenApiParameter.HEADER,
    description="32 to 128 letters, digits, - and _, drawn at random: the same request once more with the "
    "same key gets the same answer, secrets and all, and nothing is kept twice.",
)
