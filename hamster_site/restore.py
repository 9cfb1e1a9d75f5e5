"""A site as a backup has it, in the place of the one that is here.

All files are unpacked and compared with the manifest before anything is replaced. Then the database goes over
at once or not at all, and the files after it; where that is cut off, the same restore again ends it.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from detector.models import ApiToken
from detector.services.relocation import relocate
from hamster_site.backup import ASIDE, CHUNK, FORMAT, MANIFEST, SECRET_KEY_FILE, Part, parts
from hamster_site.database_copies import FILES, load_database

STAGED, REPLACED = ASIDE


class RestoreError(Exception):
    """This backup can't be restored here; the message says why. Nothing has been replaced."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    made_at: str
    database: str
    migrations: frozenset[tuple[str, str]]
    folders: Mapping[str, str]
    sha256: Mapping[str, str]


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """What is in a backup. Raises RestoreError for one that does not fit this site."""
    try:
        read = json.loads(archive.read(MANIFEST))
        manifest = Manifest(
            made_at=read["made_at"],
            database=read["database"],
            migrations=frozenset((app, name) for app, name in read["migrations"]),
            folders=dict(read["folders"]),
            sha256=dict(read["sha256"]),
        )
        is_known = read["format"] == FORMAT
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RestoreError("This file is no backup of a site: it has no usable manifest.") from error
    if not is_known:
        raise RestoreError("This backup was made by another version of the site, in a format of its own.")
    if manifest.database != connection.vendor:
        raise RestoreError(
            f"This backup is of a site on {manifest.database}, and this one is on {connection.vendor}."
        )
    if FILES[connection.vendor] not in manifest.sha256:
        raise RestoreError("This backup has no database.")
    newer = manifest.migrations - set(MigrationLoader(None).disk_migrations)
    if newer:
        names = ", ".join(".".join(migration) for migration in sorted(newer)[:3])
        raise RestoreError(f"This backup is of a newer version of the site: it has the migrations {names}.")
    return manifest


def what_is_here() -> list[str]:
    """What a restore would replace, in words."""
    found = []
    try:
        if MigrationRecorder(connection).applied_migrations():
            found.append(f"the database {connection.settings_dict['NAME']}")
    except OperationalError as error:
        raise RestoreError(f"The database does not answer: {error}") from error
    for part in parts(with_datasets=True):
        if any(_children(part.root)):
            found.append(f"the files in {part.root}")
    return found


def restore(source: Path) -> Manifest:
    """Replace the site's database and files by those of a backup, and bring them to this version.

    Uploaded data sets are replaced if the backup has any. Raises RestoreError, CopyError, OSError.
    """
    with zipfile.ZipFile(source) as archive:
        manifest = read_manifest(archive)
        here = [part for part in parts(with_datasets=True) if part.name in manifest.folders]
        try:
            _restore(archive, manifest, here)
        finally:
            for part in here:
                shutil.rmtree(part.root / STAGED, ignore_errors=True)
    call_command("migrate", interactive=False, verbosity=0)
    # The longest first: one folder may be inside another.
    before = {part: Path(manifest.folders[part.name]) for part in here}
    relocate([(before[part], part.root) for part in sorted(here, key=lambda part: -len(str(before[part])))])
    return manifest


def end_all_access() -> None:
    """Sign everybody out, and revoke all API tokens: some that a backup has were ended after it was made."""
    Session.objects.all().delete()
    UserSession.objects.all().delete()
    ApiToken.objects.filter(revoked_at=None).update(revoked_at=timezone.now())


def _restore(archive: zipfile.ZipFile, manifest: Manifest, here: Iterable[Part]) -> None:
    var_dir = Path(settings.VAR_DIR)
    with tempfile.TemporaryDirectory(dir=var_dir, prefix="restore-") as name:
        places = {part.name: part.root / STAGED for part in here}
        for place in places.values():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        loose = Path(name)
        for inside, sha256 in manifest.sha256.items():
            top, *rest = PurePosixPath(inside).parts or ("..",)
            target = places[top].joinpath(*rest) if top in places and rest else loose.joinpath(top, *rest)
            if not target.is_relative_to(places.get(top, loose)) or ".." in target.parts:
                raise RestoreError(f"This backup has a file with the name {inside!r}.")
            _unpack(archive, inside, target, sha256)
        load_database(loose / FILES[connection.vendor])
        for part in here:
            _swap(part.root)
        if (loose / SECRET_KEY_FILE).is_file():
            (loose / SECRET_KEY_FILE).chmod(0o600)
            (loose / SECRET_KEY_FILE).replace(var_dir / SECRET_KEY_FILE)


def _unpack(archive: zipfile.ZipFile, inside: str, target: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with archive.open(inside) as content, target.open("wb") as copy:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                copy.write(chunk)
    except (KeyError, zipfile.BadZipFile, zipfile.zlib.error, EOFError) as error:
        raise RestoreError(f"This backup is damaged: {inside} can't be read.") from error
    if digest.hexdigest() != sha256:
        raise RestoreError(f"This backup is damaged: {inside} is not what the manifest says.")


def _children(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.name not in ASIDE] if root.is_dir() else []


def _swap(root: Path) -> None:
    """Put what is staged in a folder into the place of what is in it. The folder itself stays: a disk may be
    mounted there."""
    aside = root / REPLACED
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for path in _children(root):
        path.rename(aside / path.name)
    for path in (root / STAGED).iterdir():
        path.rename(root / path.name)
    shutil.rmtree(aside)
