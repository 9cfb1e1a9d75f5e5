import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "tools" / "bench" / "predictor.py"


def test_the_benchmark_reports_median_and_p95_of_every_step(red_cells: Path) -> None:
    command = [sys.executable, str(BENCH), "--weights", str(red_cells), "--rounds", "5", "--json"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert report["detector"] == "red-1"
    assert report["no face"]["faces"] == 0
    for frame in ("face", "no face"):
        for step in ("decode", "inference", "total"):
            assert 0 < report[frame][step]["median_ms"] <= report[frame][step]["p95_ms"]
