"""A real HTTP server that takes webhooks as a test tells it to."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Receiver:
    """Answers with `statuses` one after the other, the last again and again; keeps what came."""

    statuses: list[int] = field(default_factory=lambda: [200])
    answer: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0  # seconds between the bytes of the answer
    certificate: Path | None = None  # with its key, for https
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.got.append(({"path": handler.path, **dict(handler.headers)}, body))
        handler.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        for name, value in {"Content-Length": str(len(self.answer)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for byte in self.answer if self.pause else [self.answer]:
            handler.wfile.write(bytes([byte]) if self.pause else byte)
            self.gone.wait(self.pause)


@contextmanager
def receiver(**how: object) -> Iterator[Receiver]:
    """A receiver at work, on a free port of this machine."""
    taken = Receiver(**how)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                taken.take(self)
            except OSError:  # the other side has hung up
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if taken.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(taken.certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        taken.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield taken
        finally:
            taken.gone.set()
            server.shutdown()
            thread.join()
