import errno
import os
import subprocess
import sys

import pytest
import torch

from ml.checkpoint import CheckpointError, save_checkpoint
from ml.failures import explain


def test_a_full_disk_is_said_in_plain_words():
    with pytest.raises(OSError) as full, open("/dev/full", "w") as disk:  # noqa: PTH123
        disk.write("x")
    code, message = explain(full.value)
    assert code == "disk_full"
    assert message.startswith("The disk is full")
    quota = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/runs/1/last.pt")
    assert "/runs/1/last.pt" in explain(quota)[1]


def test_a_checkpoint_that_does_not_fit_on_the_disk_is_said_so_and_the_one_before_stays(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"epoch": 1})
    before = path.read_bytes()
    path.with_name("last.pt.part").symlink_to("/dev/full")
    with pytest.raises(OSError) as full:
        save_checkpoint(path, {"epoch": 2, "state": torch.zeros(1000)})
    assert explain(full.value)[0] == "disk_full"
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_a_disk_that_fills_up_in_the_middle_of_a_checkpoint_is_a_full_disk(tmp_path):
    """A limit of the operating system, as `ulimit -f` sets it; the write is real."""
    script = (
        "import resource, sys, torch; from pathlib import Path; from ml.checkpoint import save_checkpoint;"
        "from ml.failures import explain; path = Path(sys.argv[1]);"
        "save_checkpoint(path, {'epoch': 1}); before = path.read_bytes();"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20,) * 2)\n"
        "try: save_checkpoint(path, {'state': torch.zeros(10**6)})\n"
        "except Exception as error: print(*explain(error) or [error])\n"
        "assert path.read_bytes() == before and not path.with_name('last.pt.part').exists()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "last.pt")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("disk_full The disk is full"), done.stdout


def test_memory_that_is_not_there_is_said_in_plain_words():
    with pytest.raises((RuntimeError, MemoryError)) as torch_failed:
        torch.empty(2**50, dtype=torch.uint8)
    with pytest.raises(MemoryError) as python_failed:
        bytearray(2**60)
    for error in (torch_failed.value, python_failed.value, torch.OutOfMemoryError("CUDA out of memory")):
        code, message = explain(error)
        assert code == "out_of_memory"
        assert "batch size" in message


def test_named_errors_keep_their_words_and_faults_of_ours_stay_faults():
    assert explain(CheckpointError("last.pt is no checkpoint")) == (
        "bad_checkpoint",
        "last.pt is no checkpoint",
    )
    assert explain(RuntimeError("shapes do not match")) is None
    assert explain(KeyError("grid")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="counts address space as Linux does")
def test_a_run_without_enough_memory_ends_with_one_clear_line(tmp_path):
    """A limit of the operating system, as `ulimit -v` sets it; the allocation is real."""
    script = (
        "import sys, torch; from ml import train; from ml.training_run import Run; import resource;"
        "resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30,) * 2);"
        "Run.load_data = lambda run: torch.ones(2**33);"
        "sys.exit(train.main(['--data-dir', 'x', '--json', '--run-dir', sys.argv[1], '--device', 'cpu']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert '"code": "out_of_memory"' in done.stdout
    assert "Traceback" not in done.stderr
