"""All addresses of the site."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# One door: who signs in for the admin passes the same page, and attempts are counted there.
admin.site.login = secure_admin_login(admin.site.login)

urlpatterns = [
    path("", include("webui.urls")),
    path("", include("webui.account_urls")),
    path("", include("detector.api.urls")),
    path("", include("webui.languages")),
    path("admin/", admin.site.urls),
]

handler400 = "webui.errors.bad_request"
handler403 = "webui.errors.forbidden"
handler404 = "webui.errors.not_found"
handler500 = "webui.errors.server_error"
