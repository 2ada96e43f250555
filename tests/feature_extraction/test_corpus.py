"""Features of any number of songs in a store, which interruptions do not change."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import distributed
import numpy as np
import pandas as pd
import pytest
import zarr
from numpy.testing import assert_array_equal

from skgenre import MelSpectrogramTransformer, MFCCSegmenter, OnnxEmbedder, extract_corpus
from skgenre.feature_extraction._corpus_store import CorpusStore

MEL = MelSpectrogramTransformer(duration=1.5, n_mels=16)


@pytest.fixture(scope="module")
def paths(song_files, tmp_path_factory):
    """Return the songs and two files that cannot be read."""
    broken = tmp_path_factory.mktemp("broken") / "broken\n.wav"
    broken.write_bytes(b"no music")
    return [*song_files[0], str(broken), "gone.wav"]


@pytest.fixture(scope="module")
def expected(song_files):
    return MEL.fit_transform(song_files[0])


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def undisturbed(paths, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "store"
    extract_corpus(MEL, paths, out, chunk=4)
    return files_of(out)


def test_features_and_errors_are_side_by_side(paths, expected, tmp_path):
    corpus = extract_corpus(MEL, paths, tmp_path / "store", chunk=5)
    assert_array_equal(corpus.features[:24], expected)
    assert np.isnan(corpus.features[24:]).all()
    assert list(corpus.errors) == paths[24:]
    assert corpus.errors["gone.wav"] == "no such file"
    store = zarr.open_group(tmp_path / "store", mode="r")
    assert store["state"][:].tolist() == [1] * 24 + [2] * 2
    assert (store["errors"][:24] == "").all()
    assert str(store["paths"][24]).endswith(r"broken\n.wav")


@pytest.mark.parametrize("where", ["two processes", pytest.param("Dask", marks=pytest.mark.slow)])
def test_any_workers_write_the_same_bytes(paths, undisturbed, tmp_path, where):
    if where == "Dask":
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=2, dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            extract_corpus(MEL, paths, tmp_path / "store", chunk=4, client=client)
    else:
        mel = MelSpectrogramTransformer(duration=1.5, n_mels=16, n_jobs=2, on_error="nan")
        extract_corpus(mel, np.array(paths), tmp_path / "store", chunk=4)
    assert files_of(tmp_path / "store") == undisturbed


def test_a_complete_store_is_only_read(paths, undisturbed, tmp_path):
    extract_corpus(MEL, paths, tmp_path / "store", chunk=4)
    changed = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")}
    corpus = extract_corpus(MEL, paths, tmp_path / "store", chunk=4)
    assert len(corpus.errors) == 2
    assert changed == {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")}


def test_a_killed_run_is_completed(paths, undisturbed, tmp_path):
    code = (
        "import sys; from skgenre import MelSpectrogramTransformer, extract_corpus\n"
        "mel = MelSpectrogramTransformer(duration=1.5, n_mels=16)\n"
        "for number in range(1000): extract_corpus(mel, sys.argv[2:], sys.argv[1], chunk=4)"
    )
    out = tmp_path / "store"
    process = subprocess.Popen([sys.executable, "-c", code, out, *paths])
    while not any((out / "state").glob("c/*")):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    (out / "features" / "c" / "0.0123.partial").write_bytes(b"half")
    extract_corpus(MEL, paths, out, chunk=4)
    assert files_of(out) == undisturbed


def test_what_is_missing_is_computed_again(paths, undisturbed, tmp_path):
    out = tmp_path / "store"
    extract_corpus(MEL, paths, out, chunk=4)
    for lost in ("state/c/2", "state/c/6", "features/c/2/0/0"):
        (out / lost).unlink()
    # as after a power cut
    for damaged in ("state/c/1", "state/c/6"):
        (out / damaged).write_bytes(b"")
    extract_corpus(MEL, paths, out, chunk=np.int64(4))
    assert files_of(out) == undisturbed


def test_a_store_of_something_else_is_left_alone(paths, undisturbed, tmp_path):
    out = tmp_path / "store"
    extract_corpus(MEL, paths, out, chunk=4)
    with pytest.raises(ValueError, match="differ in parameters"):
        extract_corpus(MelSpectrogramTransformer(duration=1.5, n_mels=8), paths, out, chunk=4)
    with pytest.raises(ValueError, match="differ in transformer, parameters"):
        extract_corpus(MFCCSegmenter(duration=1.5, n_segments=2), paths, out, chunk=4)
    with pytest.raises(ValueError, match="differ in paths"):
        extract_corpus(MEL, paths[::-1], out, chunk=4)
    with pytest.raises(ValueError, match="differ in chunk"):
        extract_corpus(MEL, paths, out, chunk=3)
    assert files_of(out) == undisturbed
    zarr.open_group(tmp_path / "other", mode="w").attrs["mine"] = 1
    zarr.create_array(tmp_path / "array", shape=(3,), dtype="f4")
    zarr.open_group(tmp_path / "old", mode="w", zarr_format=2)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "zarr.json").write_bytes(b"")
    shutil.rmtree(out / "features")
    for name in ("other", "array", "old", "cut", "store"):
        with pytest.raises(ValueError, match=f"out='.*{name}' is .*something else"):
            extract_corpus(MEL, paths, tmp_path / name, chunk=4)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"out='.*file' is a file"):
        extract_corpus(MEL, paths, tmp_path / "file")


@pytest.mark.slow
def test_the_current_folder_does_not_matter(song_files, tmp_path, monkeypatch):
    for folder, song in zip(("one", "two"), song_files[0][:2], strict=True):
        (tmp_path / folder).mkdir()
        shutil.copy(song, tmp_path / folder / "song.wav")
    with (
        distributed.LocalCluster(n_workers=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(1)
        # the workers stay where they are
        monkeypatch.chdir(tmp_path / "one")
        corpus = extract_corpus(MEL, [Path("song.wav")], "store", client=client)
    assert_array_equal(corpus.features, MEL.fit_transform(["song.wav"]))
    assert (tmp_path / "one" / "store").is_dir()
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(ValueError, match="differ in paths"):
        extract_corpus(MEL, ["song.wav"], tmp_path / "one" / "store")


def test_what_other_processes_do_not_see_is_refused(paths, tmp_path):
    mel = MelSpectrogramTransformer(duration=1.5, n_jobs=2)
    with pytest.raises(ValueError, match=r"paths\[1\] is in memory://"):
        extract_corpus(mel, [paths[0], "memory://song.wav"], tmp_path / "store")
    with pytest.raises(ValueError, match="out is in memory://"):
        extract_corpus(mel, paths, "memory://store")


class Deadly(MelSpectrogramTransformer):
    def _make_kernel(self):
        os._exit(3)


def test_songs_that_end_their_worker_again_and_again_are_named(paths, tmp_path, monkeypatch):
    monkeypatch.setattr("skgenre._workers._MOST_TRIES", 2)
    expected = f"lost 2 times .* reads {re.escape(', '.join(paths[:5]))} and 3 more"
    with pytest.raises(RuntimeError, match=expected):
        extract_corpus(Deadly(duration=1.5, n_jobs=2), paths[:8], tmp_path / "store", chunk=8)


@pytest.mark.parametrize(
    ("transformer", "chunk", "together"),
    [
        # a kilobyte a song, 66 and 660
        (OnnxEmbedder(outputs=("tags", "penultimate")), 64, 64),
        (OnnxEmbedder(outputs=("tags", "penultimate")), 1000, 250),
        (MFCCSegmenter(duration=30.0, n_segments=10, n_mfcc=13), 64, 2),
        (MFCCSegmenter(duration=30.0, n_segments=10, n_mfcc=13), 63, 3),
        (MelSpectrogramTransformer(duration=30.0), 64, 1),
    ],
)
def test_small_features_of_some_songs_are_compressed_together(
    transformer, chunk, together, tmp_path
):
    paths = [f"{i}.wav" for i in range(1000)]
    features = CorpusStore.begin(tmp_path / "store", transformer, paths, chunk).group["features"]
    assert (features.shards[0], features.chunks[0]) == (chunk, together)


def test_wrong_use_is_named(paths, tmp_path):
    out = tmp_path / "store"
    with pytest.raises(ValueError, match="extract_corpus needs clips of one shape"):
        extract_corpus(MelSpectrogramTransformer(duration=None), paths, out)
    with pytest.raises(TypeError, match=r"paths\[1\] must be the path of a song, got float"):
        extract_corpus(MEL, ["a.wav", 3.0], out)
    with pytest.raises(ValueError, match="paths is empty"):
        extract_corpus(MEL, [], out)
    for strange in ({"song.wav"}, {"song.wav": 1}, np.array("song.wav"), pd.DataFrame([paths])):
        with pytest.raises(TypeError, match="paths must be a sequence of paths, got"):
            extract_corpus(MEL, strange, out)
    with pytest.raises(ValueError, match="out is empty"):
        extract_corpus(MEL, paths, "")
    with pytest.raises(ValueError, match="'n_jobs' parameter"):
        extract_corpus(MelSpectrogramTransformer(n_jobs=2.5), paths, out)
    with pytest.raises(ValueError, match="'chunk' parameter"):
        extract_corpus(MEL, paths, out, chunk=0)
    with pytest.raises(ValueError, match="'transformer' parameter"):
        extract_corpus("mel", paths, out)
    assert not out.exists()


def test_a_local_store_may_be_given_as_an_address(paths, undisturbed, tmp_path):
    pytest.importorskip("fsspec")
    extract_corpus(MEL, paths, f"FILE://{tmp_path}/store", chunk=4)
    assert files_of(tmp_path / "store") == undisturbed


def test_a_store_that_was_left_while_it_was_made_is_made(paths, undisturbed, tmp_path):
    out = tmp_path / "store"
    extract_corpus(MEL, paths, out, chunk=4)
    shutil.rmtree(out / "state")
    shutil.rmtree(out / "paths" / "c")
    extract_corpus(MEL, paths, out, chunk=4)
    assert files_of(out) == undisturbed
