"""The signing key of a site that lives on one machine: made once, kept in a file only its owner can read."""

import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

HOW_TO_MAKE_ONE = "`python -c 'import secrets; print(secrets.token_hex(32))'` makes one."


def stored_secret_key(path: Path, *, create: bool) -> str:
    """The key in `path`; made there first when `create` and there is none.

    Raises ImproperlyConfigured when there is no key and none may be made.
    """
    if not path.is_file():
        if not create:
            raise ImproperlyConfigured(
                f"Set SECRET_KEY: processes that share a database must share this key. {HOW_TO_MAKE_ONE}"
            )
        _write_new_key(path)
    return path.read_text().strip()


def _write_new_key(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    draft = Path(name)
    with os.fdopen(descriptor, "w") as file:
        file.write(get_random_secret_key())
    try:
        os.link(draft, path)  # fails, unlike a rename, when another process was quicker
    except FileExistsError:
        pass
    finally:
        draft.unlink()
