"""Ids as pages post them: written by us, but sent by whoever likes."""

from collections.abc import Mapping


def posted_id(form: Mapping[str, str], name: str) -> int:
    """The id that a form names; 0, which is nobody's, for what is none."""
    text = form.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def posted_instead_of(form: Mapping[str, str]) -> int | None:
    """The id of the version that the page showed as the active one; None where it showed that none was."""
    return None if form.get("instead_of") == "" else posted_id(form, "instead_of")
