"""The page that tells genres, in Chromium: `make test-browser` runs this."""

import csv
import functools
import json
import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from skgenre import (
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    SegmentVotingClassifier,
    SpectrogramScaler,
    export_model,
    load_model,
)
from skgenre.cli._app import app
from skgenre.datasets import make_genre_clips
from skgenre.web import collect_files, export_page, make_server

pytest.importorskip("skl2onnx")
api = pytest.importorskip("playwright.sync_api")
expect = api.expect

CHROMIUM = shutil.which("chromium")
CHECKS = Path(__file__).parents[2] / "tools" / "javascript" / "node_modules"
SR = 22050
# of the model that comes along, on a machine that does other things, too
PATIENCE = 60_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not CHECKS.exists(), reason="`make test-browser` runs these"),
]


@pytest.fixture(scope="module")
def browser():
    # Chromium refuses to be in a sandbox where it is run by root, as in containers
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=options) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return small model files: of 4 s in segments of 1 s, and of songs of any length."""
    folder = tmp_path_factory.mktemp("models")
    X, y = make_genre_clips(12, n_genres=4, duration=4.0, sr=SR, random_state=0)
    paths = {}
    for name, duration in (("segments", 4.0), ("any length", None)):
        clf = make_pipeline(
            MFCCSegmenter(sr=SR, duration=duration, n_segments=None, segment_duration=1.0),
            SpectrogramScaler(),
            SegmentVotingClassifier(LogisticRegression(C=1e-3)),
        )
        paths[name] = folder / f"{name}.onnx"
        export_model(clf.fit(X, y), paths[name])
    return paths


@pytest.fixture(scope="module")
def serve_files():
    """Return a function that serves files, and gives the address of their folder."""
    servers = []

    def serve_files(files):
        server = make_server(files, port=0)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve_files
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def serve(serve_files):
    """Return a function that serves the page with a model, and gives its address."""
    return functools.cache(lambda model: serve_files(collect_files(model)))


@pytest.fixture
def open_page(browser, serve):
    """Return a function that opens the page and waits until it is ready.

    Nothing may be asked of other computers, and nothing may be wrong in the console.
    """
    contexts, faults = [], []

    def open_page(model="gtzan-10", address=None, **options):
        address = address or serve(model)
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        home = address.removesuffix("index.html")
        context.on("request", lambda request: check(request.url, home))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.goto(address)
        expect(page.locator("#status")).to_have_text("Ready", timeout=PATIENCE)
        return page

    def check(url, home):
        # a blob is in the memory of the browser
        if not url.startswith((home, "blob:")):
            faults.append(f"asked for {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def write(encode, tmp_path_factory):
    """Return a function that writes samples to a file of any format."""
    folder = tmp_path_factory.mktemp("songs")

    def write(name, y, sr=44100, **options):
        path = folder / name
        if path.suffix == ".m4a":
            encode(path, y, sr, "aac")
        else:
            sf.write(path, np.asarray(y).T, sr, **options)
        return path

    return write


@pytest.fixture(scope="module")
def clips():
    """Invented songs of ten genres, at the rate that most files have."""
    X, _ = make_genre_clips(10, duration=34.0, sr=44100, random_state=3)
    return X


def drop(page, *paths):
    """Drop files on the page, and wait until it has heard the one that it shows."""
    page.set_input_files("#files", [*map(str, paths)])
    is_done = re.compile(r"^(?!Listening|Getting)")
    expect(page.locator("#status")).to_have_text(is_done, timeout=2 * PATIENCE)


def save(page):
    """Return the rows of the CSV file that the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "genres.csv"
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_bars(page, which="genres"):
    """Return what a list of bars shows, in its order."""
    lines = page.locator(f"#{which} li").all()
    texts = [[span.inner_text() for span in line.locator("span").all()] for line in lines]
    return {name: int(percent.rstrip("%")) / 100 for name, *_, percent in texts}


def read_band(page):
    """Return the genres through a song: starts, ends, genres and confidences."""
    pattern = re.compile(r"(\d+):(\d+) to (\d+):(\d+): (?:(.*), (\d+)% sure|silence)")
    found = [
        pattern.fullmatch(button.get_attribute("aria-label")).groups()
        for button in page.locator("#band button").all()
    ]
    return [
        (60 * int(a) + int(b), 60 * int(c) + int(d), genre, genre and int(percent) / 100)
        for a, b, c, d, genre, percent in found
    ]


def hear_band(model, path):
    """Return the same, as `skgenre timeline` has it."""
    arguments = ["timeline", str(path), "--model", str(model), "--format", "json"]
    rows = json.loads(CliRunner().invoke(app, arguments).stdout)
    return [tuple(row.values()) for row in rows]


def check_band(found, expected):
    assert [row[2] for row in found] == [row[2] for row in expected]
    for row, right in zip(found, expected, strict=True):
        assert row[:2] == pytest.approx(right[:2], abs=1)
        assert row[3] == pytest.approx(right[3], abs=0.02)


@pytest.mark.parametrize("name", ["song.wav", "song.mp3", "song.m4a", "stereo.mp3", "22 kHz.wav"])
def test_answers_are_those_of_load_model(name, open_page, write, clips):
    number = ["song.wav", "song.mp3", "song.m4a", "stereo.mp3", "22 kHz.wav"].index(name)
    y, sr = clips[number], 44100
    if name == "stereo.mp3":
        y = np.stack([y, clips[number + 1]])
    if name == "22 kHz.wav":
        y, sr = y[::2], 22050
    song = write(name, y, sr)
    clf = load_model("gtzan-10")
    proba = clf.predict_proba([song])[0]
    page = open_page()
    drop(page, song)
    bars = read_bars(page)
    assert sorted(bars) == sorted(clf.classes_)
    in_order = [proba[clf.classes_.tolist().index(genre)] for genre in bars]
    # shown are whole percents
    np.testing.assert_allclose([*bars.values()], in_order, atol=0.02)
    assert next(iter(bars)) == page.locator("#genre").inner_text() == clf.predict([song])[0]
    assert (np.diff(in_order) < 0.005).all()
    check_band(read_band(page), hear_band("gtzan-10", song))
    tags = OnnxEmbedder(sr=16000).set_output(transform="pandas").fit_transform([song]).iloc[0]
    tags.index = tags.index.str.slice(len("tags_"), -len("_mean")).str.replace("_", " ")
    shown = read_bars(page, "tags")
    assert len(shown) == 10
    np.testing.assert_allclose([*shown.values()], tags[[*shown]], atol=0.02)
    np.testing.assert_allclose([*shown.values()], tags.nlargest(10), atol=0.02)


def test_a_table_of_many_songs(open_page, models, write, clips, tmp_path):
    songs = [write(name, clips[i]) for i, name in enumerate(["a.wav", "b.mp3", '"c", d.m4a'])]
    odd = [shutil.copy(songs[0], songs[0].with_name("=1+1.wav"))]
    odd.append(shutil.copy(songs[1], songs[0].with_name("<img src=x onerror=alert(1)>.mp3")))
    bad = {
        "text.mp3": b"This is no song.",
        "empty.wav": b"",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "cut.wav": songs[0].read_bytes()[:30],
        "cut.m4a": songs[2].read_bytes()[:2000],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    silent = write("silent.wav", np.zeros(4 * 44100))
    page = open_page(models["segments"])
    drop(page, *songs, *odd, *(tmp_path / name for name in bad), silent)
    clf = load_model(models["segments"])
    proba = clf.predict_proba([*songs, *odd])
    names = [*(path.name for path in songs), "./=1+1.wav", odd[1].name]
    rows = save(page)
    assert [row["path"] for row in rows] == [*names, *bad, "silent.wav"]
    for row, right in zip(rows, proba, strict=False):
        order = right.argsort()[::-1]
        ranked = [row["genre"], row["genre_2"], row["genre_3"]]
        assert ranked == clf.classes_[order[:3]].tolist()
        sure = [float(row[f"confidence{end}"]) for end in ("", "_2", "_3")]
        np.testing.assert_allclose(sure, right[order[:3]], atol=0.02)
        assert row["error"] == ""
    for row in rows[len(names) :]:
        assert row["genre"] == ""
        assert row["error"]
    assert "nothing to hear in its first 4 s" in rows[-1]["error"]
    assert "no whole WAV file" in rows[6]["error"] + rows[8]["error"]
    told = page.locator("#errors p").all_inner_texts()
    assert told[0] == "text.mp3: this browser cannot read it as audio."
    assert len(told) == len(bad) + 1
    cells = page.locator("#rows tr").nth(1).locator("th, td").all_inner_texts()
    assert cells[:2] == ["b.mp3", rows[1]["genre"]]
    # another one is shown at a click
    page.get_by_role("button", name="b.mp3", exact=True).click()
    expect(page.locator("#name")).to_have_text("b.mp3")
    assert page.locator("#song").is_visible()


def test_genres_through_a_song(open_page, models, write, clips):
    silence = np.zeros(44100)
    y = np.concatenate([clips[0][: 3 * 44100], *[silence] * 3, clips[7][: 3 * 44100 + 100]])
    song = write("parts.wav", y)
    # a model that hears any number of segments says all that is heard
    clf = load_model(models["any length"])
    page = open_page(models["any length"])
    drop(page, song)
    segments = clf.predict_segment_proba([song])[0]
    assert len(segments) == 9
    right = [(i, i + 1, clf.classes_[p.argmax()], p.max()) for i, p in enumerate(segments)]
    right[3:6] = [(3, 6, None, None)]
    joined = [list(right[0])]
    for row in right[1:]:
        if row[2] == joined[-1][2]:
            joined[-1][1] = row[1]
        else:
            joined.append(list(row))
    assert [row[:3] for row in read_band(page)] == [tuple(row[:3]) for row in joined]
    assert page.locator("#tagging").is_hidden()
    # one that hears the start alone is asked about windows
    page = open_page(models["segments"])
    song = write("long.mp3", np.concatenate([clips[4], clips[8][: 9 * 44100]]))
    drop(page, song)
    check_band(read_band(page), hear_band(models["segments"], song))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mix.mp3", {"compression_level": 0.0, "bitrate_mode": "CONSTANT"}),
        ("mix.wav", {"subtype": "FLOAT"}),
    ],
)
def test_a_mix_is_decoded_in_parts(name, options, open_page, models, write, clips):
    song = write(name, np.concatenate(clips[:8]), **options)
    size = song.stat().st_size
    assert size > 2 ** (23 if name == "mix.mp3" else 25)
    if name == "mix.mp3":
        # a cover comes before the sound
        tag = b"ID3\x04\0\0" + bytes([0, 1, 0, 0]) + bytes(2**14)
        song.write_bytes(tag + song.read_bytes())
    page = open_page(models["segments"])
    page.evaluate(
        """() => {
            globalThis.sizes = [];
            const decode = OfflineAudioContext.prototype.decodeAudioData;
            OfflineAudioContext.prototype.decodeAudioData = function (bytes) {
                sizes.push(bytes.byteLength);
                return decode.call(this, bytes);
            };
        }"""
    )
    drop(page, song)
    sizes = page.evaluate("sizes")
    assert len(sizes) > 1
    assert max(sizes) < size / 1.2
    check_band(read_band(page), hear_band(models["segments"], song))
    # the band is as long as the waveform, however many stretches it has
    band, last = page.locator("#band"), page.locator("#band button").last
    edges = [box["x"] + box["width"] for box in (band.bounding_box(), last.bounding_box())]
    assert edges[0] == pytest.approx(edges[1], abs=2)


def test_what_is_too_long(open_page, models, write):
    song = write("long.m4a", np.zeros(8000 * 21 * 60), 8000)
    page = open_page(models["segments"])
    drop(page, song)
    expect(page.locator("#errors")).to_have_text(
        "long.m4a: it lasts longer than 20 minutes; save it as MP3, which is heard in parts."
    )


def test_a_model_file_is_dropped(open_page, models, write, clips, tmp_path):
    songs = [write("a.wav", clips[0]), write("b.wav", clips[1])]
    page = open_page(models["any length"])
    expect(page.locator("#model")).to_have_text("any length.onnx")
    drop(page, *songs)
    before = [float(row["confidence"]) for row in save(page)]
    drop(page, models["segments"])
    expect(page.locator("#model")).to_have_text("segments.onnx")
    after = [float(row["confidence"]) for row in save(page)]
    proba = load_model(models["segments"]).predict_proba(songs).max(axis=1)
    np.testing.assert_allclose(after, proba, atol=0.02)
    assert before != after
    page.locator("summary").click()
    assert "the first 4 s, at 22050 Hz" in page.locator("#facts").inner_text()
    # what is none is refused, and the one before stays
    features = make_pipeline(
        MelSpectrogramTransformer(duration=1.0, n_mels=8),
        SpectrogramScaler(),
        SegmentVotingClassifier(LogisticRegression()),
    ).fit(clips[:4, :SR], ["a", "b"] * 2)
    export_model(features, tmp_path / "features.onnx", include_features=False)
    changed = bytearray(models["segments"].read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.onnx").write_bytes(changed)
    (tmp_path / "text.onnx").write_text("This is no model.")
    reasons = {
        "features": "the model takes features (MelSpectrogramTransformer)",
        "changed": "its checksum does not fit",
        "text": "it is not a model file of skgenre",
    }
    for name, reason in reasons.items():
        page.set_input_files("#files", str(tmp_path / f"{name}.onnx"))
        expect(page.locator("#errors")).to_contain_text(f"{name}.onnx: ")
        expect(page.locator("#errors")).to_contain_text(reason)
        expect(page.locator("#model")).to_have_text("segments.onnx")


def test_files_are_dropped_anywhere(open_page, models, write, clips):
    song = write("dropped.wav", clips[2][: 5 * 44100])
    page = open_page(models["segments"])
    # the input hands the page a file, which is then dropped on its heading
    transfer = page.evaluate_handle("() => new DataTransfer()")
    content = [*song.read_bytes()]
    transfer.evaluate(
        "(transfer, bytes) => transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.wav'))",
        content,
    )
    page.locator("h1").dispatch_event("dragover", {"dataTransfer": transfer})
    assert "is-over" in page.locator("body").get_attribute("class")
    page.locator("h1").dispatch_event("drop", {"dataTransfer": transfer})
    genre = load_model(models["segments"]).predict([song])[0]
    expect(page.locator("#genre")).to_have_text(genre)
    assert "is-over" not in page.locator("body").get_attribute("class")


def test_the_keyboard_is_enough(open_page, models, write, clips):
    song = write("keys.wav", np.concatenate([clips[0], clips[5]]))
    page = open_page(models["segments"])
    # from the first listener on, Chromium shows no window of its own to choose files in
    page.on("filechooser", lambda chooser: None)
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files([str(song), str(write("other.wav", clips[1]))])
    expect(page.locator("#status")).to_have_text(re.compile("keys.wav: "), timeout=PATIENCE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    position = page.get_by_role("slider", name="Position")
    expect(position).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#time")).to_have_text("1:08 / 1:08")
    assert position.get_attribute("aria-valuetext") == "1:08"
    page.keyboard.press("Home")
    expect(page.locator("#time")).to_have_text("0:00 / 1:08")
    stretches = page.locator("#band button")
    for _ in range(stretches.count()):
        page.keyboard.press("Tab")
    expect(stretches.last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Download CSV")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="other.wav")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_have_text("other.wav")
    expect(page.get_by_role("button", name="other.wav")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_fault(scheme, width, open_page, models, write, clips, tmp_path):
    size = {"width": width, "height": 844}
    # axe itself is a script that the policy keeps out
    page = open_page(models["segments"], viewport=size, color_scheme=scheme, bypass_csp=True)
    page.evaluate((CHECKS / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    (tmp_path / "text.mp3").write_text("no song")
    check_with_axe(page)
    drop(page, *(write(f"{i}.wav", clips[i]) for i in range(2)), tmp_path / "text.mp3")
    page.locator("summary").click()
    check_with_axe(page)
    # nothing is cut off at the side
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def check_with_axe(page):
    found = page.evaluate("axe.run()")["violations"]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == []


def test_a_browser_without_webassembly(browser, serve_files, models):
    files = collect_files(models["segments"])
    files["worker.mjs"] = b"delete globalThis.WebAssembly;" + files["worker.mjs"]
    page = browser.new_page()
    page.goto(serve_files(files))
    expect(page.locator("#status")).to_have_text("There is no model", timeout=PATIENCE)
    expect(page.locator("#errors")).to_contain_text("this browser has no WebAssembly")
    page.close()


def test_the_export_works_below_a_path(open_page, serve_files, models, write, clips, tmp_path):
    export_page(tmp_path, models["segments"])
    files = {
        f"music/try/{path.relative_to(tmp_path).as_posix()}": path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    page = open_page(address=serve_files(files) + "music/try/index.html")
    song = write("away.wav", clips[3])
    drop(page, song)
    genre = load_model(models["segments"]).predict([song])[0]
    expect(page.locator("#genre")).to_have_text(genre)
