"""What browsers and robots ask for at fixed addresses: manifest, service worker, icon, robots.txt."""

import hashlib
import json

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

# What the page without a connection needs; other static files are kept as they are used.
SHELL = (
    "webui/css/tokens.css",
    "webui/css/page.css",
    "webui/css/contrast.css",
    "webui/js/registration.js",
    "webui/hamster/stills/sad.svg",
    "webui/hamster/stills/happy.svg",
)
PRIVATE = (
    *("/account/", "/accounts/", "/admin/", "/api/", "/batches/", "/corrections/", "/sessions/"),
    *("/datasets/", "/detectors/", "/training/"),
)
PAPER = "#FBF6EC"


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    """The web app manifest: with it the site can be installed like a program."""
    icons = [
        {
            "src": static(f"webui/icons/{name}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": use,
        }
        for name, side, use in (("192", 192, "any"), ("512", 512, "any"), ("maskable", 512, "maskable"))
    ]
    content = {
        "id": "/",
        "name": "Hamster Expression",
        "short_name": "Hamster",
        "description": _("Make a face at your camera and a hamster makes the same one."),
        "lang": get_language(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "categories": ["entertainment", "photo"],
        "icons": icons,
        "shortcuts": [{"name": _("Help"), "url": reverse("webui:help")}],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker. A change of any static file, or of the page that it keeps, changes its text, and so
    makes browsers install it anew; so does another language."""
    offline = f"{reverse('webui:offline')}?language={get_language()}"
    page = render_to_string("webui/info/offline.html")
    contents = f"{staticfiles_storage.manifest_hash} {page}"
    values = {
        "version": hashlib.sha256(contents.encode()).hexdigest()[:12],
        "offline": offline,
        "shell": json.dumps([offline, *map(static, SHELL)], indent=2),
        "static_prefix": staticfiles_storage.base_url,
    }
    content = render_to_string("webui/service_worker.js", values)
    return HttpResponse(content, content_type="text/javascript")


@require_safe
@cache_control(public=True, max_age=3600)
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none."""
    return redirect(static("webui/icons/favicon.ico"))


@require_safe
@cache_control(public=True, max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines need not visit."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE), "Disallow: /offline/", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
