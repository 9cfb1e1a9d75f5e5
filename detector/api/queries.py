"""What is asked for in an address, after its question mark."""

from typing import Any

from django.http import QueryDict
from rest_framework import serializers


class QuerySerializer(serializers.Serializer):
    """Takes `?emotion=` for an expression that there is not. A form's empty field would be left out, and
    `DELETE /api/predictions/?emotion=` delete them all."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        return super().to_internal_value(data.dict() if isinstance(data, QueryDict) else data)
