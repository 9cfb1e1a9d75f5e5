"""Where pages find the words of their scripts, and names of what the code calls by a key."""

from django import template
from django.conf import settings
from django.utils.translation import get_language

from detector import stored_texts
from webui import languages, words

register = template.Library()


@register.simple_tag
def words_address() -> str:
    """The address of the JavaScript catalogue of the page's language; empty for English."""
    return languages.words_address(get_language() or languages.SOURCE)


@register.simple_tag
def languages_offered() -> list[tuple[str, str]]:
    """Code and name of each; a name is in its own language, so that who needs it can read it."""
    return settings.LANGUAGES


@register.filter
def word(key: str) -> str:
    """An expression or a state in the page's language: `sleepy`, `withdrawn`."""
    return words.word(key)


@register.filter
def label_word(key: str) -> str:
    """The label of a face in a data set: `sleepy`, `unknown`."""
    return words.label(key)


@register.filter
def title_word(key: str) -> str:
    """The same where it stands alone: `Sleepy`."""
    return words.title(key)


@register.filter
def translated(text: str) -> str:
    """What a worker stored in English, such as why a picture failed."""
    return stored_texts.translated(text)


@register.filter
def then(first: str, text: str) -> str:
    """Two of a list: `hamster-5, trained here`."""
    return words.listed(str(first), str(text))


@register.filter
def whole_percent(share: float) -> str:
    """93 %, for 0.93."""
    return words.percent(share)
