"""Static files as they are served: compressed, and under a name with a hash of the content.

So a browser keeps them for good and still sees every change at once. `manage.py up` collects them when they
have changed.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

# The pages of the API's documentation come with a bundle of 1.6 MB; looking for imports in it takes seconds.
THIRD_PARTY = "drf_spectacular_sidecar/"
UNUSED = ("redoc", "rest_framework", "*.map")
MARK = "collected"


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Files of ours and of the admin by hashed names, the rest by plain ones; all compressed.

    Without a manifest, as in a web process that was started before anything was collected, all are plain.
    """

    support_js_module_import_aggregation = True
    # A pass for each step of the longest chain of imports.
    max_post_process_passes = 20

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[tuple[str, str | None, Any]]:
        """Hash and compress what was copied; yields (name, name of the result, whether it was done)."""
        plain = [name for name in paths if name.startswith(THIRD_PARTY)]
        yield from super().post_process(
            {name: found for name, found in paths.items() if name not in plain}, **options
        )
        for name, compressed in self.compress_files(plain):
            yield name, compressed, True

    def stored_name(self, name: str) -> str:
        """The hashed name of a file that was collected, else the name itself."""
        try:
            return super().stored_name(name)
        except ValueError:
            return name


def collect_changed() -> bool:
    """Collect the static files unless they are those of the last time; whether there was anything to do."""
    mark = Path(settings.STATIC_ROOT) / MARK
    signature = _signature()
    if mark.is_file() and mark.read_text(encoding="ascii") == signature:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=list(UNUSED))
    mark.write_text(signature, encoding="ascii")
    return True


def _signature() -> str:
    """Names, sizes and times of all files that there are to collect."""
    digest = hashlib.sha256(f"{django.__version__} {Path(__file__).stat().st_mtime_ns}".encode())
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            status = os.stat(storage.path(name))  # noqa: PTH116
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
