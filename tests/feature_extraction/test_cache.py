"""Features are computed once for each song, and never wrongly remembered."""

import json
import os
import pickle
import resource
import stat
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skgenre import AudioDescriptorTransformer, AudioError, MFCCSegmenter, SegmentSummarizer
from skgenre._checked_files import write_checked
from skgenre.feature_extraction import _cache

SHORT = {"duration": 1.5, "n_segments": 3}


@pytest.fixture
def computed(monkeypatch):
    """List the clips that were computed."""
    compute, clips = MFCCSegmenter._compute, []

    def record(self, kernel, clip):
        clips.append(clip)
        return compute(self, kernel, clip)

    monkeypatch.setattr(MFCCSegmenter, "_compute", record)
    return clips


@pytest.mark.parametrize("kind", [str, Path, lambda folder: joblib.Memory(folder, verbose=0)])
def test_a_second_pass_reads_what_the_first_computed(song_files, tmp_path, computed, kind):
    paths = list(song_files[0])
    expected = MFCCSegmenter(**SHORT).fit_transform(paths)
    computed.clear()
    segmenter = MFCCSegmenter(**SHORT, cache=kind(tmp_path)).fit(paths)
    assert_array_equal(segmenter.transform(paths), expected)
    assert sorted(computed) == paths
    again = MFCCSegmenter(**SHORT, cache=kind(tmp_path), n_jobs=2, on_error="nan")
    assert_array_equal(again.fit_transform(paths[::-1]), expected[::-1])
    assert len(computed) == len(paths)


def test_every_fold_of_a_search_reads_them(song_files, tmp_path, computed):
    paths, y, _ = song_files
    pipeline = make_pipeline(
        MFCCSegmenter(**SHORT, cache=tmp_path), SegmentSummarizer(), KNeighborsClassifier(3)
    )
    search = GridSearchCV(pipeline, {"kneighborsclassifier__n_neighbors": [1, 3]}, cv=3)
    search.fit(paths, y).predict(paths)
    assert sorted(computed) == sorted(paths)


def test_relative_and_absolute_paths_are_one_song(song_files, tmp_path, computed, monkeypatch):
    path = Path(song_files[0][0])
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path).fit([path])
    segmenter.transform([path])
    monkeypatch.chdir(path.parent)
    segmenter.transform([path.name])
    assert len(computed) == 1


def test_a_changed_file_is_computed_again(songs, tmp_path):
    path = tmp_path / "song.wav"
    for y in songs[0][:2]:
        sf.write(path, y, 22050)
        os.utime(path, ns=(0, int(1e9 * abs(y[0]))))
        result = MFCCSegmenter(**SHORT, cache=tmp_path / "cache").fit_transform([path])
        assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform([path]))


def test_other_parameters_and_versions_are_other_entries(
    song_files, tmp_path, computed, monkeypatch
):
    path = [song_files[0][0]]
    for params in ({"n_mfcc": 5}, {"n_mfcc": 6}, {"window": np.hanning(2048)}, {"window": "hann"}):
        result = MFCCSegmenter(**SHORT, **params, cache=tmp_path).fit_transform(path)
        assert_array_equal(result, MFCCSegmenter(**SHORT, **params).fit_transform(path))
    computed.clear()
    MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(path)
    assert not computed
    monkeypatch.setattr(_cache, "installed_versions", lambda packages: {"librosa": "99"})
    MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(path)
    assert len(computed) == 1
    monkeypatch.setattr(_cache, "_REVISION", 99)
    MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(path)
    assert len(computed) == 2


class Planted:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_damaged_entries_are_computed_again(song_files, tmp_path):
    paths = song_files[0]
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path / "cache")
    expected = segmenter.fit_transform(paths)
    entries = list((tmp_path / "cache").rglob("output.bin"))
    assert len(entries) == len(paths)
    trace = tmp_path / "trace"
    first = entries[0].read_bytes()
    for i, entry in enumerate(entries):
        data = bytearray(entry.read_bytes())
        data[200 + 50 * i] ^= 64
        damages = [data[: 50 * i], data, pickle.dumps(Planted(str(trace))), first]
        entry.write_bytes(damages[i % 4])
    assert_array_equal(segmenter.transform(paths), expected)
    assert not trace.exists()
    computed = [entry.stat().st_mtime_ns for entry in entries]
    assert_array_equal(segmenter.transform(paths), expected)
    assert [entry.stat().st_mtime_ns for entry in entries] == computed


@pytest.mark.parametrize("about", [{}, {"shape": "x"}, {"shape": [10**30]}, {"shape": [[1]]}])
def test_entries_that_were_not_written_by_the_cache_are_computed_again(song_files, tmp_path, about):
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path)
    expected = segmenter.fit_transform(song_files[0])
    for entry in tmp_path.rglob("output.bin"):
        write_checked(entry, entry.parent.name, bytes(40), **about)
    assert_array_equal(segmenter.transform(song_files[0]), expected)


def test_entries_hold_no_code(song_files, tmp_path):
    path = song_files[0][:1]
    features = MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(path)[0]
    (entry,) = tmp_path.rglob("output.bin")
    header, _, body = entry.read_bytes().partition(b"\n")
    assert json.loads(header)["shape"] == list(features.shape)
    assert body == features.astype("<f4").tobytes()


@pytest.fixture
def full_disk():
    """Let no file become larger than 1500 bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_is_one_warning(song_files, tmp_path, n_jobs, full_disk):
    paths = song_files[0]
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path, n_jobs=n_jobs)
    with pytest.warns(UserWarning, match="cannot store the features of 24 of 24 clips") as caught:
        result = segmenter.fit_transform(paths)
    assert len(caught) == 1
    assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform(paths))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_full_disk_is_one_warning_with_processes(song_files, tmp_path):
    paths = song_files[0][:4]
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path, n_jobs=2).fit(paths)
    segmenter.transform(paths)
    for entry in list(tmp_path.rglob("output.bin")):
        entry.unlink()
        entry.mkdir()
    with (
        joblib.parallel_config(backend="loky"),
        pytest.warns(UserWarning, match="4 of 4 clips") as caught,
    ):
        segmenter.transform(paths)
    assert len(caught) == 1


def test_folders_are_the_users_alone(song_files, tmp_path):
    tmp_path.chmod(0o755)
    MFCCSegmenter(**SHORT, cache=tmp_path / "new").fit_transform(song_files[0][:1])
    folders = [folder for folder in tmp_path.rglob("*") if folder.is_dir()]
    assert len(folders) == 4
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_killed_run_leaves_only_whole_entries(song_files, tmp_path):
    paths = song_files[0].tolist()
    script = f"""
import os
rename, n_left = os.replace, 5
def die(source, target):
    global n_left
    n_left -= target.name == "output.bin"
    if not n_left:
        os._exit(9)
    rename(source, target)
os.replace = die
from skgenre import MFCCSegmenter
MFCCSegmenter(duration=1.5, n_segments=3, cache={str(tmp_path)!r}).fit_transform({paths!r})
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert len(list(tmp_path.rglob("output.bin"))) == 4
    result = MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(paths)
    assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform(paths))


def test_processes_share_entries(song_files, tmp_path):
    paths = song_files[0]
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path).fit(paths)
    with joblib.Parallel(2) as workers:
        results = workers(joblib.delayed(segmenter.transform)(paths) for _ in range(4))
    for result in results:
        assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform(paths))
    assert len(list(tmp_path.rglob("output.bin"))) == len(paths)


def test_failures_and_waveforms_are_not_kept(songs, tmp_path):
    path = tmp_path / "late.wav"
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path / "cache")
    with pytest.raises(AudioError, match="no such file"):
        segmenter.fit_transform([path])
    sf.write(path, songs[0][0], 22050)
    assert np.isfinite(segmenter.fit_transform([path])).all()
    segmenter.fit_transform(songs[0][:2])
    assert len(list(tmp_path.rglob("output.bin"))) == 1


def test_memory_can_be_cleared(song_files, tmp_path, computed):
    memory = joblib.Memory(tmp_path, verbose=0)
    segmenter = MFCCSegmenter(**SHORT, cache=memory).fit(song_files[0])
    segmenter.transform(song_files[0])
    memory.reduce_size(items_limit=10)
    assert len(list(tmp_path.rglob("output.bin"))) == 10
    memory.clear(warn=False)
    segmenter.transform(song_files[0][:1])
    assert len(computed) == len(song_files[0]) + 1


def test_what_is_no_cache_is_named(song_files):
    with pytest.raises(ValueError, match="'cache' parameter"):
        MFCCSegmenter(**SHORT, cache=5).fit(song_files[0])


def test_what_means_the_same_is_one_entry(song_files, tmp_path, computed):
    path = [song_files[0][0]]
    for params in (
        {"n_mfcc": 5, "top_db": 80, "window": ("kaiser", 4)},
        {"n_mfcc": np.int64(5), "top_db": 80.0, "window": ("kaiser", np.int64(4))},
        {"n_mfcc": 5, "sr": 22050.0, "window": ("kaiser", 4.0), "timeout": 60, "n_jobs": 2},
    ):
        MFCCSegmenter(**SHORT, **params, cache=tmp_path).fit_transform(path)
    assert len(computed) == 1


def test_what_does_not_apply_to_a_feature_set_is_not_part_of_the_key(song_files, tmp_path):
    for params in ({}, {"statistics": ["mean"]}, {"n_mfcc": 13}):
        AudioDescriptorTransformer(
            features="tzanetakis2002", duration=1.5, cache=tmp_path, **params
        ).fit_transform(song_files[0][:1])
    assert len(list(tmp_path.rglob("output.bin"))) == 1


def test_functions_are_known_by_what_they_do(song_files, tmp_path):
    path = [song_files[0][0]]
    for window in (lambda n: np.ones(n), lambda n: np.hanning(n)):
        result = MFCCSegmenter(**SHORT, window=window, cache=tmp_path).fit_transform(path)
        assert_array_equal(result, MFCCSegmenter(**SHORT, window=window).fit_transform(path))


def test_a_subclass_has_entries_of_its_own(song_files, tmp_path):
    class Doubled(MFCCSegmenter):
        def _compute(self, kernel, clip):
            return 2 * super()._compute(kernel, clip)

    Doubled.__name__ = "MFCCSegmenter"
    path = [song_files[0][0]]
    single = MFCCSegmenter(**SHORT, cache=tmp_path).fit_transform(path)
    assert_array_equal(Doubled(**SHORT, cache=tmp_path).fit_transform(path), 2 * single)


def test_a_folder_that_cannot_be_used_is_done_without(song_files, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    segmenter = MFCCSegmenter(**SHORT, cache=tmp_path / "file")
    with pytest.warns(UserWarning, match=r"cache=.*cannot be used"):
        result = segmenter.fit_transform(song_files[0][:2])
    assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform(song_files[0][:2]))


def test_bags_from_the_cache_can_be_written_to(song_files, tmp_path):
    segmenter = MFCCSegmenter(
        duration=None, n_segments=None, segment_duration=0.5, cache=tmp_path
    ).fit(song_files[0])
    computed, read = segmenter.transform(song_files[0][:2]), segmenter.transform(song_files[0][:2])
    for one, other in zip(computed, read, strict=True):
        assert_array_equal(one, other)
        other += 1
