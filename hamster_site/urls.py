"""All addresses of the site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("webui.urls")),
    path("", include("detector.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "webui.errors.bad_request"
handler403 = "webui.errors.forbidden"
handler404 = "webui.errors.not_found"
handler500 = "webui.errors.server_error"
