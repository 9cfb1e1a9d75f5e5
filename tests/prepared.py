"""What every site makes at its first start, made once for a process of tests and copied by its sites.

tests/site/test_up.py starts sites from nothing, as a stranger does.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SQLITE = "sqlite:///"
COLLECT = "from hamster_site.static_files import collect_changed; collect_changed()"


def prepare_database(url: str) -> None:
    """Migrate the database at this address; a SQLite file that is not there yet becomes a copy."""
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE):
        _manage(_root(), url, "migrate", "--verbosity", "0")
    elif not path.exists():
        shutil.copyfile(_database(), path)


def prepare_static_files(var_dir: Path) -> None:
    """Put the collected static files in a site's VAR_DIR unless they are there."""
    if not (var_dir / "static").exists():
        shutil.copytree(_static_files(), var_dir / "static")


@cache
def _database() -> Path:
    folder = _folder("database")
    path = folder / "site.sqlite3"
    _manage(folder, f"{SQLITE}{path}", "migrate", "--verbosity", "0")
    return path


@cache
def _static_files() -> Path:
    folder = _folder("static-files")
    _manage(folder, f"{SQLITE}{folder / 'none.sqlite3'}", "shell", "--no-imports", "--command", COLLECT)
    return folder / "static"


@cache
def _root() -> Path:
    """Gone when the process is. Not in VAR_DIR: tools that start sites have no settings."""
    folder = Path(tempfile.mkdtemp(prefix="hamster-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _folder(name: str) -> Path:
    folder = _root() / name
    folder.mkdir()
    return folder


def _manage(folder: Path, url: str, *arguments: str) -> None:
    # No row and no file made here depends on the key; a tool's process has none.
    environment = {"SECRET_KEY": "of-no-site"} | os.environ | {"VAR_DIR": str(folder), "DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
