"""Every language says everything that English says, with the same values in it, and is compiled."""

import gettext
import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import to_locale

from tests.site.catalogues import Entry, read_po, untranslated_sentences, words_of_scripts, words_of_site
from webui.languages import TRANSLATED

LANGUAGES = [to_locale(language) for language in TRANSLATED]
WORDS = {"django": words_of_site, "djangojs": words_of_scripts}
VALUES = re.compile(r"%\((\w+)\)s|\{(\w+)\}|%%|(</?\w+(?: [^<>]*)?>)")
WORD = re.compile(r"[A-Za-z]{3,}")


def catalogue(language: str, domain: str, ending: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / f"{domain}.{ending}"


def values_of(text: str) -> Counter[str]:
    """Placeholders and tags, which a translation has to keep, in whatever order."""
    return Counter(match[0] for match in VALUES.finditer(text))


def complaints(entry: Entry) -> list[str]:
    said = [f"{entry.msgid!r} is fuzzy"] if entry.is_fuzzy else []
    for form in entry.forms:
        if not form:
            said.append(f"{entry.msgid!r} is not translated")
        elif not entry.plural and values_of(form) != values_of(entry.msgid):
            said.append(f"{entry.msgid!r}: other values or tags in {form!r}")
        elif entry.plural and set(values_of(form)) > set(values_of(entry.plural)):
            said.append(f"{entry.msgid!r}: values that the English has not in {form!r}")
        elif (form[0].isspace(), form[-1].isspace()) != (entry.msgid[0].isspace(), entry.msgid[-1].isspace()):
            said.append(f"{entry.msgid!r}: other space around {form!r}")
    return said


@pytest.mark.parametrize("domain", WORDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_translation_with_the_same_values(language: str, domain: str):
    entries = read_po(catalogue(language, domain, "po"))
    assert len(entries) > 100
    assert [said for entry in entries for said in complaints(entry)] == []


@pytest.mark.parametrize("domain", WORDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_what_the_code_says_and_nothing_else(language: str, domain: str):
    known = {entry.msgid for entry in read_po(catalogue(language, domain, "po"))}
    said = WORDS[domain]()
    assert {"missing": sorted(said - known), "left over": sorted(known - said)} == {
        "missing": [],
        "left over": [],
    }


def test_no_sentence_of_the_scripts_is_kept_from_the_translators():
    assert untranslated_sentences() == []


@pytest.mark.parametrize("domain", WORDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_that_of_the_translations(language: str, domain: str):
    with catalogue(language, domain, "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    wanted: dict[str | tuple[str, int], str] = {}
    for entry in read_po(catalogue(language, domain, "po")):
        if entry.plural:
            wanted |= {(entry.msgid, number): form for number, form in enumerate(entry.forms)}
        else:
            wanted[entry.msgid] = entry.forms[0]
    found = {key: text for key, text in compiled._catalog.items() if key}
    assert found == wanted, f"run: python manage.py compilemessages  ({language}/{domain})"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_not_left_in_english(language: str):
    for domain in WORDS:
        same = [
            entry.msgid
            for entry in read_po(catalogue(language, domain, "po"))
            if entry.msgid in entry.forms and len(WORD.findall(VALUES.sub("", entry.msgid))) > 4
        ]
        assert same == []
