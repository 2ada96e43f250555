"""A server of the files of the page, and of nothing else."""

import ipaddress
import mimetypes
import os
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import unquote, urlsplit

_TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm", ".md": "text/plain"}
# `wasm-unsafe-eval` lets the browser compile WebAssembly, and songs are played from blobs.
# index.html says the same in an element `meta`, for hosts that send no such header.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'; style-src 'self'; img-src 'self'; media-src blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def make_server(files, host="127.0.0.1", port=8765):
    """Return a server that is bound, and answers once its ``serve_forever`` is called.

    Parameters
    ----------
    files : dict of str to bytes
        What can be reached, by its path; ``index.html`` also as ``/``.
    host : str, default="127.0.0.1"
        The address that it listens to.
    port : int, default=8765
        The port; 0 is one that is free.

    Returns
    -------
    server : ThreadingHTTPServer

    Raises
    ------
    OSError
        If it cannot listen there.
    """
    return _Server(files, host, port)


def is_loopback(host):
    """Tell whether an address is reached from this computer alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Server(ThreadingHTTPServer):
    # elsewhere it lets two programs listen to one port
    allow_reuse_address = os.name == "posix"
    daemon_threads = True

    def __init__(self, files, host, port):
        self.files, self.is_private = files, is_loopback(host)
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self):
        # the one of HTTPServer also asks the network for the computer's name
        TCPServer.server_bind(self)
        self.server_port = self.server_address[1]

    def handle_error(self, request, client_address):
        """Say nothing of browsers that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # a connection that says nothing for so many seconds is closed
    timeout = 60

    def do_GET(self):
        self._answer(is_whole=True)

    def do_HEAD(self):
        self._answer(is_whole=False)

    def _answer(self, is_whole):
        path = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        content = self.server.files.get(path) if self._is_meant() else None
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        kind = _TYPES.get(os.path.splitext(path)[1]) or mimetypes.guess_type(path)[0]
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if is_whole:
            self.wfile.write(content)

    def _is_meant(self):
        """Refuse other names of this computer, by which pages of strangers could read a model."""
        if not self.server.is_private:
            return True
        try:
            return is_loopback(urlsplit("//" + self.headers.get("Host", "")).hostname or "")
        except ValueError:
            return False

    def end_headers(self):
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self):
        return "skgenre"

    def log_message(self, format, *args):
        """Say nothing."""
