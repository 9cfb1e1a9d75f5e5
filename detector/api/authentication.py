"""Who calls the API: a program by its token, a page by its session."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request

from detector.addresses import address_of_request
from detector.api.throttles import TooOften
from detector.models import ApiToken
from detector.services.tokens import BadToken, token_in
from detector.token_entry import enter_with_token


class Unauthorized(APIException):
    """A token that opens nothing: always 401, whoever else might have been let in."""

    status_code = 401
    auth_header = 'Bearer error="invalid_token"'

    def __init__(self, error: BadToken) -> None:
        super().__init__(error.message, error.code)


class BearerToken(authentication.BaseAuthentication):
    """`Authorization: Bearer hamster_...`. Strangers, who send nothing, are still answered 403."""

    def authenticate(self, request: Request) -> tuple[object, ApiToken] | None:
        """The account and the token. Raises Unauthorized, or Throttled after too many bad ones."""
        try:
            text = token_in(request.headers.get("Authorization", ""))
            if text is None:
                return None
            address = address_of_request(request)
            token = enter_with_token(text, address=address)
        except TooOften as error:
            raise Throttled(error.retry_after) from error
        except BadToken as error:
            raise Unauthorized(error) from error
        return token.owner, token


class HarmlessSession(authentication.SessionAuthentication):
    """For addresses that change nothing: no CSRF token is needed to be counted as who one is."""

    def enforce_csrf(self, request: Request) -> None:
        """Nothing to protect."""


class BearerTokenScheme(OpenApiAuthenticationExtension):
    """What the schema says of it."""

    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of your account, made at /account/tokens/.",
        }
