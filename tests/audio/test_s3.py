"""Songs and stores in an object storage, as Amazon's S3 is one."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skgenre import MelSpectrogramTransformer, extract_corpus, load_audio
from skgenre.audio import AudioError
from skgenre.datasets import load_music_library

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """Return the file system of a server on this machine, with a bucket ``music``."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    s3fs = pytest.importorskip("s3fs")
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "me")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "word")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem()
        files.mkdir("music")
        yield files
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


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


def test_a_library_is_listed_with_its_artists(addresses, bucket, song_files):
    songs = load_music_library("s3://music/songs", artist="folder")
    assert sorted(songs.paths) == sorted(addresses)
    assert set(songs.target) == set(song_files[1])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_features_go_from_bucket_to_bucket(addresses, bucket, song_files, tmp_path, n_jobs):
    mel = MelSpectrogramTransformer(duration=1.5, n_mels=16, n_jobs=n_jobs)
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
    there = bucket.find(out)
    assert {path.split("/", 2)[2]: bucket.cat(path) for path in there} == local
    bucket.rm(f"{out}/state/c/3")
    assert np.array_equal(
        extract_corpus(mel, paths, out, chunk=4).features[:], corpus.features[:], equal_nan=True
    )
    assert bucket.exists(f"{out}/state/c/3")
