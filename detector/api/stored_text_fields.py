"""Fields of texts that workers stored in English."""

from typing import Any

from rest_framework import serializers

from detector.stored_texts import translated


class StoredTextField(serializers.CharField):
    """A stored text, in the reader's language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: str) -> str:
        return translated(super().to_representation(value))
