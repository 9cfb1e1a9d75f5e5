"""Names that people give to things of theirs: which characters they may have."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_NAME = 80
# Control characters, halves of characters, breaks of lines and what turns the direction of the text after it.
UNWANTED = ("Cc", "Cs", "Zl", "Zp")
TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
# Space, what only shapes the text around it, marks without a letter, and letters that are drawn as nothing.
EMPTY = ("Zs", "Cf", "Mn", "Me")
BLANK = "\u115f\u1160\u2800\u3164\uffa0"


def check_name(name: str) -> None:
    """Raises Django's ValidationError for a name that can't be shown as it is, or can't be seen."""
    kinds = [unicodedata.category(sign) for sign in name]
    if any(kind in UNWANTED for kind in kinds) or TURNING & set(name):
        raise ValidationError(_("The name has characters that can't be shown."))
    if name and all(kind in EMPTY or sign in BLANK for kind, sign in zip(kinds, name, strict=True)):
        raise ValidationError(_("The name has nothing that can be seen."))
