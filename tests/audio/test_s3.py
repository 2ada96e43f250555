"""Songs and stores in an object storage, as Amazon's S3 is one, and what goes wrong there."""

from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skgenre import MelSpectrogramTransformer, extract_corpus, load_audio
from skgenre.audio import AudioError
from skgenre.audio import _isolation as isolation
from skgenre.audio import _remote as remote
from skgenre.datasets import load_music_library

pytestmark = pytest.mark.slow


MEL = MelSpectrogramTransformer(duration=1.5, n_mels=16)
SECRETS = "AKIAME", "secretword"


class Server:
    """moto's server behind a layer in which a test makes some requests go wrong."""

    def __init__(self):
        self._moto = pytest.importorskip("moto.server")
        self._app = self._moto.DomainDispatcherApplication(self._moto.create_backend_app)
        self._port = 0
        self.start()
        self.repair()

    def start(self):
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        self._server = make_server(
            "127.0.0.1", self._port, self, threaded=True, request_handler=MotoRequestHandler
        )
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._port}"

    def fail(self, method, part, fault, times=10**6):
        """Let a number of requests with a part of an address go wrong."""
        self._method, self._part, self._fault, self._left = method, part, fault, times

    def repair(self):
        self.fail("", "", None, times=0)

    def __call__(self, environ, start_response):
        is_meant = environ["REQUEST_METHOD"] == self._method and self._part in environ["PATH_INFO"]
        if not is_meant or not self._left:
            return self._app(environ, start_response)
        self._left -= 1
        return self._fault(self._app, environ, start_response)


def answer(status):
    def fault(app, environ, start_response):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Length", "0")])
        return []

    return fault


def cut(app, environ, start_response):
    body = b"".join(app(environ, start_response))
    return [body[: len(body) // 2]]


@pytest.fixture(scope="module")
def server():
    s3fs = pytest.importorskip("s3fs")
    server = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.address)
        patch.setenv("AWS_ACCESS_KEY_ID", SECRETS[0])
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[1])
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # botocore waits longer and longer between tries of its own
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        s3fs.S3FileSystem.clear_instance_cache()
        # what other tests started does not know these
        isolation._shared.close()
        yield server
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def bucket(server):
    """Return the file system of a server on this machine, with a bucket ``music``."""
    import s3fs

    files = s3fs.S3FileSystem()
    files.mkdir("music")
    return files


@pytest.fixture
def impatient(server, monkeypatch, caplog, recwarn):
    """Wait for nothing between tries; look for secrets and repair the server in the end."""
    monkeypatch.setattr("skgenre._servers._PAUSES", (0, 0, None))
    yield
    server.repair()
    said = [*caplog.messages, *(str(warning.message) for warning in recwarn)]
    assert not [message for message in said if any(secret in message for secret in SECRETS)]


@pytest.fixture(scope="module")
def addresses(bucket, song_files):
    found = []
    for path, genre in zip(song_files[0], song_files[1], strict=True):
        address = f"s3://music/songs/{genre}/{Path(path).name}"
        bucket.put(path, address)
        found.append(address)
    return found


def test_songs_are_as_on_disk(addresses, song_files):
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))
    assert_array_equal(load_audio(addresses[1], timeout=60), load_audio(song_files[0][1]))
    with pytest.raises(AudioError, match="no such file"):
        load_audio("s3://music/songs/gone.wav")
    with pytest.raises(AudioError, match="no such file"):
        load_audio("s3://no-such-bucket/song.wav")


def test_colons_in_a_name_are_no_chain_of_file_systems(bucket, song_files):
    bucket.put(song_files[0][0], "music/colons/blues/a::b.flac")
    (found,) = load_music_library("S3://music/colons", artist="folder", min_songs=1).paths
    assert found == "S3://music/colons/blues/a::b.flac"
    assert_array_equal(load_audio(found), load_audio(song_files[0][0]))


def test_a_library_is_listed_with_its_artists(addresses, bucket, song_files):
    songs = load_music_library("s3://music/songs", artist="folder")
    assert sorted(songs.paths) == sorted(addresses)
    assert set(songs.target) == set(song_files[1])


def files_of(bucket, store):
    bucket.invalidate_cache()
    return {path.split("/", 2)[2]: bucket.cat(path) for path in bucket.find(store)}


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_features_go_from_bucket_to_bucket(addresses, bucket, song_files, tmp_path, n_jobs):
    mel = clone(MEL).set_params(n_jobs=n_jobs)
    paths = [*addresses, "s3://music/songs/gone.wav"]
    out = f"s3://music/features-{n_jobs}"
    corpus = extract_corpus(mel, paths, out, chunk=4)
    assert_array_equal(corpus.features[:-1], mel.fit_transform(song_files[0]))
    assert corpus.errors == {paths[-1]: "no such file"}
    extract_corpus(mel, paths, tmp_path / "features", chunk=4)
    local = {
        str(path.relative_to(tmp_path / "features")): path.read_bytes()
        for path in (tmp_path / "features").rglob("*")
        if path.is_file()
    }
    assert files_of(bucket, out) == local
    bucket.rm(f"{out}/state/c/3")
    assert np.array_equal(
        extract_corpus(mel, paths, out, chunk=4).features[:], corpus.features[:], equal_nan=True
    )
    assert bucket.exists(f"{out}/state/c/3")


def load_in_vain(address):
    """Return why a song cannot be read."""
    with pytest.raises(AudioError) as raised:
        load_audio(address)
    assert not any(secret in str(raised.value) for secret in SECRETS)
    return raised.value.failures[address]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (answer("500 Internal Server Error"), "Internal Server Error"),
        (answer("503 Slow Down"), "Service Unavailable"),
        (cut, "Not enough data"),
    ],
)
def test_a_server_that_fails_for_a_moment_is_asked_again(
    impatient, server, addresses, song_files, fault, said
):
    server.fail("GET", "/songs/", fault, times=2)
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))
    server.fail("HEAD", "/songs/", fault, times=2)
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))
    server.fail("GET", "/songs/", fault)
    assert said in load_in_vain(addresses[0])


def test_no_permission_is_no_reason_to_ask_again(impatient, server, addresses, song_files):
    server.fail("GET", "/songs/", answer("403 Forbidden"), times=1)
    assert load_in_vain(addresses[0]) == "permission denied"
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))


@pytest.mark.parametrize(
    ("method", "where"),
    [
        ("HEAD", "before the head"),
        ("GET", "before the head"),
        ("GET", "in the body"),
        ("GET", "between bytes"),
    ],
)
def test_a_server_that_stops_answering_is_not_waited_for(
    impatient, server, addresses, song_files, monkeypatch, method, where
):
    is_over = Event()

    def stop(app, environ, start_response):
        if where == "before the head":
            is_over.wait()
        body = b"".join(app(environ, start_response))
        for i in range(len(body) - 1):
            yield body[i : i + 1]
            is_over.wait(None if where == "in the body" else 0.01)

    monkeypatch.setattr(remote, "_MOST_SECONDS", 1.0)
    server.fail(method, "/songs/", stop)
    assert load_in_vain(addresses[0]) == "not downloaded within 1 s"
    is_over.set()
    server.repair()
    monkeypatch.undo()
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))


def test_an_answer_that_never_ends_is_said_to_be_one(
    impatient, server, addresses, bucket, monkeypatch
):
    is_over = Event()

    def stop(app, environ, start_response):
        yield b"".join(app(environ, start_response))[:1000]
        is_over.wait()

    monkeypatch.setattr(type(bucket), "read_timeout", 0.1)
    bucket.clear_instance_cache()
    server.fail("GET", "/songs/", stop)
    assert "the server stopped answering" in load_in_vain(addresses[0])
    is_over.set()
    bucket.clear_instance_cache()


def test_no_song_is_of_two_versions(impatient, server, bucket, tmp_path, monkeypatch):
    waveforms = np.random.default_rng(0).normal(scale=0.1, size=(2, 30000)).astype(np.float32)
    files = []
    for i, waveform in enumerate(waveforms):
        soundfile.write(tmp_path / f"{i}.wav", waveform, 22050, subtype="FLOAT")
        files.append((tmp_path / f"{i}.wav").read_bytes())
    bucket.pipe("music/change.wav", files[0])
    n_asked = 0

    def replace_before_second(app, environ, start_response):
        nonlocal n_asked
        n_asked += 1
        if n_asked == 2:
            bucket.pipe("music/change.wav", files[1])
        return app(environ, start_response)

    monkeypatch.setattr(remote, "_BLOCK_BYTES", 20_000)
    server.fail("GET", "/change.wav", replace_before_second)
    assert_array_equal(load_audio("s3://music/change.wav"), waveforms[1])
    assert n_asked > 4


def test_a_server_may_go_and_come_back(
    impatient, server, addresses, song_files, bucket, monkeypatch
):
    server.stop()
    assert "Could not connect" in load_in_vain(addresses[0])
    monkeypatch.setattr("skgenre._servers.time.sleep", lambda _: server.start())
    assert_array_equal(load_audio(addresses[0]), load_audio(song_files[0][0]))


def test_songs_that_cannot_be_had_cost_their_rows(impatient, server, addresses, song_files):
    broken = addresses[3]
    server.fail("GET", broken.rpartition("/")[2], answer("500 Internal Server Error"))
    corpus = extract_corpus(MEL, addresses, "s3://music/gaps", chunk=4)
    assert list(corpus.errors) == [broken]
    assert "Internal Server Error" in corpus.errors[broken]
    expected = MEL.fit_transform(song_files[0])
    expected[3] = np.nan
    assert_array_equal(corpus.features[:], expected)


@pytest.mark.parametrize("settings", [{}, {"timeout": 60}, {"n_jobs": 2}])
def test_songs_lost_in_an_outage_are_read_by_the_next_call(
    impatient, server, addresses, bucket, undisturbed, settings
):
    mel, out = clone(MEL).set_params(**settings), f"s3://music/outage-{len(str(settings))}"
    server.fail("GET", addresses[3].rpartition("/")[2], answer("500 Internal Server Error"))
    assert list(extract_corpus(mel, addresses, out, chunk=4).errors) == [addresses[3]]
    server.repair()
    assert extract_corpus(mel, addresses, out, chunk=4).errors == {}
    assert files_of(bucket, out) == undisturbed


@pytest.fixture(scope="module")
def undisturbed(bucket, addresses):
    extract_corpus(MEL, addresses, "s3://music/undisturbed", chunk=4)
    return files_of(bucket, "s3://music/undisturbed")


@pytest.mark.parametrize(
    ("part", "n_jobs"),
    [
        ("zarr.json", None),
        ("/paths/c/", None),
        ("/features/c/1", None),
        ("/state/c/1", None),
        ("/features/c/1", 2),
    ],
)
def test_a_store_that_fails_for_good_is_continued(
    impatient, server, addresses, bucket, undisturbed, part, n_jobs
):
    mel = clone(MEL).set_params(n_jobs=n_jobs)
    out = f"s3://music/broken-{n_jobs}-{part.replace('/', '')}"
    server.fail("PUT", part, answer("500 Internal Server Error"))
    with pytest.raises(OSError, match=f"The store {out} cannot .* Internal Server Error.* contin"):
        extract_corpus(mel, addresses, out, chunk=4)
    server.repair()
    extract_corpus(mel, addresses, out, chunk=4)
    assert files_of(bucket, out) == undisturbed


def test_a_store_that_fails_for_a_moment_costs_nothing(
    impatient, server, addresses, bucket, undisturbed
):
    server.fail("PUT", "/moment/", answer("503 Slow Down"), times=2)
    extract_corpus(MEL, addresses, "s3://music/moment", chunk=4)
    server.fail("PUT", "/moment/state/", answer("500 Internal Server Error"), times=2)
    bucket.rm("music/moment/state/c/3")
    extract_corpus(MEL, addresses, "s3://music/moment", chunk=4)
    server.fail("GET", "/moment/", answer("500 Internal Server Error"), times=2)
    extract_corpus(MEL, addresses, "s3://music/moment", chunk=4)
    assert files_of(bucket, "s3://music/moment") == undisturbed


def test_a_store_without_permission_is_named(impatient, server, addresses):
    server.fail("PUT", "/closed/", answer("403 Forbidden"))
    with pytest.raises(PermissionError, match=r"The store s3://music/closed .* permission denied"):
        extract_corpus(MEL, addresses, "s3://music/closed", chunk=4)
    with pytest.raises(FileNotFoundError, match=r"s3://no-such-bucket/mel .* does not exist"):
        extract_corpus(MEL, addresses, "s3://no-such-bucket/mel", chunk=4)
