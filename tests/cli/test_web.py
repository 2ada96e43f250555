"""The command that serves the page, and the files that it serves."""

import http.client
import queue
import re
import runpy
import shutil
import signal
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import (
    MelSpectrogramTransformer,
    SegmentVotingClassifier,
    SpectrogramScaler,
    export_model,
)
from skgenre.web import _files, collect_files, export_page, make_server
from skgenre.web._serve import _POLICY


@pytest.fixture
def vendor(monkeypatch, tmp_path):
    """Let the page be whole where nothing was fetched."""
    folder = tmp_path / "web"
    shutil.copytree(_files._FOLDER, folder, ignore=shutil.ignore_patterns("vendor", "*.py"))
    (folder / "vendor").mkdir()
    for name in _files._VENDOR:
        (folder / name).write_bytes(b"runtime")
    shutil.copytree(_files._FOLDER.parent / "data", tmp_path / "data")
    monkeypatch.setattr(_files, "_FOLDER", folder)
    return folder / "vendor"


@pytest.fixture
def serve():
    """Return a function that serves files, and gives a function that asks for one."""
    servers = []

    def serve(files, **where):
        server = make_server(files, port=0, **where)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()

        def ask(path, method="GET", host="127.0.0.1"):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", f"{host}:{server.server_port}")
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, dict(answer.getheaders()), body

        return ask

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


FILES = {"index.html": b"<p>page", "page.mjs": b"1", "vendor/a.wasm": b"\0asm", "model.onnx": b"m"}


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/", "index.html", "text/html"),
        ("/index.html?x=1", "index.html", "text/html"),
        ("/page.mjs", "page.mjs", "text/javascript"),
        ("/page%2Emjs", "page.mjs", "text/javascript"),
        ("/vendor/a.wasm", "vendor/a.wasm", "application/wasm"),
        ("/model.onnx", "model.onnx", "application/octet-stream"),
    ],
)
def test_each_file_is_served_under_a_policy(path, name, kind, serve):
    ask = serve(FILES)
    status, headers, body = ask(path)
    assert (status, body) == (200, FILES[name])
    assert headers["Content-Type"].split(";")[0] == kind
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe-inline" not in policy
    assert ask(path, "HEAD")[::2] == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/etc/passwd",
        "/..%5C..%5Cwindows",
        "/vendor",
        "/vendor/",
        "/vendor/../page.mjs",
        "/page.mjs/",
        "/page.mjs%00",
        "/_serve.py",
        "/PAGE.MJS",
        "http://example.org/etc/passwd",
    ],
)
def test_no_other_file_is_reachable(path, serve):
    status, headers, _ = serve(FILES)(path)
    assert status == 404
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_only_this_computer_may_ask(serve):
    ask = serve(FILES)
    assert ask("/", host="localhost")[0] == 200
    # a page of strangers whose name leads here
    assert ask("/model.onnx", host="evil.example")[0] == 404
    assert ask("/", "POST")[0] == 501
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", ask.__closure__[0].cell_contents.server_port), 5)


def test_the_page_has_all_that_it_names(vendor):
    files = collect_files()
    page = files["index.html"].decode()
    named = set(re.findall(r'(?:href|src)="([^"#:]+)"', page))
    named |= {
        name.removeprefix("./")
        for path, content in files.items()
        if path.endswith(".mjs")
        for name in re.findall(r'["]((?:\./)?[\w/.-]+\.(?:m?js|onnx))"', content.decode())
    }
    assert named <= files.keys()
    assert files["model.onnx"] == (_files._FOLDER.parent / "data/gtzan-10.onnx").read_bytes()
    # what the header says, for other hosts
    policy = re.search(r'content="(default-src[^"]*)"', page)[1]
    assert policy == _POLICY.replace("; frame-ancestors 'none'", "")


def test_a_model_of_ones_own(vendor, tmp_path):
    pytest.importorskip("skl2onnx")
    clf = make_pipeline(
        MelSpectrogramTransformer(duration=1.0, n_mels=8),
        SpectrogramScaler(),
        SegmentVotingClassifier(LogisticRegression()),
    )
    clf.fit(np.random.default_rng(0).uniform(-1, 1, (4, 22050)), ["a", "b"] * 2)
    path = tmp_path / '<mine> & "yours".onnx'
    export_model(clf, path)
    files = collect_files(path)
    assert files["model.onnx"] == path.read_bytes()
    assert b'data-model="&lt;mine&gt; &amp; &quot;yours&quot;.onnx"' in files["index.html"]
    export_model(clf, path, include_features=False)
    with pytest.raises(ValueError, match="takes features, and a browser has none"):
        collect_files(path)
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match="not a model file"):
        collect_files(path)


@pytest.fixture
def serve_folder():
    """Return a function that serves a folder as any web server does."""
    servers = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def serve_folder(folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()

        def ask(path):
            with urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=10) as answer:
                return answer.read()

        return ask

    yield serve_folder
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_export_works_below_a_path(vendor, tmp_path, serve_folder, skgenre):
    folder = tmp_path / "public" / "try it"
    for _ in range(2):
        done = skgenre("web", "--export", folder)
        assert done.status == 0
        assert "any web server" in done.stdout
    files = collect_files()
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == files.keys()
    ask = serve_folder(tmp_path / "public")
    for name, content in files.items():
        assert ask(f"/try%20it/{name}") == content


def test_the_export_leaves_other_files_alone(vendor, tmp_path, skgenre):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    done = skgenre("web", "--export", tmp_path / "home")
    assert done.status == 2
    assert "has other files in it, such as thesis.txt" in done.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.txt"]
    done = skgenre("web", "--export", tmp_path / "home" / "thesis.txt")
    assert done.status == 2
    assert "thesis.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_onnxruntime_web(vendor, tmp_path, monkeypatch, skgenre):
    shutil.rmtree(vendor)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    done = skgenre("web", "--no-browser")
    assert done.status == 2
    assert "onnxruntime-web is missing" in done.stderr
    assert "install skgenre again" in done.stderr
    with pytest.raises(FileNotFoundError, match="onnxruntime-web is missing"):
        export_page(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_checkout_fetches_it(vendor, tmp_path, monkeypatch):
    shutil.rmtree(vendor)
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "vendor_web.py"
    monkeypatch.setattr(_files, "_FOLDER", tmp_path / "skgenre" / "web")
    shutil.move(tmp_path / "web", tmp_path / "skgenre" / "web")
    shutil.move(tmp_path / "data", tmp_path / "skgenre" / "data")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    script.write_text("raise SystemExit(1)")
    with pytest.raises(FileNotFoundError, match="could not be fetched"):
        collect_files()
    script.write_text(
        "from pathlib import Path\n"
        "folder = Path(__file__).parents[1] / 'skgenre/web/vendor'\n"
        "folder.mkdir()\n"
        f"for name in {_files._VENDOR}:\n"
        "    (folder.parent / name).write_text('fetched')\n"
    )
    assert collect_files()[_files._VENDOR[0]] == b"fetched"


@pytest.fixture
def vendor_script(tmp_path):
    """Return a copy of the script that fetches onnxruntime-web."""
    script = tmp_path / "tools" / "vendor_web.py"
    script.parent.mkdir()
    (tmp_path / "skgenre" / "web").mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "tools" / "vendor_web.py", script)
    return script


def test_only_the_package_that_was_pinned_is_used(vendor_script, tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\necho changed > "$5/onnxruntime-web.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: npm)
    with pytest.raises(SystemExit, match=r"has the SHA-512 \S+, and not q0y\+JrrtukX"):
        runpy.run_path(str(vendor_script), run_name="__main__")
    npm.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SystemExit, match="npm could not fetch onnxruntime-web"):
        runpy.run_path(str(vendor_script), run_name="__main__")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="npm fetches onnxruntime-web@"):
        runpy.run_path(str(vendor_script), run_name="__main__")
    assert not any((tmp_path / "skgenre" / "web").iterdir())


def test_a_port_that_is_taken(vendor, skgenre):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = skgenre("web", "--no-browser", "--port", port)
    assert done.status == 2
    assert f"Cannot listen on 127.0.0.1, port {port}" in done.stderr
    assert "Choose another --port" in done.stderr


def test_an_address_that_is_none(vendor, skgenre):
    done = skgenre("web", "--no-browser", "--host", "no.such.host.invalid")
    assert done.status == 2
    assert "Cannot listen on no.such.host.invalid" in done.stderr


@pytest.mark.parametrize(
    ("host", "is_warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)]
)
def test_the_command_serves_until_it_is_stopped(host, is_warned, vendor, monkeypatch, skgenre):
    opened = queue.Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr("skgenre.web._serve._Server.serve_forever", _interrupt)
    done = skgenre("web", "--port", 0, "--host", host)
    assert done.status == 130
    address = re.search(r"The page is at (http://[\w.]+:\d+/) until", done.stdout)[1]
    assert opened.get(timeout=10) == address
    assert ("everybody who can reach" in done.stderr) == is_warned


def _interrupt(server):
    raise KeyboardInterrupt


def test_ctrl_c_ends_it(start):
    if not all((_files._FOLDER / name).exists() for name in _files._VENDOR):
        pytest.skip("onnxruntime-web is not there")
    process = start("web", "--no-browser", "--port", 0)
    address = re.search(rb"http://\S+", process.stdout.readline())[0].decode()
    with urlopen(address, timeout=10) as answer:
        assert b"What genre is your music?" in answer.read()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""
