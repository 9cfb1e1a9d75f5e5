"""axe-core on an opened page: what keeps people with disabilities from using it."""

import json
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
BAD = ("serious", "critical")


@cache
def _source() -> str:
    return SOURCE.read_text(encoding="utf-8")


def issues(page: Page, *, only: tuple[str, ...] = ()) -> list[str]:
    """A line for each serious or critical issue: its rule, what is wrong, where. `only`: these rules."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_source())
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": list(only)}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + json.dumps(
            [[node["target"], node["html"][:160], node["failureSummary"]] for node in violation["nodes"][:4]]
        )
        for violation in found["violations"]
        if violation["impact"] in BAD or only
    ]
