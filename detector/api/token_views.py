"""API tokens over REST: one's own ones."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from detector.api.pagination import NewestFirst
from detector.api.serializers import ErrorSerializer
from detector.api.token_serializers import (
    ApiTokenSerializer,
    ApiTokenWishSerializer,
    NewApiTokenSerializer,
)
from detector.models import ApiToken
from detector.selectors.tokens import tokens_of
from detector.services.tokens import TokenCantMakeTokens, make_token, revoke_token

OWN_ERRORS = {
    401: OpenApiResponse(ErrorSerializer, "bad_token, token_expired, token_revoked, account_closed"),
    403: OpenApiResponse(ErrorSerializer, "not_authenticated, permission_denied (no CSRF token)"),
    429: OpenApiResponse(ErrorSerializer, "throttled"),
}
ROW_ERRORS = {**OWN_ERRORS, 404: OpenApiResponse(ErrorSerializer, "not_found: none of yours")}


class OwnTokens(GenericAPIView):
    """What the views have in common: they see the tokens of who calls, and no others."""

    serializer_class = ApiTokenSerializer

    def get_queryset(self) -> QuerySet[ApiToken]:
        return tokens_of(owner=self.request.user)


class TokenListView(OwnTokens, ListAPIView):
    """Your tokens, newest first."""

    pagination_class = NewestFirst

    @extend_schema(operation_id="list_tokens", responses={200: ApiTokenSerializer(many=True), **OWN_ERRORS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="create_token",
        description="Make a token. The answer holds its text, for the only time. A token can't make tokens.",
        request=ApiTokenWishSerializer,
        responses={
            201: NewApiTokenSerializer,
            **OWN_ERRORS,
            400: OpenApiResponse(ErrorSerializer, "invalid, parse_error"),
            403: OpenApiResponse(ErrorSerializer, "not_authenticated, permission_denied, sign_in_needed"),
            409: OpenApiResponse(ErrorSerializer, "too_many_tokens"),
        },
    )
    def post(self, request: Request) -> Response:
        if request.auth is not None:
            raise TokenCantMakeTokens()
        wish = ApiTokenWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        token, text = make_token(owner=request.user, **wish.validated_data)
        answer = ApiTokenSerializer(token).data | {"token": text}
        return Response(answer, 201, headers={"Cache-Control": "no-store"})


class TokenView(OwnTokens):
    """One of your tokens."""

    @extend_schema(operation_id="read_token", responses={200: ApiTokenSerializer, **ROW_ERRORS})
    def get(self, request: Request, pk: int) -> Response:
        return Response(ApiTokenSerializer(self.get_object()).data)

    @extend_schema(
        operation_id="revoke_token",
        description="Revoke the token: from now on it opens nothing.",
        responses={204: None, **ROW_ERRORS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        revoke_token(token=self.get_object())
        return Response(status=204)
