"""The end of a web process, in order.

daphne ends with everything it does cut off, sockets without a word. Here a process that is asked to end
takes no new connections and no new frames, answers the frames that it has, closes every WebSocket with 1012
("service restart", after which the pages connect again by themselves), and lets requests get their answers.
All of that for a few seconds at most; what is left then is cut off as before.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.defer import Deferred

from detector.engine import get_engine

logger = logging.getLogger(__name__)
SERVICE_RESTART = 1012
FRAMES_SECONDS = 2.0
ANSWERS_SECONDS = 6.0
"""From being asked to end. `manage.py up` and containers are killed after ten."""
LOOK_SECONDS = 0.02
_listen_success = Server.listen_success
_kill_all_applications = Server.kill_all_applications


def close_in_order() -> None:
    """Let servers that are started afterwards end like this."""
    Server.listen_success = _remember_port
    Server.kill_all_applications = _end


def _remember_port(server: Server, port: Any) -> None:
    server.ports = [*getattr(server, "ports", []), port]
    _listen_success(server, port)


def _end(server: Server) -> Deferred:
    return Deferred.fromFuture(asyncio.ensure_future(_close(server)))


async def _close(server: Server) -> None:
    end = time.monotonic() + ANSWERS_SECONDS
    for port in getattr(server, "ports", []):
        port.stopListening()
    for socket in _sockets(server):
        socket.muted = True
    with suppress(TimeoutError):  # no thread was free to wait in
        await asyncio.wait_for(asyncio.to_thread(get_engine().drain, FRAMES_SECONDS), FRAMES_SECONDS + 1)
    await asyncio.sleep(LOOK_SECONDS)  # the last answers are on their way to the sockets
    sockets = _sockets(server)  # more of them, where a connection that was there became one
    for socket in sockets:
        was_muted, socket.muted = socket.muted, False  # so that its application hears that it is closed
        if socket.state == WebSocketProtocol.STATE_OPEN:
            socket.sendCloseFrame(code=SERVICE_RESTART, reasonUtf8=b"service restart")
        elif was_muted and socket.state == WebSocketProtocol.STATE_CLOSED:
            socket.application_queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
    while _pending(server) and time.monotonic() < end:
        await asyncio.sleep(LOOK_SECONDS)
    left = _pending(server)
    logger.info("closed %d WebSockets; %d connections are cut off", len(sockets), left)
    for details in server.connections.values():
        details.setdefault("application_instance", _nothing_left())
    await _kill_all_applications(server).asFuture(asyncio.get_running_loop())


def _sockets(server: Server) -> list[WebSocketProtocol]:
    return [one for one in server.connections if isinstance(one, WebSocketProtocol)]


def _pending(server: Server) -> int:
    """Connections whose application has not ended."""
    applications = [details.get("application_instance") for details in server.connections.values()]
    return sum(application is not None and not application.done() for application in applications)


def _nothing_left() -> asyncio.Future:
    """For connections whose application has ended already; daphne's own looks for one at each."""
    ended = asyncio.get_running_loop().create_future()
    ended.set_result(None)
    return ended
