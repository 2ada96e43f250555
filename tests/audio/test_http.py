"""Songs on web servers, whatever these answer."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from numpy.testing import assert_array_equal

from skgenre import load_audio
from skgenre.audio import AudioError
from skgenre.audio import _remote as remote
from skgenre.audio._errors import OutOfReachError
from skgenre.audio._files import identify

pytest.importorskip("aiohttp")

QUERY = "?X-Amz-Signature=signature&of=it's"


class Handler(BaseHTTPRequestHandler):
    """Answers with a song as the name of the address asks for, some names only the first time."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server = self.server
        name = self.path.partition("?")[0].strip("/").removesuffix(".flac")
        is_first = name not in server.seen
        if self.command == "GET":
            server.seen.add(name)
        status = 200
        if name.startswith("status"):
            status = int(name[-3:])
        elif name == "busy" and is_first:
            status = 503
        elif name == "no-head" and self.command == "HEAD":
            status = 403
        elif name == "moved":
            status = 302
        elif name == "stuck":
            server.is_over.wait()
        song = server.song
        is_cut = name == "cut" or (name == "cut-once" and is_first)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"/song.flac{QUERY}")
        if name not in ("plain", "no-mark"):
            self.send_header("ETag", '"1"')
        if name == "plain":
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(song) if status == 200 else 0))
        self.end_headers()
        if self.command == "GET" and status == 200:
            self.wfile.write(song[:1000] if is_cut else song)
            self.close_connection = self.close_connection or is_cut

    def log_message(self, *_):
        pass


@pytest.fixture
def server(song_files, monkeypatch):
    monkeypatch.setattr("skgenre._servers._PAUSES", (0, 0, None))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.song, server.seen, server.is_over = (
            Path(song_files[0][0]).read_bytes(),
            set(),
            Event(),
        )
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.is_over.set()
        server.shutdown()


def address_of(server, name):
    return f"http://me:pass%40word@127.0.0.1:{server.server_port}/{name}.flac{QUERY}"


@pytest.mark.parametrize(
    "name", ["song", "no-mark", "plain", "no-head", "moved", "busy", "cut-once"]
)
def test_a_song_is_read_from_any_server(server, song_files, name):
    assert_array_equal(load_audio(address_of(server, name)), load_audio(song_files[0][0]))


@pytest.mark.parametrize(
    ("name", "said", "may_pass"),
    [
        ("status404", "no such file", False),
        ("status410", "no such file", False),
        ("status401", "permission denied", False),
        ("status403", "permission denied", False),
        ("status429", "429", True),
        ("status500", "500", True),
        ("status503", "503", True),
        ("cut", "Not enough data", True),
        ("stuck", "not downloaded within 1 s", True),
    ],
)
def test_why_there_is_no_song_is_said_without_secrets(server, monkeypatch, name, said, may_pass):
    monkeypatch.setattr(remote, "_MOST_SECONDS", 1.0)
    with pytest.raises(AudioError, match=said) as raised:
        load_audio(address_of(server, name))
    assert isinstance(raised.value, OutOfReachError) == may_pass
    assert not [word for word in ("word", "signature", "it's") if word in str(raised.value)]
    assert f"http://127.0.0.1:{server.server_port}/{name}.flac" in str(raised.value)


def test_a_server_that_is_away_is_not_one_without_the_song(server):
    address = address_of(server, "song").replace(str(server.server_port), "1")
    with pytest.raises(OutOfReachError, match="Cannot connect to host"):
        load_audio(address)


def test_a_worker_knows_what_may_pass(server):
    with pytest.raises(OutOfReachError, match="500"):
        load_audio(address_of(server, "status500"), timeout=60)
    with pytest.raises(OutOfReachError, match="not decoded within 1 s"):
        load_audio(address_of(server, "stuck"), timeout=1)
    with pytest.raises(AudioError, match="no such file") as raised:
        load_audio(address_of(server, "status404"), timeout=60)
    assert not isinstance(raised.value, OutOfReachError)


def test_features_are_cached_where_a_server_gives_a_mark(server):
    assert identify(address_of(server, "song"))[-2:] == ("ETag", '"1"')
    assert identify(address_of(server, "no-mark")) is None
