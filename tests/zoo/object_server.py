"""A real HTTP server on this computer that behaves like the object store, or worse."""

import base64
import contextlib
import dataclasses
import hashlib
import http.server
import re
import socket
import threading
import time
from collections.abc import Iterator

import google_crc32c


@dataclasses.dataclass
class Behaviour:
    """What the server does; tests change it between requests.

    Attributes:
        body: of every object.
        ranges: whether it answers ranges.
        etag: made of the body, or as given, or none at all.
        length: whether it says how long the body is, or sends it in chunks.
        closes: whether the body ends with the connection, instead of in chunks.
        checksums: that it announces: ``md5``, ``crc32c``.
        lies: whether the checksums are wrong.
        cut_after: bytes of a body after which the connection breaks.
        cuts: how many connections break.
        busy: how many answers are 503 first.
        retry_after: seconds that those ask for.
        missing: whether everything is 404.
        pause: seconds before each 64 kB.
        requests: the headers of every request.
    """

    body: bytes = b""
    ranges: bool = True
    etag: str | None = "made"
    length: bool = True
    closes: bool = False
    checksums: tuple[str, ...] = ("crc32c", "md5")
    lies: bool = False
    cut_after: int = 0
    cuts: int = 0
    busy: int = 0
    retry_after: str | None = None
    missing: bool = False
    pause: float = 0.0
    requests: list[dict[str, str]] = dataclasses.field(default_factory=list)
    address: str = ""

    def url(self, path: str = "neuralgcm/models/v1/some.pkl") -> str:
        return f"{self.address}/{path}"

    def headers(self) -> dict[str, str]:
        announced = {
            "crc32c": google_crc32c.Checksum(self.body).digest(),
            "md5": hashlib.md5(self.body).digest(),
        }
        if self.lies:
            announced = {name: value[::-1] for name, value in announced.items()}
        pairs = [
            f"{name}={base64.b64encode(announced[name]).decode()}"
            for name in self.checksums
        ]
        headers = {"x-goog-hash": ",".join(pairs)} if pairs else {}
        etag = self.etag
        if etag == "made":
            etag = f'"{hashlib.md5(self.body).hexdigest()}"'
        return headers if etag is None else headers | {"ETag": etag}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self):
        does = self.server.behaviour
        does.requests.append(dict(self.headers))
        if does.busy > 0:
            does.busy -= 1
            self.send_response(503)
            if does.retry_after is not None:
                self.send_header("Retry-After", does.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if does.missing:
            self.send_error(404)
            return
        body, headers = does.body, does.headers()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if does.ranges and wanted and condition in (None, headers.get("ETag")):
            start = int(wanted[1])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
            body = body[start:]
        else:
            self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        if does.length:
            self.send_header("Content-Length", str(len(body)))
        elif does.closes:
            self.close_connection = True
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = does.cuts > 0
        does.cuts -= cut
        self._send(body[: does.cut_after] if cut else body)
        if cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, body: bytes) -> None:
        does = self.server.behaviour
        chunked = not does.length and not does.closes
        with contextlib.suppress(ConnectionError):  # of a client that was killed
            for start in range(0, len(body), 2**16):
                time.sleep(does.pause)
                piece = body[start : start + 2**16]
                if chunked:
                    piece = b"%x\r\n%s\r\n" % (len(piece), piece)
                self.wfile.write(piece)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    behaviour: Behaviour

    def handle_error(self, request, client_address):
        pass  # a client that went away, as tests want it


@contextlib.contextmanager
def serving(body: bytes) -> Iterator[Behaviour]:
    """The server in a thread, on a free port."""
    behaviour = Behaviour(body)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.behaviour = behaviour
        behaviour.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield behaviour
        finally:
            server.shutdown()
            thread.join()
