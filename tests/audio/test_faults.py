import os
import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr

from skgenre.audio import _faults, find_faults
from skgenre.audio._copies import find_copies
from skgenre.audio._fingerprint import compute_fingerprint, find_matches
from skgenre.datasets import make_genre_clips

SR = 22050


@pytest.fixture(scope="module")
def music():
    """Six clips of 4 s that share nothing."""
    X, _ = make_genre_clips(6, n_genres=3, duration=4.0, random_state=0)
    return X


@pytest.fixture
def write(tmp_path):
    def write(name, y, sr=SR, **options):
        sf.write(tmp_path / name, y, sr, **options)
        return str(tmp_path / name)

    return write


@pytest.fixture
def good(write, music):
    return [write(f"good{i}.wav", y) for i, y in enumerate(music[:3])]


def test_good_files_have_no_faults(good):
    faults = find_faults(good)
    assert list(faults.columns) == ["path", "fault", "value", "detail"]
    assert faults.empty
    assert list(find_faults([]).columns) == list(faults.columns)


def test_files_that_load_audio_refuses(good, write, music, tmp_path):
    cut = write("cut.wav", music[3])
    os.truncate(cut, os.path.getsize(cut) // 2)
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    nan = music[3].copy()
    nan[70000] = np.nan
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "hollow.wav").touch()
    paths = [
        *good,
        cut,
        text,
        write("nothing.wav", music[0][:0]),
        tmp_path / "hollow.wav",
        write("nan.wav", nan, subtype="FLOAT"),
        tmp_path,
        tmp_path / "missing.wav",
        tmp_path / "pipe.wav",
        None,
        7.5,
    ]
    faults = find_faults(paths)
    assert list(faults["path"]) == paths[3:]
    assert list(faults["fault"]) == [
        "truncated",
        "unreadable",
        "empty",
        "empty",
        "nan",
        *["unreadable"] * 5,
    ]
    assert faults["value"].isna().all()
    assert list(faults["detail"][-4:]) == [
        "no such file",
        "a pipe, socket or device, not an audio file",
        "not a path",
        "not a path",
    ]


def test_faults_of_the_waveform(write, music):
    y = music[3]
    quiet = y.copy()
    quiet[: int(0.7 * len(y))] *= 1e-4
    loud = np.clip(20 * music[5], -1, 1)
    paths = [
        write("short.wav", music[0][: SR // 2]),
        write("quiet.wav", quiet),
        write("loud.wav", loud),
        write("shifted.wav", music[4] / 2 + 0.1),
        write("digital silence.wav", np.zeros_like(y)),
    ]
    faults = find_faults(paths).set_index("path")
    assert list(faults["fault"].loc[[paths[0]]]) == ["short", "length"]
    assert faults["value"].loc[paths[0]].iloc[0] == 0.5
    assert faults["fault"].loc[paths[1]] == "silent"
    assert faults["value"].loc[paths[1]] == pytest.approx(0.7, abs=0.03)
    assert faults["fault"].loc[paths[2]] == "clipped"
    # the first two of each run are not counted
    assert 0.5 * (abs(loud) == 1).mean() < faults["value"].loc[paths[2]] < (abs(loud) == 1).mean()
    assert faults["fault"].loc[paths[3]] == "dc"
    assert faults["value"].loc[paths[3]] == pytest.approx(0.1, abs=0.01)
    assert faults["fault"].loc[paths[4]] == "silent"


def test_one_faulty_channel_is_enough(good, write, music):
    shifted = write("shifted.wav", np.stack([music[3], music[4] / 2 - 0.2], axis=1))
    faults = find_faults([*good, shifted])
    assert list(faults["fault"]) == ["dc"]
    assert faults["value"][0] == pytest.approx(-0.2, abs=0.01)


def test_a_damaged_mp3_is_named_with_the_decoders_complaint(good, damaged_mp3, capfd):
    faults = find_faults([*good, damaged_mp3], n_jobs=2, min_duration=0.5)
    assert set(faults["path"]) == {damaged_mp3}
    assert faults["fault"][0] == "damaged"
    assert "bits_left" in faults["detail"][0]
    assert capfd.readouterr() == ("", "")


def test_tags_after_the_music_are_no_damage(write, music):
    path = write("song.mp3", music[0])
    with open(path, "ab") as file:
        file.write(b"LYRICSBEGIN" + bytes(2000))
    assert find_faults([path]).empty


def test_exact_duplicates_name_the_first(good, write, music, tmp_path):
    copy = shutil.copy(good[0], tmp_path / "copy.wav")
    again = write("again.flac", sf.read(good[0])[0])
    faults = find_faults([*good, str(copy), again, good[1]])
    assert list(faults["path"]) == [str(copy), again, good[1]]
    assert list(faults["fault"]) == ["duplicate"] * 3
    assert list(faults["detail"]) == [good[0], good[0], good[1]]


def test_near_duplicates_name_the_first(good, write, music):
    y = music[0]
    nears = [
        write("song.mp3", y),
        write("song.ogg", y),
        write("quieter.wav", y / 4),
        write("stereo.wav", np.stack([y, y / 2], axis=1)),
        write("trimmed.wav", y[int(0.317 * SR) :]),
        write("excerpt.mp3", y[SR : 3 * SR + 7]),
    ]
    faults = find_faults([*good, *nears])
    faults = faults[faults["fault"] != "length"]
    assert list(faults["path"]) == nears
    assert set(faults["fault"]) == {"near_duplicate"}
    assert set(faults["detail"]) == {good[0]}
    assert faults["value"].between(0, 0.25).all()


def test_sample_rate_and_length_outliers(good, write, music):
    other = write("other.wav", soxr.resample(music[3], SR, 16000), 16000)
    double = write("long.wav", np.concatenate([music[4], music[5]]))
    faults = find_faults([*good, other, double])
    assert list(faults["fault"]) == ["sample_rate", "length"]
    assert list(faults["value"]) == [16000, 8]
    assert faults["detail"][0] == "16000 Hz, most have 22050 Hz"


def test_a_crash_and_a_hang_are_rows(good, monkeypatch):
    """Such functions stand in for a decoder that a file brings down."""

    class Bad(_faults.Workers):
        def run(self, function, path, timeout):
            if path == good[0]:
                return super().run(os.abort, timeout=timeout)
            if path == good[1]:
                # opening a pipe that nobody writes to
                return super().run(pathlib.Path.read_bytes, pathlib.Path(pipe), timeout=0.05)
            return super().run(function, path, timeout=timeout)

    pipe = good[0] + ".pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(_faults, "Workers", Bad)
    faults = find_faults(good, n_jobs=2)
    assert list(faults["path"]) == good[:2]
    assert list(faults["fault"]) == ["unreadable"] * 2
    assert list(faults["detail"]) == ["the decoder crashed (signal 6)", "not decoded within 0.05 s"]


def test_series_and_arrays_of_paths(good, tmp_path):
    paths = pd.Series([*good, str(tmp_path / "missing.wav")], index=[3, 1, 2, 0])
    assert list(find_faults(paths)["path"]) == [paths[0]]
    assert list(find_faults(paths.to_numpy())["path"]) == [paths[0]]


def test_bad_parameters_are_named(good):
    with pytest.raises(ValueError, match="single path"):
        find_faults(good[0])
    for name in ("min_duration", "timeout"):
        with pytest.raises(ValueError, match=name):
            find_faults(good, **{name: 0})


def test_the_progress_bar_is_shown_on_demand(good, capfd):
    find_faults(good, verbose=1)
    assert "find_faults" in capfd.readouterr().err


def test_the_fingerprint_does_not_depend_on_the_blocks(music):
    y = soxr.resample(music[0], SR, 5512.5)
    whole = compute_fingerprint([y])
    assert len(whole) == (len(y) - 2048) // 64
    assert (compute_fingerprint(np.array_split(y, 17)) == whole).all()
    assert len(compute_fingerprint([y[:2000]])) == 0


def test_matches_give_the_shift_and_leave_silence_out(music):
    y = soxr.resample(music[0], SR, 5512.5)
    silence = np.zeros(20000, dtype=np.float32)
    fingerprints = [
        compute_fingerprint(blocks)
        for blocks in ([y], [silence, y], [silence], [silence], [np.zeros(0, dtype=np.float32)])
    ]
    matches = find_matches(fingerprints)
    assert list(matches) == [(0, 1)]
    error_rate, shift = matches[0, 1]
    assert abs(shift - 20000 / 64) <= 1
    assert error_rate < 0.1


def test_names_that_are_not_utf_8(write, music, tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    good = write("good.wav", music[0])
    copy, gone = (str(tmp_path / f"{odd} {name}.wav") for name in ("copy", "gone"))
    shutil.copy(good, copy)
    faults = find_faults([copy, good, gone, os.fsencode(gone)])
    assert faults["path"].tolist() == [good, gone, os.fsencode(gone)]
    assert faults["fault"].tolist() == ["duplicate", "unreadable", "unreadable"]
    assert faults["detail"].tolist() == [copy, "no such file", "no such file"]
    assert faults["value"].dtype == float


def test_copies_are_found_beside_samples_that_are_too_large_to_compute_with():
    y = np.random.RandomState(0).uniform(-0.5, 0.5, 66150).astype(np.float32)
    huge = y.copy()
    huge[5000] = 1e25
    other = np.random.RandomState(1).uniform(-0.5, 0.5, 66150).astype(np.float32)
    labels = find_copies([y, huge, other], sr=22050)
    assert labels[0] == labels[1] != labels[2]
