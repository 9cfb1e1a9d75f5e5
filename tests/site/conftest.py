"""What tests of the whole site share."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from detector.checks import RATES
from tests.site.house import House


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    """Rows of everything and the visitors, who may ask as often as they like.

    No static files are served: to look for them takes each new client longer than its requests.
    """
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HAMSTER = {**settings.HAMSTER, **dict.fromkeys(RATES, "")}
    settings.WHITENOISE_USE_FINDERS = False
    cache.clear()
    return House(tmp_path / "incoming")
