"""The short version of tools/faults.py: a part of a site is broken, nothing is lost, all comes back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their death")


def test_while_nothing_passes_to_redis_nothing_is_lost_or_doubled_and_everything_comes_back(tmp_path):
    command = ["tools/faults.py", "--rounds", "1", "--cut", "3", "--within", "120", "--only", "network"]
    with (tmp_path / "said").open("w+") as said:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, check=False
        )
        said.seek(0)
        text = said.read()
    assert done.returncode == 0, text[-3000:]
    summary = json.loads(text.splitlines()[-1])
    assert (summary["rounds"], summary["broken"]) == (1, [])
    assert summary["batches"]
    # Whatever goes wrong has words for it.
    assert summary["failed"] == {}
