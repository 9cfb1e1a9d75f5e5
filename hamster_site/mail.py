"""Mail where there is no mail server: shown where the site runs."""

import sys
from typing import Any

from django.core.mail.backends.console import EmailBackend


class PrintedMail(EmailBackend):
    """Prints each mail on stderr, beside the log: `manage.py up` shows nothing else of its processes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "stream": sys.stderr})
