"""Catalogues of translations: read as files, and the words of the code that belong into them.

Nothing here needs GNU gettext, so that the tests run wherever the product does.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

from tests.e2e.site_process import ROOT

ROOMS = ("webui", "detector", "hamster_site")
ENGLISH_ONLY = ("detector/templates/", "webui/static/webui/vendor/")  # the admin's pages; what others wrote
LINE = re.compile(r'(msgid|msgid_plural|msgstr(?:\[\d+\])?) (".*")|(".*")|#, (.*)')
CALL = re.compile(r"\b(?:n?gettext(?:_lazy|_noop)?|_)\(\s*")
LITERAL = re.compile(r'u?(?P<quote>["\'])(?:\\.|(?!(?P=quote))[^\\\n])*(?P=quote)')
SCRIPT_TOKEN = re.compile(rf"//[^\n]*|/\*.*?\*/|`(?:\\.|[^`\\])*`|(?P<text>{LITERAL.pattern})", re.DOTALL)
SENTENCE = re.compile(r"[A-Z][a-z']* [a-z]+ \w+")
# Ahead of a sentence: it is translated, its plural is found by its singular, or it is for the console alone.
NOT_SHOWN = re.compile(r"""gettext\(\s*\Z|ngettext\(\s*(["']).*\1,\s*\Z|(console\.\w+|#goAlone)\(\s*\Z""")
BETWEEN = re.compile(r"[\s,]*")


@dataclass
class Entry:
    """One message; `forms` are its translations, one for each form of the plural."""

    msgid: str = ""
    plural: str = ""
    forms: list[str] = field(default_factory=list)
    is_fuzzy: bool = False


def read_po(path: Path) -> list[Entry]:
    """The messages of a .po file, without its head. Raises ValueError for a line that is none."""
    entries, entry, part = [], Entry(), ""
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        if not line.strip():
            entries.append(entry)
            entry = Entry()
            continue
        if line.startswith("#") and not line.startswith("#, "):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{path}:{number}: {line}")
        key, value, more, flags = match.groups()
        if flags is not None:
            entry.is_fuzzy = "fuzzy" in flags
            continue
        part = key or part
        text = ast.literal_eval(value or more)
        if part == "msgid":
            entry.msgid += text
        elif part == "msgid_plural":
            entry.plural += text
        elif key:
            entry.forms.append(text)
        else:
            entry.forms[-1] += text
    return [entry for entry in entries if entry.msgid]


def words_of_site() -> set[str]:
    """What templates and Python modules say through gettext."""
    found: set[str] = set()
    for path in _files("*.py"):
        found |= set(_literals(_as_calls(path.read_text(encoding="utf-8"))))
    for path in (*_files("templates/**/*.html"), *_files("templates/**/*.txt")):
        code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        found |= {" ".join(text.split()) for text in _literals(code)}
    return found


def words_of_scripts() -> set[str]:
    """What the modules of the pages say through gettext."""
    return {text for path in _files("static/**/*.js") for text in _literals(path.read_text(encoding="utf-8"))}


def untranslated_sentences() -> list[str]:
    """Sentences in the modules of the pages that gettext does not see, with their places."""
    return [
        f"{path.relative_to(ROOT)}: {match['text']}"
        for path in _files("static/**/*.js")
        for code in [path.read_text(encoding="utf-8")]
        for match in SCRIPT_TOKEN.finditer(code)
        if match["text"] and SENTENCE.match(match["text"][1:])
        if not NOT_SHOWN.search(code[max(0, match.start() - 200) : match.start()])
    ]


def _files(pattern: str) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob(pattern)):
            if not str(path.relative_to(ROOT)).startswith(ENGLISH_ONLY):
                yield path


def _as_calls(source: str) -> str:
    """A module with texts in several pieces in one, as the parser puts them together."""
    return "\n".join(
        f"_({', '.join(repr(text) for text in texts)})" for texts in _calls(ast.parse(source)) if texts
    )


def _calls(tree: ast.AST) -> Iterator[list[str]]:
    for node in ast.walk(tree):
        is_named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_named and CALL.fullmatch(f"{node.func.id}("):
            values = [part.value for part in node.args if isinstance(part, ast.Constant)]
            yield [value for value in values if isinstance(value, str)][:2]


def _literals(code: str) -> Iterator[str]:
    """The first text of each call: by it the catalogue finds the rest."""
    for call in CALL.finditer(code):
        at, text = call.end(), ""
        while match := LITERAL.match(code, at):
            text += ast.literal_eval(match[0])
            gap = BETWEEN.match(code, match.end())
            at = gap.end()
            if "," in gap[0]:
                break
        if text:
            yield text
