"""What the API takes and gives of tokens."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext
from rest_framework import serializers

from detector.models import ApiToken
from detector.names import MAX_NAME, check_name


class ApiTokenSerializer(serializers.ModelSerializer):
    """A token without its text, which nobody has any more."""

    state = serializers.ChoiceField(ApiToken.State.choices, read_only=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "state", "created_at", "expires_at", "revoked_at", "last_used_at"]


class NewApiTokenSerializer(ApiTokenSerializer):
    """The same with its text, for the only time."""

    token = serializers.CharField(read_only=True)

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "token"]


class ApiTokenWishSerializer(serializers.Serializer):
    """What a new token is to be."""

    name = serializers.CharField(max_length=MAX_NAME, validators=[check_name], help_text="What it is for.")
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null: it does not expire."
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError(gettext("That time is over already."))
        return value
