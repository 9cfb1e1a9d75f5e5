"""How values lie in the cache: as JSON, so that what somebody writes into Redis is never more than data."""

import json
from typing import Any


class JsonSerializer:
    """In the place of Django's, which unpickles, and so runs, whatever it finds there."""

    def dumps(self, value: Any) -> int | str:
        """The value for Redis; whole numbers as they are, so that Redis can count with them."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, data: bytes) -> Any:
        """The value again. Raises ValueError for what is no JSON."""
        return json.loads(data)
