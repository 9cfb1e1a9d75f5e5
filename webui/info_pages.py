"""The pages that explain: help, the detector, privacy, and what is seen without a connection."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import override
from django.views.generic import TemplateView

from detector.conf import config
from detector.selectors.evaluations import NAMES
from detector.selectors.versions import active_detector
from webui.detector_figures import matrix_rows, metrics_of, misreadings


class HelpPage(TemplateView):
    """How to start, and what to do when something does not work."""

    template_name = "webui/info/help.html"


class AboutPage(TemplateView):
    """The version at work, by its card: how good it is, what it confuses, and whom it may fail."""

    template_name = "webui/info/about.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = active_detector()
        metrics = metrics_of(version) if version is not None else {}
        missed = metrics.get("missed")
        confusion = metrics.get("confusion")
        return super().get_context_data(
            version=version,
            metrics=metrics,
            found=None if missed is None else 1 - missed,
            names=NAMES,
            matrix=matrix_rows(confusion),
            misreadings=misreadings(confusion),
            **kwargs,
        )


class PrivacyPage(TemplateView):
    """What is kept of whom, where and for how long."""

    template_name = "webui/info/privacy.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = {"kept": config.kept_retention_days, "correction": config.correction_retention_days}
        return super().get_context_data(retention_hours=config.batch_retention_hours, days=days, **kwargs)


class OfflinePage(TemplateView):
    """What the service worker keeps for times without a connection; the same for everybody.

    It is fetched without cookies, so that the language is in its address: `?language=es`.
    """

    template_name = "webui/info/offline.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, in the language that is asked for if there is such a one."""
        language = request.GET.get("language", "")
        if language not in dict(settings.LANGUAGES):
            return super().get(request, *args, **kwargs)
        with override(language):
            response = super().get(request, *args, **kwargs).render()
        response.headers["Content-Language"] = language
        return response
