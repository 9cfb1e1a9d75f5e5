"""The OpenAPI schema: what every address of a kind may answer, said in one place.

A view names what is its own. What the machinery around it refuses (a token, a cursor, a body that can't be
read, one request too many) is added here, so that no status comes that the schema does not name.
"""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework.permissions import SAFE_METHODS, AllowAny

from detector.api.authentication import BearerToken
from detector.api.download_answers import AnyAccept
from detector.api.serializers import ErrorSerializer

REFUSALS = {
    "400": "invalid, parse_error",
    "401": "bad_token, token_expired, token_revoked, account_closed",
    "403": "not_authenticated, permission_denied (not allowed, or no CSRF token)",
    "404": "not_found",
    "406": "not_acceptable",
    "413": "request_too_large",
    "415": "unsupported_media_type",
    "429": "throttled",
}


class CompleteSchema(AutoSchema):
    """drf-spectacular's, with the refusals that a view does not name itself."""

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for status in self._refusals():
            if status not in bodies:
                said = OpenApiResponse(ErrorSerializer, REFUSALS[status])
                bodies[status] = self._get_response_for_code(said, status, direction=direction)
        return dict(sorted(bodies.items()))

    def _refusals(self) -> set[str]:
        has_body = self.method in ("POST", "PUT", "PATCH")
        asked = {one["name"] for one in self._get_parameters() if one["in"] == "query"} - {"cursor"}
        authenticators = self.view.get_authenticators()
        is_for_all = any(isinstance(one, AllowAny) for one in self.view.get_permissions())
        applies = {
            "400": bool(asked) or (has_body and self.get_request_serializer() is not None),
            "401": any(isinstance(one, BearerToken) for one in authenticators),
            "403": bool(authenticators) and not (is_for_all and self.method in SAFE_METHODS),
            "404": "{" in self.path or (self.method == "GET" and self._get_paginator() is not None),
            "406": self.view.content_negotiation_class is not AnyAccept,
            "413": has_body,
            "415": has_body,
            "429": bool(self.view.get_throttles()),
        }
        return {status for status, is_so in applies.items() if is_so}
