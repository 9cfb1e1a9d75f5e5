"""What the schema says of addresses that are for staff."""

from drf_spectacular.utils import OpenApiResponse

from detector.api.serializers import ErrorSerializer

STAFF_ERRORS = {403: OpenApiResponse(ErrorSerializer, "not_authenticated, permission_denied (not staff)")}
STAFF_ROW_ERRORS = {**STAFF_ERRORS, 404: OpenApiResponse(ErrorSerializer, "not_found")}
