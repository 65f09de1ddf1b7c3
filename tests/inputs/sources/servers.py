"""Servers on this computer that hold data: object stores, a web server, a bad network.

The object stores are emulators in processes of their own. In front of any of them
stands a proxy that behaves as the network and busy servers do, as tests want it.
"""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import http.client
import http.server
import ipaddress
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import xml.sax.saxutils
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def request(address: str, method: str, path: str, body=None, headers=None) -> bytes:
    """Ask directly: without any proxy that the environment names."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        assert response.status < 300, (method, path, response.status, content)
        return content


@contextlib.contextmanager
def _process(words: list[str], folder: pathlib.Path) -> Iterator[str]:
    """A server in a process of its own, once it answers."""
    port = free_port()
    words = [word.format(port=port) for word in words]
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, words
            with contextlib.suppress(OSError, http.client.HTTPException):
                request(address, "GET", "/")
                break
            assert time.monotonic() < deadline, words
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def google(folder: pathlib.Path, bucket: str = "public") -> Iterator[str]:
    """An emulator of Google's object store, with one bucket."""
    words = ["gcp_storage_emulator", "start", "-H", "127.0.0.1", "-q", "-M"]
    words += ["--port={port}", f"--default-bucket={bucket}"]
    with _process(words, folder) as address:
        yield address


@contextlib.contextmanager
def amazon(folder: pathlib.Path) -> Iterator[str]:
    """An emulator of Amazon's object store, with the bucket ``era5``."""
    with _process(["moto.server", "-H", "127.0.0.1", "-p", "{port}"], folder) as host:
        request(host, "PUT", "/era5", headers=SIGNED)
        yield host


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=me/x/us-east-1/s3/aws4_request"}


def upload_to_google(
    address: str, path: pathlib.Path, name: str, bucket: str = "public"
) -> None:
    """Put a file, or a folder with all that is in it, under a name."""
    for key, body in _files(path, name):
        where = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={key}"
        request(address, "POST", where, body)


def remove_from_google(address: str, name: str) -> None:
    where = urllib.parse.quote(name, safe="")
    request(address, "DELETE", f"/storage/v1/b/public/o/{where}")


def upload_to_amazon(
    address: str, path: pathlib.Path, name: str, public: bool = True
) -> None:
    """Put a file, or a folder with all that is in it, under a name."""
    headers = SIGNED | ({"x-amz-acl": "public-read"} if public else {})
    for key, body in _files(path, name):
        request(address, "PUT", f"/era5/{key}", body, headers)


def _files(path: pathlib.Path, name: str) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield name, path.read_bytes()
    else:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                key = f"{name}/{file.relative_to(path).as_posix()}"
                yield key, file.read_bytes()


@dataclasses.dataclass
class Fault:
    """What goes wrong with some requests.

    Attributes:
        path: what the path of such a request ends in.
        times: how many of them go wrong.
        status: the answer instead of the right one.
        headers: of that answer.
        body: of that answer.
        cut: bytes of the right body after which the connection breaks.
        stall: seconds of silence: before the answer, or at ``cut`` where there is one.
    """

    path: str = ""
    times: float = 1
    status: int = 0
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    stall: float = 0.0


@dataclasses.dataclass
class Network:
    """The way to a server.

    Attributes:
        upstream: the address of the server.
        address: that clients use.
        faults: the first that fits a request has its way.
        etags: whether answers vouch for their bytes, as those of object stores do.
        requests: path and range of every request so far.
    """

    upstream: str
    address: str = ""
    faults: list[Fault] = dataclasses.field(default_factory=list)
    etags: bool = False
    requests: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)

    def count(self, part: str) -> int:
        """How many requests there were whose path ends so."""
        return sum(path.endswith(part) for path, _ in self.requests)

    def fault_of(self, path: str) -> Fault | None:
        for fault in self.faults:
            if path.endswith(fault.path) and fault.times > 0:
                fault.times -= 1
                return fault
        return None


class _Forward(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Proxy"

    def do_GET(self):
        network = self.server.network
        path = urllib.parse.unquote(self.path)
        network.requests.append((path, self.headers.get("Range")))
        fault = network.fault_of(path) or Fault(times=0)
        if "?list-type=2" in path:
            self._answer(200, {}, self._list())
            return
        if fault.stall and fault.cut is None:
            time.sleep(fault.stall)
        if fault.status:
            self._answer(fault.status, fault.headers, fault.body)
            return
        connection = http.client.HTTPConnection(
            network.upstream.removeprefix("http://"), timeout=30
        )
        with contextlib.closing(connection):
            headers = dict(self.headers) | {"Connection": "close"}
            connection.request(self.command, self.path, headers=headers)
            response = connection.getresponse()
            body = response.read()
        dropped = {"connection", "content-length", "transfer-encoding", "date"}
        headers = {
            name: value
            for name, value in response.getheaders()
            if name.lower() not in dropped | {"server"}
        }
        if network.etags and response.status in (200, 206):
            # Nothing changes, so that the path says which bytes they are.
            headers["ETag"] = f'"{hashlib.md5(path.encode()).hexdigest()}"'
        self._answer(response.status, headers, body, fault)

    do_PROPFIND = do_GET

    def _list(self) -> bytes:
        """In XML, as Google's store does and its emulator, which has JSON, does not."""
        path, _, query = self.path.partition("?")
        wanted = dict(urllib.parse.parse_qsl(query))
        wanted = {name: wanted[name] for name in ("prefix", "delimiter")}
        where = f"/storage/v1/b{path}/o?{urllib.parse.urlencode(wanted)}"
        found = json.loads(request(self.server.network.upstream, "GET", where))
        escape = xml.sax.saxutils.escape
        objects = [
            f"<Contents><Key>{escape(item['name'])}</Key><Size>{item['size']}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for item in found.get("items", [])
        ]
        folders = [
            f"<CommonPrefixes><Prefix>{escape(prefix)}</Prefix></CommonPrefixes>"
            for prefix in found.get("prefixes", [])
        ]
        inside = "".join(objects + folders)
        return f"<ListBucketResult>{inside}</ListBucketResult>".encode()

    def _answer(self, status, headers, body, fault=None):
        with contextlib.suppress(ConnectionError):  # of a client that gave up
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if fault is None or fault.cut is None:
                self.wfile.write(body)
                return
            self.wfile.write(body[: fault.cut])
            self.wfile.flush()
            time.sleep(fault.stall)
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format, *args):
        pass


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away, as tests want it


class _Proxy(_Quiet):
    network: Network


@contextlib.contextmanager
def network_to(upstream: str) -> Iterator[Network]:
    """A way to a server on which things go wrong."""
    network = Network(upstream)
    with _Proxy(("127.0.0.1", 0), _Forward) as proxy:
        proxy.network = network
        network.address = f"http://127.0.0.1:{proxy.server_port}"
        with _running(proxy):
            yield network


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass


@contextlib.contextmanager
def web(folder: pathlib.Path, certificate: pathlib.Path | None = None) -> Iterator[str]:
    """A plain web server with the files of a folder: no ETags, no ranges.

    With a certificate of its own making, where it is told to put one.
    """
    handler = functools.partial(_Files, directory=str(folder))
    with _Quiet(("127.0.0.1", 0), handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certify_ourselves(certificate))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        with _running(server):
            kind = "http" if certificate is None else "https"
            yield f"{kind}://127.0.0.1:{server.server_port}"


def certify_ourselves(file: pathlib.Path) -> pathlib.Path:
    """Write a key and its certificate for this computer, which nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(certificate.public_bytes(pem) + secret)
    return file


@contextlib.contextmanager
def _running(server: http.server.ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
