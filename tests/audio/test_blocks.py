import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from skgenre.audio import AudioError, _decode, _load, load_audio, read_blocks

NOISE = np.random.RandomState(0).uniform(-0.5, 0.5, size=(88200, 2)).astype(np.float32)


@pytest.fixture(scope="module", params=["wav", "flac", "ogg", "mp3"])
def song(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("songs") / f"song.{request.param}"
    sf.write(path, NOISE, 44100)
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    """Decode 1000 frames of stereo at once, as if every file were long."""
    monkeypatch.setattr(_decode, "BLOCK_SAMPLES", 2000)


@pytest.mark.parametrize("sr", [44100, 22050, 16000, 48000])
@pytest.mark.parametrize("block_duration", [0.03, 0.7, 99])
def test_blocks_joined_are_the_whole(song, small_blocks, sr, block_duration):
    """Equal to the last bit: the stream resampler runs the same filter as the one for a whole."""
    part = {"sr": sr, "offset": 0.1, "duration": 1.5}
    blocks = list(read_blocks(song, block_duration=block_duration, **part))
    assert {len(y) for y in blocks[:-1]} <= {round(block_duration * sr)}
    assert all(y.dtype == np.float32 for y in blocks)
    assert_array_equal(np.concatenate(blocks), load_audio(song, **part))


@pytest.mark.parametrize("mono", [True, False])
def test_a_file_decoded_in_many_blocks_is_as_librosa_reads_it(song, small_blocks, mono):
    expected, _ = librosa.load(song, sr=22050, mono=mono)
    y = load_audio(song, sr=22050, mono=mono)
    assert y.flags.c_contiguous
    assert_allclose(y, expected, atol=5e-6)


def test_formats_that_cannot_seek(tmp_path, small_blocks):
    for name, subtype in [("song.wav", "GSM610"), ("song.aiff", "DWVW_16")]:
        sf.write(tmp_path / name, NOISE[:, 0], 44100, subtype=subtype)
        assert abs(len(load_audio(tmp_path / name, sr=44100)) - len(NOISE)) < 400


def test_the_size_limit_is_of_what_is_held_at_once(song, small_blocks, monkeypatch):
    monkeypatch.setattr(_load, "MAX_DECODED_BYTES", 50_000)
    with pytest.raises(AudioError, match=r"over the size limit.*read_blocks"):
        load_audio(song)
    with pytest.raises(AudioError, match="over the size limit"):
        list(read_blocks(song, block_duration=1.0))
    assert sum(map(len, read_blocks(song, block_duration=0.5))) == 44100


def test_what_is_wrong_far_into_a_file_is_found_there(tmp_path, small_blocks):
    y = NOISE.copy()
    y[80000] = np.nan
    sf.write(tmp_path / "song.wav", y, 44100, subtype="FLOAT")
    blocks = read_blocks(tmp_path / "song.wav", block_duration=0.5)
    assert len(next(blocks)) == 11025
    with pytest.raises(AudioError, match=r"song\.wav: NaN"):
        list(blocks)


def test_checks_of_load_audio_hold(tmp_path):
    with pytest.raises(AudioError, match="no such file"):
        list(read_blocks(tmp_path / "missing.wav"))
    sf.write(tmp_path / "song.wav", NOISE, 44100)
    data = (tmp_path / "song.wav").read_bytes()
    (tmp_path / "song.wav").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="truncated"):
        list(read_blocks(tmp_path / "song.wav"))


@pytest.mark.parametrize("parameter", [{"sr": 0}, {"offset": -1}, {"block_duration": 0}])
def test_bad_parameters_are_named_at_once(parameter):
    (name,) = parameter
    with pytest.raises(ValueError, match=name):
        read_blocks("song.wav", **parameter)


def test_the_error_state_of_numpy_is_the_callers(tmp_path):
    sf.write(tmp_path / "stereo.wav", np.zeros((44100, 2)), 22050)
    before = np.geterr()
    for _ in zip(*[read_blocks(tmp_path / "stereo.wav", block_duration=0.5)] * 2, strict=True):
        assert np.geterr() == before
    assert np.geterr() == before
