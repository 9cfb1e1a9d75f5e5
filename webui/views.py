"""The pages. They render templates; what they show live comes over the site's own API."""

from django.views.generic import TemplateView


class CameraPage(TemplateView):
    """The stage: the camera and the hamster side by side. It needs no account and sets no cookie."""

    template_name = "webui/camera.html"
