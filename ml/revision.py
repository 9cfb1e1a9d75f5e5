"""Which state of the code made a detector."""

import subprocess
from pathlib import Path


def git_revision() -> str | None:
    """The commit that the code was at, with "+" if files had changed since; None outside a repository."""
    here = Path(__file__).parent
    try:
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            ["git", "diff", "--quiet", "HEAD", "--", ".", ":!weights"],
            cwd=here,
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return revision.stdout.strip() + ("+" if changed.returncode else "")
