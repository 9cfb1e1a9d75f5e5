"""The web process: pages, REST and WebSockets, with the inference engine warm before the first request."""

import ctypes
import os
import sys
import warnings

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamster_site.settings")
django_application = get_asgi_application()

# These need Django to be set up.
from django.conf import settings  # noqa: E402

from detector.closing_down import close_in_order  # noqa: E402
from detector.engine import start_engine  # noqa: E402
from detector.routing import websocket_urlpatterns  # noqa: E402
from detector.slow_readers import guard_server  # noqa: E402
from detector.slow_senders import guard_senders  # noqa: E402
from detector.sockets import guard_daphne  # noqa: E402
from hamster_site.connections import NamedConnections  # noqa: E402
from hamster_site.security import OwnPagesOnly, refuse_socket  # noqa: E402

if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
    # M_MMAP_THRESHOLD: the blocks of large pictures go back to the system. glibc would keep them from now on,
    # in a heap of each thread that ever decoded one.
    libc.mallopt(-3, 4 * 2**20)
# WhiteNoise serves files with an ordinary iterator, which is what we want for small ones.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
guard_daphne()
guard_server()
guard_senders()
close_in_order()
start_engine()
application = NamedConnections(
    ProtocolTypeRouter(
        {
            "http": django_application,
            "websocket": OwnPagesOnly(
                URLRouter([*websocket_urlpatterns, re_path("", refuse_socket)]),
                settings.ALLOWED_HOSTS,
                [*settings.CSRF_TRUSTED_ORIGINS, *settings.CORS_ALLOWED_ORIGINS],
                https=settings.HTTPS,
            ),
        }
    )
)
