"""All addresses of the site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("webui.urls")),
    path("", include("detector.api.urls")),
    path("admin/", admin.site.urls),
]
