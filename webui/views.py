"""The pages. They render templates; what they show live comes over the site's own API."""

from typing import Any

from django.views.generic import TemplateView

from detector.conf import config


class CameraPage(TemplateView):
    """The stage: the camera and the hamster side by side. It needs no account and sets no cookie."""

    template_name = "webui/camera.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        rates = {"live": config.live_max_fps, "predict": config.predict_rate}
        return super().get_context_data(rates=rates, **context)
