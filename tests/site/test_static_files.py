"""Static files as they are served: hashed, compressed, whole."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
COLLECT = """
import django
django.setup()
from hamster_site.static_files import collect_changed
print(collect_changed(), collect_changed())
"""
LOOK = """
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost", "accept-encoding": "gzip"})
for path in ("/", *PATHS):
    answer = client.get(path)
    print(path, answer.status_code, answer.get("Content-Encoding", "-"), answer.get("Cache-Control", "-"))
print(client.get("/").content.decode())
"""


def run(folder: Path, program: str) -> str:
    environment = {
        "DJANGO_SETTINGS_MODULE": "hamster_site.settings",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "VAR_DIR": str(folder),
        "DEBUG": "false",
    }
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of state in which the static files were collected, once for all tests."""
    folder = tmp_path_factory.mktemp("collected")
    assert run(folder, COLLECT).split() == ["True", "False"], "the second time there is nothing to do"
    return folder


def test_modules_import_one_another_by_their_hashed_names(collected: Path) -> None:
    """A module that was loaded by both its names would be two."""
    static = collected / "static" / "webui"
    modules = [
        path for path in static.rglob("*.js") if HASHED.search(path.name) and "vendor" not in path.parts
    ]
    assert len(modules) > 30
    imports = [
        (path, name) for path in modules for name in IMPORTED.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(imports) > 40
    assert [(path.name, name) for path, name in imports if not HASHED.search(name)] == []
    assert [(path.name, name) for path, name in imports if not (path.parent / name).is_file()] == []


def test_every_text_has_a_compressed_twin_that_holds_the_same(collected: Path) -> None:
    static = collected / "static"
    texts = [path for kind in ("js", "css", "svg") for path in (static / "webui").rglob(f"*.{kind}")]
    for path in texts:
        twin = path.with_name(f"{path.name}.gz")
        assert twin.is_file() or path.stat().st_size < 400, path
        assert not twin.is_file() or gzip.decompress(twin.read_bytes()) == path.read_bytes()
    assert (static / "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js.gz").is_file()


def test_web_process_serves_collected_files_compressed_and_for_good(collected: Path) -> None:
    names = json.loads((collected / "static" / "staticfiles.json").read_text())["paths"]
    tokens = f"/static/{names['webui/css/tokens.css']}"
    bundle = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    said = run(collected, LOOK.replace("PATHS", repr([tokens, bundle])))
    assert f"{tokens} 200 gzip max-age=315360000, public, immutable" in said
    assert f"{bundle} 200 gzip max-age=60, public" in said
    assert f'href="{tokens}"' in said


def test_web_process_that_is_started_by_itself_serves_the_files_where_they_lie(tmp_path: Path) -> None:
    said = run(tmp_path, LOOK.replace("PATHS", "['/static/webui/css/tokens.css']"))
    assert "/static/webui/css/tokens.css 200 - max-age=60, public" in said
    assert 'href="/static/webui/css/tokens.css"' in said
