"""The short version of tools/faults.py: a part of a site is broken, nothing is lost, all comes back."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their death")
needs_postgres = pytest.mark.skipif(find_spec("pgserver") is None, reason="no PostgreSQL for this machine")


@pytest.mark.parametrize("fault", ["network", pytest.param("postgres", marks=needs_postgres)])
def test_nothing_is_lost_or_doubled_and_everything_comes_back(fault):
    command = ["tools/faults.py", "--rounds", "1", "--cut", "3", "--within", "120", "--only", fault]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["rounds"], summary["broken"]) == (1, [])
    assert summary["batches"]
    # Whatever goes wrong has words for it.
    assert summary["failed"] == {}
