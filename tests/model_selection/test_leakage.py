import os

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from sklearn.model_selection import KFold, StratifiedGroupKFold

from skgenre import LeakageError, check_leakage
from skgenre.datasets import make_genre_clips

SR = 22050
N_SONGS = 20
# The first half to train on, the second to test on, and an artist for each song.
HALVES = [(np.arange(10), np.arange(10, 20))]
ALONE = [f"artist {i}" for i in range(N_SONGS)]


@pytest.fixture(scope="module")
def songs():
    return make_genre_clips(
        N_SONGS, n_genres=2, duration=2.0, n_artists_per_genre=5, random_state=0, return_groups=True
    )


@pytest.fixture(scope="module")
def song_files(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    X, y, groups = songs
    paths = [str(folder / f"{i:02}.flac") for i in range(N_SONGS)]
    for path, waveform in zip(paths, X, strict=True):
        sf.write(path, waveform, SR)
    return np.array(paths), y, groups


def test_a_clean_split_passes(song_files):
    paths, y, artists = song_files
    check_leakage(paths, y, StratifiedGroupKFold(3), artists)
    check_leakage(pd.DataFrame({"path": paths}), y, StratifiedGroupKFold(3), artists, n_jobs=2)


def test_an_artist_on_both_sides_is_named(song_files):
    paths, y, artists = song_files
    with pytest.raises(LeakageError, match="fold 0 has the same group") as caught:
        check_leakage(paths, y, KFold(2, shuffle=True, random_state=0), artists)
    leaks = caught.value.leaks
    assert set(leaks["kind"]) == {"artist"}
    of_path = dict(zip(paths, artists, strict=True))
    assert all(of_path[leak.train] == of_path[leak.test] for leak in leaks.itertuples())
    assert leaks["train"][0] in str(caught.value)


def test_the_same_file_is_found_whatever_it_is_called(song_files, tmp_path, monkeypatch):
    paths, y, _ = song_files
    monkeypatch.chdir(tmp_path)
    again = paths.tolist()
    (tmp_path / "link.flac").symlink_to(again[0])
    again[19] = "link.flac"
    with pytest.raises(LeakageError, match="the same file") as caught:
        check_leakage(again, y, HALVES, ALONE)
    assert f"{again[0]} (train) and link.flac (test)" in str(caught.value)


@pytest.mark.parametrize("change", ["copy", "quieter", "ogg"])
def test_the_same_recording_is_found(song_files, tmp_path, change):
    paths, y, _ = song_files
    waveform, _ = sf.read(paths[3])
    copy = tmp_path / ("copy.ogg" if change == "ogg" else "copy.wav")
    sf.write(copy, waveform * (0.5 if change == "quieter" else 1), SR)
    given = paths.tolist()
    given[15] = str(copy)
    with pytest.raises(LeakageError, match="the same recording") as caught:
        check_leakage(given, y, HALVES, ALONE)
    assert caught.value.leaks[["train", "test"]].to_numpy().tolist() == [[paths[3], str(copy)]]


def test_copies_among_waveforms_are_found(songs):
    X, y, _ = songs
    check_leakage(X, y, HALVES, ALONE)
    X = X.copy()
    X[13] = 0.5 * X[2]
    with pytest.raises(LeakageError, match=r"row 2 \(train\) and row 13 \(test\)"):
        check_leakage(X, y, HALVES, ALONE)
    ragged = [*X[:19], X[5][: int(1.8 * SR)]]
    with pytest.raises(LeakageError) as caught:
        check_leakage(ragged, y, HALVES, ALONE)
    assert caught.value.leaks["test"].tolist() == ["row 13", "row 19"]


def test_copies_of_copies_are_copies():
    # the middle of three overlapping excerpts holds the other two together
    waveform = np.random.RandomState(0).normal(scale=0.1, size=8 * SR)
    excerpts = [waveform[start * SR : (start + 4) * SR] for start in (0, 2, 4)]
    folds = [([0], [2])]
    check_leakage(
        [excerpts[0], excerpts[0][::-1].copy(), excerpts[2]], list("abc"), folds, list("abc")
    )
    with pytest.raises(LeakageError, match="the same recording"):
        check_leakage(excerpts, list("abc"), folds, list("abc"))


def test_rows_of_a_table_are_copies_where_they_are_equal():
    X = np.random.RandomState(0).normal(size=(N_SONGS, 5))
    check_leakage(X, X[:, 0], HALVES, ALONE)
    X[19] = X[0]
    with pytest.raises(LeakageError, match="the same recording"):
        check_leakage(pd.DataFrame(X), X[:, 0], HALVES, ALONE)


def test_segments_of_a_song_are_the_worst(songs):
    X, y, artists = songs
    with pytest.raises(LeakageError, match="the same song, cut in segments"):
        check_leakage(X, y, HALVES, artists, songs=np.arange(N_SONGS) % 10)


@pytest.mark.parametrize("as_side", [tuple, lambda rows: np.isin(np.arange(N_SONGS), rows)])
def test_sides_are_given_as_scikit_learn_takes_them(songs, as_side):
    X, y, _ = songs
    sides = [tuple(map(as_side, fold)) for fold in HALVES]
    with pytest.raises(LeakageError, match=r"row 0 \(train\) and row 10"):
        check_leakage(X, y, sides, np.arange(N_SONGS) % 10)


def test_files_that_cannot_be_read_are_like_no_other(song_files, tmp_path):
    paths, y, _ = song_files
    given = paths.tolist()
    for i in (0, 19):
        given[i] = str(tmp_path / f"{i}.wav")
        (tmp_path / f"{i}.wav").write_bytes(b"broken")
    check_leakage(given, y, HALVES, ALONE)


def test_unknown_groups_are_said(songs):
    X, y, artists = songs
    with pytest.warns(UserWarning, match="groups is not given"):
        check_leakage(X, y, HALVES)
    with pytest.raises(ValueError, match="missing values"):
        check_leakage(X, y, HALVES, [None, *artists[1:]])


def test_an_error_survives_a_process(songs):
    import pickle

    error = LeakageError("said", pd.DataFrame({"fold": [0]}))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "said"
    assert again.leaks.equals(error.leaks)


def test_names_that_are_not_utf_8(songs, tmp_path):
    X, y, artists = songs
    paths = [str(tmp_path / os.fsdecode(b"caf\xe9 \n%d.flac" % i)) for i in range(4)]
    for path, waveform in zip(paths, [X[0], X[1], X[2], X[0]], strict=True):
        sf.write(os.fsencode(path), waveform, SR, format="FLAC")
    artists = [os.fsdecode(b"\xe9"), "b", "c", "d"]
    check_leakage(paths, y[:4], [([0, 3], [1, 2])], artists)
    with pytest.raises(
        LeakageError, match=r"caf\\udce9 \\n0\.flac \(train\) and .*3\.flac"
    ) as caught:
        check_leakage(paths, y[:4], [([0, 1], [2, 3])], artists)
    assert caught.value.leaks["train"].tolist() == [paths[0]]
    assert str(caught.value).encode()
    with pytest.raises(LeakageError, match="same group"):
        check_leakage(paths, y[:4], [([0, 3], [1, 2])], [artists[0]] * 4)
