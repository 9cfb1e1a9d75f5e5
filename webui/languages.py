"""The language of a page: what the visitor has chosen, else what the browser asks for.

A language is a line of `LANGUAGES` in the settings and a folder in `locale`; README.md says how to add one.
"""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import activate, override, to_locale
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog, set_language

SOURCE = "en"  # the language that the words of the code are in: its catalogue would be empty
SCRIPTS = "djangojs"
ENGLISH_ONLY = "/admin/"
TRANSLATED = [language for language, _ in settings.LANGUAGES if language != SOURCE]


class LanguageMiddleware(LocaleMiddleware):
    """Django's, which forgets that the cookie decides too. An answer that says its language itself, since its
    address names it, is the same for everybody and varies by nothing."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language. The admin's pages are written in English only."""
        super().process_request(request)
        if request.path_info.startswith(ENGLISH_ONLY):
            activate(SOURCE)
            request.LANGUAGE_CODE = SOURCE

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Say the language, and to caches what it depends on."""
        if response.has_header("Content-Language"):
            return response
        patch_vary_headers(response, ("Cookie",))
        return super().process_response(request, response)


@require_safe
@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)
def words_of_scripts(request: HttpRequest, language: str) -> HttpResponse:
    """The JavaScript catalogue of a language. Its address, of `words_address`, changes with its content."""
    with override(language):
        answer = JavaScriptCatalog.as_view(domain=SCRIPTS, packages=["webui"])(request)
    answer.headers["Content-Language"] = language
    return answer


@cache
def words_address(language: str) -> str:
    """Where a language's catalogue is; empty where the scripts have their words already."""
    if language not in TRANSLATED:
        return ""
    folder = Path(settings.LOCALE_PATHS[0]) / to_locale(language) / "LC_MESSAGES"
    digest = hashlib.sha256((folder / f"{SCRIPTS}.mo").read_bytes()).hexdigest()[:12]
    return f"{reverse(f'words-{language}')}?{digest}"


def _words_of(language: str) -> URLPattern:
    return path(f"jsi18n/{language}/", words_of_scripts, {"language": language}, name=f"words-{language}")


# The form of a language needs no token, which would set a cookie on every page: all that somebody else's page
# could do with the form is to show this one in another language.
urlpatterns = [
    path("i18n/setlang/", csrf_exempt(set_language), name="set_language"),
    *map(_words_of, TRANSLATED),
]
