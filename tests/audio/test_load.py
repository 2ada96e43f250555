import os

import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from skgenre.audio import AudioError, _load, load_audio

NOISE = np.random.RandomState(0).uniform(-0.5, 0.5, size=(44100, 2)).astype(np.float32)


def write(path, y=NOISE, sr=44100, **options):
    sf.write(path, y, sr, **options)
    return path


@pytest.mark.parametrize("ending", ["wav", "au", "flac", "ogg", "mp3", "aiff", "w64", "rf64"])
@pytest.mark.parametrize("sr", [22050, 44100])
def test_every_format_reads_as_librosa_reads_it(tmp_path, ending, sr):
    path = write(tmp_path / f"song.{ending}")
    expected, _ = librosa.load(path, sr=sr)
    y = load_audio(path, sr=sr)
    assert y.dtype == np.float32
    assert y.shape == expected.shape
    assert_allclose(y, expected, atol=5e-6)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_width_and_channel_count(tmp_path, subtype, channels):
    y = np.repeat(NOISE[:, :1], channels, axis=1)
    path = write(tmp_path / "song.wav", y, subtype=subtype)
    one_step = 2 / 256 if subtype == "PCM_U8" else 2 / 65536
    assert_allclose(load_audio(path, sr=44100), NOISE[:, 0], atol=one_step)
    assert load_audio(path, sr=44100, mono=False).shape[0] == (channels if channels > 1 else 44100)


def test_sixteen_bit_scaling_is_exact(tmp_path):
    path = write(tmp_path / "song.wav", subtype="PCM_16")
    expected, _ = sf.read(path, dtype="float32")
    assert_array_equal(load_audio(path, sr=44100, mono=False), expected.T)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_offset_and_duration_cut_out_that_part(tmp_path, ending):
    path = write(tmp_path / f"song.{ending}")
    whole = load_audio(path, sr=44100)
    part = load_audio(path, sr=44100, offset=0.25, duration=0.5)
    assert_allclose(part, whole[11025:33075], atol=1e-6)


def test_a_duration_past_the_end_gives_what_there_is(tmp_path):
    assert len(load_audio(write(tmp_path / "song.wav"), duration=99)) == 22050


@pytest.mark.parametrize("parameter", [{"sr": 0}, {"offset": -1}, {"duration": 0}])
def test_bad_parameters_are_named(tmp_path, parameter):
    (name,) = parameter
    with pytest.raises(ValueError, match=name):
        load_audio(write(tmp_path / "song.wav"), **parameter)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("ending", ["wav", "au", "flac", "ogg", "mp3", "aiff", "w64", "rf64"])
def test_a_truncated_file_is_refused(tmp_path, ending):
    path = truncate(write(tmp_path / f"song.{ending}"))
    with pytest.raises(AudioError, match=rf"song\.{ending}: .*(truncated|not readable)"):
        load_audio(path)


def test_a_stream_of_unknown_length_is_not_truncated(tmp_path):
    path = write(tmp_path / "song.wav", subtype="PCM_16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(load_audio(path)) == 22050


def test_reasons(tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    hollow = tmp_path / "hollow.wav"
    hollow.touch()
    nothing = write(tmp_path / "nothing.wav", NOISE[:0])
    for path, reason in [
        (tmp_path / "missing.wav", "no such file"),
        (tmp_path, "a directory"),
        (text, "not readable as audio"),
        (hollow, "empty file"),
        (nothing, "no samples"),
    ]:
        with pytest.raises(AudioError) as caught:
            load_audio(path)
        assert str(caught.value).startswith(f"{path}: {reason}")
        assert list(caught.value.failures) == [str(path)]
    with pytest.raises(AudioError, match="after 7 s"):
        load_audio(write(tmp_path / "song.wav"), offset=7)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinite_samples_are_refused(tmp_path, bad):
    y = NOISE.copy()
    y[7] = bad
    path = write(tmp_path / "song.wav", y, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN or infinite"):
        load_audio(path)


def test_the_size_limit_is_checked_before_reading(tmp_path, monkeypatch):
    path = write(tmp_path / "song.wav")
    monkeypatch.setattr(_load, "MAX_DECODED_BYTES", 1000)
    with pytest.raises(AudioError, match="over the size limit"):
        load_audio(path)
    assert len(load_audio(path, duration=0.002)) > 0


def test_a_file_shorter_than_one_sample(tmp_path):
    with pytest.raises(AudioError, match="shorter than one sample"):
        load_audio(write(tmp_path / "click.wav", NOISE[:1], 48000), sr=8000)


def test_headerless_files_are_refused(tmp_path):
    with pytest.raises(AudioError, match="without a header"):
        load_audio(write(tmp_path / "song.raw", subtype="PCM_16"))


@pytest.mark.parametrize("duration", [0.7, 1.14, 1.38, 1.4])
def test_durations_are_rounded_to_the_nearest_sample(tmp_path, duration):
    path = write(tmp_path / "song.wav", np.zeros(44100), 22050)
    assert len(load_audio(path, duration=duration)) == round(duration * 22050)


def test_paths_of_any_kind(tmp_path):
    path = write(tmp_path / "söng 曲\n.wav")
    assert_array_equal(load_audio(str(path)), load_audio(path))
    with pytest.raises(AudioError, match="not a path"):
        load_audio(None)
    os.unlink(path)
    path.symlink_to(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="no such file"):
        load_audio(path)


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)])
def test_an_mp3_that_does_not_say_how_long_it_is(tmp_path, tag):
    """Then libsndfile guesses a length from the size of the file, here one that is too long."""
    options = {"bitrate_mode": "CONSTANT", "compression_level": 0.95}
    path = write(tmp_path / "song.mp3", np.tile(NOISE[:, 0], 5), 22050, **options)
    path.write_bytes(tag + path.read_bytes())
    for sr in (22050, 16000):
        assert 10 * sr <= len(load_audio(path, sr=sr)) < 10.1 * sr
