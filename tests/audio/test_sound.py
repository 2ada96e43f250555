"""Samples in arrays, of any type, rate and number of channels, are heard as the file of them is."""

import array

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.io.wavfile
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    MelSpectrogramDisplay,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    Wav2VecEmbedder,
    make_genre_classifier,
)
from skgenre.audio import load_audio
from skgenre.audio._clips import as_clip, read_clip, read_clip_blocks
from skgenre.model_selection import LeakageError, check_leakage, compare_classifiers

SR = 22050
SHORT = {"duration": 1.5, "n_segments": 3}


def mfcc(X):
    return MFCCSegmenter(**SHORT).fit_transform(X)


@pytest.fixture(scope="module")
def stereo(songs):
    """Two seconds of two songs side by side, (n_frames, 2), of 16 bits at 44.1 kHz."""
    y = np.stack([np.resize(song, 88200) for song in songs[0][:2]], axis=1)
    return np.round(y * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def stereo_file(stereo, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("stereo") / "song.wav")
    sf.write(path, stereo, 44100)
    return path


def read_scipy(path):
    return scipy.io.wavfile.read(path)


def read_soundfile(path):
    return sf.read(path)


def read_librosa(path):
    return librosa.load(path, sr=None, mono=False)


def read_hugging_face(path):
    y, rate = librosa.load(path, sr=None, mono=False)
    return {"path": path, "array": y, "sampling_rate": rate}


def read_torchaudio(path):
    torch = pytest.importorskip("torch")
    y, rate = sf.read(path, dtype="float32", always_2d=True)
    return torch.tensor(y.T), rate


READERS = [read_scipy, read_soundfile, read_librosa, read_hugging_face, read_torchaudio]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "transformer",
    [
        MFCCSegmenter(**SHORT),
        MFCCSegmenter(duration=None, n_segments=None, segment_duration=0.5),
        MelSpectrogramTransformer(sr=16000, duration=3.0),
        AudioDescriptorTransformer(sr=44100, duration=1.0),
    ],
    ids=["mfcc", "any length", "mel", "descriptors"],
)
def test_a_file_and_its_samples_have_the_same_features(stereo_file, read, transformer):
    (expected,) = transformer.fit_transform([stereo_file])
    (features,) = transformer.fit_transform([read(stereo_file)])
    assert_array_equal(features, expected)


@pytest.mark.parametrize("read", READERS)
def test_a_song_of_half_a_minute_and_its_samples(tmp_path, read):
    rng = np.random.RandomState(0)
    path = str(tmp_path / "song.wav")
    sf.write(path, rng.normal(scale=0.1, size=(31 * 44100, 2)), 44100)
    segmenter = MFCCSegmenter(n_segments=10)
    assert_array_equal(segmenter.fit_transform([read(path)]), segmenter.fit_transform([path]))


@pytest.mark.filterwarnings("ignore:Chunk .*not understood:scipy.io.wavfile.WavFileWarning")
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_samples_of_all_types_that_wav_files_have(stereo, tmp_path, subtype):
    path = str(tmp_path / "song.wav")
    sf.write(path, stereo / 32768, 44100, subtype=subtype)
    rate, samples = scipy.io.wavfile.read(path)
    heard = read_clip(as_clip((samples, rate), 0, SR), sr=SR, duration=None)
    assert_allclose(heard, load_audio(path), atol=1e-6)


def test_samples_in_blocks_are_the_same(stereo):
    sound = as_clip((stereo, 44100), 0, SR)
    whole = read_clip(sound, sr=16000, duration=None)
    blocks = list(read_clip_blocks(sound, sr=16000, n_samples=5000))
    assert [len(block) for block in blocks] == [5000] * 6 + [2000]
    assert_array_equal(np.concatenate(blocks), whole)


def test_a_pretrained_model_hears_samples_at_its_own_rate(stereo_file, checkpoints):
    embed = Wav2VecEmbedder(checkpoint=checkpoints / "layer-norm", sr=8000, duration=1.0)
    rate, samples = scipy.io.wavfile.read(stereo_file)
    clips = [stereo_file, (samples, rate)]
    one, other = embed.fit_transform(clips)
    assert_array_equal(one, other)


@pytest.mark.parametrize(
    "make",
    [
        lambda y: y.astype(np.float64),
        lambda y: np.round(y * 2**15).astype(np.int16),
        lambda y: np.round(y * 2**15).astype(">i2"),
        lambda y: (np.round(y * 2**15) * 2**16).astype(np.int32),
        lambda y: array.array("h", np.round(y * 2**15).astype(int).tolist()),
        lambda y: memoryview(y),
        lambda y: pd.Series(y),
        lambda y: y[np.newaxis],
        lambda y: y[:, np.newaxis],
        lambda y: np.stack([y, y]),
        lambda y: np.stack([y, y], axis=1),
        lambda y: (y, SR),
        lambda y: [y, np.float64(SR)],
        lambda y: (SR, y.tolist()),
        lambda y: {"array": y.tolist(), "sampling_rate": SR},
        lambda y: np.ma.array(y),
        lambda y: (np.stack([y] * 6), SR),
        lambda y: np.repeat(y, 2)[::2],
    ],
    ids=range(18),
)
def test_a_waveform_may_come_as_anything_that_holds_samples(songs, make):
    expected = mfcc(songs[0][:3])
    clips = [make(y) for y in songs[0][:3]]
    for X in (clips, pd.Series(clips, index=[5, 6, 7]), [*clips[:2], songs[0][2]]):
        assert_array_equal(mfcc(X), expected)


def test_tables_of_integers_are_scaled_by_their_type(songs):
    X = songs[0][:3]
    expected = mfcc(X)
    integers = np.round(X * 2**15).astype(np.int16)
    for table in (integers, pd.DataFrame(integers), integers.astype(">i2"), list(integers)):
        assert_array_equal(mfcc(table), expected)
    coarse = np.round(X * 2**7).clip(-128, 127)
    expected = mfcc(coarse.astype(np.float32) / 128)
    assert_array_equal(mfcc(coarse.astype(np.int8)), expected)
    assert_array_equal(mfcc((coarse + 128).astype(np.uint8)), expected)


def test_integers_among_floats_are_scaled(songs):
    X = songs[0][:2]
    assert_array_equal(mfcc([np.round(X[0] * 2**15).astype(np.int16), X[1]]), mfcc(X))


def test_a_batch_with_an_axis_of_channels(songs):
    X = songs[0][:3]
    assert_array_equal(mfcc(X[:, np.newaxis]), mfcc(X))
    assert_array_equal(mfcc(np.stack([X, X], axis=2)), mfcc(X))


def test_a_model_trained_on_files_knows_the_same_songs_as_integers(songs, song_files):
    clf = make_genre_classifier("lda", duration=1.5).fit(*song_files[:2])
    integers = np.round(songs[0] * 2**15).astype(np.int16)
    expected = clf.predict_proba(song_files[0])
    assert_allclose(clf.predict_proba(integers), expected, atol=1e-5)
    pairs = [(y, SR) for y in integers]
    assert_allclose(clf.predict_proba(pairs), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [bool, np.uint16, np.uint32, np.int64, np.uint64])
def test_integers_of_no_audio_type_are_refused(songs, dtype):
    X = np.round(np.abs(songs[0][:2]) * 100).astype(dtype)
    with pytest.raises(ValueError, match=f"X has samples of type {X.dtype}, whose scale is unkn"):
        mfcc(X)
    for clips in (list(X), [(y, SR) for y in X], X.tolist()):
        with pytest.raises(ValueError, match=r"clip 0 has samples of type .*scale is unknown"):
            mfcc(clips)


@pytest.mark.parametrize(
    "kind", [list, lambda X: X, lambda X: [(y, SR) for y in X]], ids=["list", "table", "pairs"]
)
def test_integers_that_were_made_floats_are_refused(songs, kind):
    X = songs[0][:3].copy()
    X[1] *= 32768
    with pytest.raises(AudioError, match=r"clip 1: the largest sample is .*where full scale is 1"):
        mfcc(kind(X))
    with pytest.warns(UserWarning, match="1 of 3 clips"):
        features = MFCCSegmenter(**SHORT, on_error="nan").fit_transform(kind(X))
    assert np.isnan(features).all(axis=(1, 2, 3)).tolist() == [False, True, False]


STEREO = np.random.RandomState(0).uniform(-1, 1, size=(33075, 2)).astype(np.float32)


@pytest.mark.parametrize(
    "X",
    [
        STEREO,
        STEREO.astype(np.int16),
        STEREO.tolist(),
        pd.DataFrame(STEREO),
        STEREO[:, :1],
        np.resize(STEREO, (710, 57)),
        np.resize(STEREO, (5, 57)),
        np.resize(STEREO, (96, 440)),
        STEREO[:301],
    ],
    ids=range(9),
)
def test_a_table_of_something_else_is_refused_at_once(X):
    with pytest.raises(
        ValueError, match=r"rows of \d+ numbers, which are not clips at sr=22050: .*"
    ):
        mfcc(X)
    assert mfcc([STEREO]).shape == (1, 3, 13, 22)


@pytest.mark.parametrize("kind", [np.array, pd.DataFrame])
def test_a_table_that_holds_clips_is_refused(songs, kind):
    cells = np.empty((3, 2), dtype=object)
    for i, y in enumerate(songs[0][:3]):
        cells[i] = [y, SR]
    for table in (cells, cells[:, :1]):
        with pytest.raises(ValueError, match="select the column of clips"):
            mfcc(kind(table))


def test_few_short_waveforms_in_a_list_are_clips():
    y = STEREO[:57, 0]
    assert_array_equal(mfcc([y, y]), mfcc([np.resize(y, 33075)] * 2))


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ((STEREO, 0), "clip 1 has the sample rate 0; it must be a positive number"),
        ((STEREO, np.nan), "the sample rate nan"),
        ({"array": STEREO, "sampling_rate": None}, "the sample rate None"),
        ({"array": STEREO, "sampling_rate": "44100"}, "the sample rate '44100'"),
        ((STEREO, "44100"), "clip 1 is a tuple of ndarray, str, not an array"),
        ((STEREO, SR, "rock"), "clip 1 is a tuple of ndarray, int, str, not an array"),
        ({"array": None, "sampling_rate": SR}, "a NoneType instead of an array"),
        ({"bytes": b"RIFF", "path": None}, r"a dict with \['bytes', 'path'\]; it needs 'array'"),
        (("a.wav", SR), "clip 1 has samples of type str"),
        (np.zeros((13, 1000)), r"the shape \(13, 1000\), and neither axis is one of 2 channels at"),
        (
            np.zeros((3, 33075)),
            r"pass a sound of more as \(samples, rate\), and a table of clips by",
        ),
        ((np.zeros((13, 1000)), SR), r"neither axis is one of 8 channels at most"),
        (np.zeros((2, 2)), r"the shape \(2, 2\); which axis has the channels"),
        (np.zeros((1, 2, 1000)), r"the shape \(1, 2, 1000\)"),
        (np.ma.masked_less(STEREO[:, 0], 0), "clip 1 has masked samples"),
        (bytearray(1000), "clip 1 is raw bytes"),
        (memoryview(b"RIFF" * 99), "clip 1 is raw bytes"),
        (b"RIFF\0\0\0\0WAVE", "clip 1 is the content of a file; pass the path"),
        (STEREO[:, 0] + 1j, "type complex64"),
        (np.full((9000, 2), np.inf), "clip 1 contains NaN or infinity"),
        ((np.full(9000, np.nan), SR), "clip 1 contains NaN or infinity"),
        ((np.full(9000, 1e300), SR), "clip 1 contains NaN or infinity"),
        ((np.full(9000, 1.0), 22.05), "clip 1: a sample rate of 22.05 Hz is out of range"),
        ((np.zeros((0, 2)), SR), "clip 1: no samples"),
    ],
    ids=range(24),
)
def test_what_is_no_clip_is_named_and_explained(song_files, clip, message):
    with pytest.raises(ValueError, match=message):
        mfcc([song_files[0][0], clip])


def test_masked_tables_are_refused(songs):
    with pytest.raises(ValueError, match="X has masked samples"):
        mfcc(np.ma.masked_less(songs[0][:3], -0.1))


def test_samples_that_are_missing_fail_their_clip(stereo):
    broken = stereo / 32768
    broken[7] = np.nan
    segmenter = MFCCSegmenter(**SHORT, on_error="nan")
    with pytest.warns(UserWarning, match="clip 0: NaN or infinite samples"):
        features = segmenter.fit_transform([(broken, 44100), (stereo, 44100)])
    assert np.isnan(features).all(axis=(1, 2, 3)).tolist() == [True, False]


@pytest.mark.parametrize(
    "kind", [list, np.array, lambda clips: [(y, SR) for y in clips]], ids=["list", "array", "pairs"]
)
def test_infinity_is_not_hidden_by_nan(kind):
    clips = [np.r_[np.nan, np.inf, np.zeros(9000)]] * 2
    with pytest.raises(ValueError, match="infinity"):
        MFCCSegmenter(**SHORT, on_error="nan").fit(kind(clips))


def test_tensors_of_tensorflow(songs):
    tf = pytest.importorskip("tensorflow")
    X, expected = songs[0][:2], mfcc(songs[0][:2])
    assert_array_equal(mfcc(tf.constant(X)), expected)
    assert_array_equal(mfcc([(tf.constant(y), tf.constant(SR)) for y in X]), expected)


def test_tensors_that_have_no_array_are_named(songs):
    torch = pytest.importorskip("torch")
    X = torch.tensor(songs[0][:2])
    assert_array_equal(mfcc(X), mfcc(songs[0][:2]))
    for clips in (list(X.requires_grad_()), X, [X[0].bfloat16()]):
        with pytest.raises(ValueError, match="is a Tensor, not an array"):
            mfcc(clips)


def test_copies_are_found_among_files_and_samples(stereo, stereo_file, songs):
    others = [(y, SR) for y in songs[0][2:5]]
    halves = [([0, 1], [2, 3]), ([2, 3], [0, 1])]
    X = [stereo_file, others[0], (44100, stereo), others[1]]
    with pytest.raises(LeakageError, match="the same recording on both sides"):
        check_leakage(X, ["a", "b"] * 2, halves, groups=[0, 1, 2, 3])
    check_leakage([*X[:2], *others[1:]], ["a", "b"] * 2, halves, groups=[0, 1, 2, 3])
    wide = [stereo.T / 32768, others[0], stereo / 65536, others[1]]
    with pytest.raises(LeakageError, match="the same recording on both sides"):
        check_leakage(wide, ["a", "b"] * 2, halves, groups=[0, 1, 2, 3], sr=44100)


@pytest.mark.slow
def test_samples_are_compared_as_files_are(songs, song_files):
    clf = make_genre_classifier("linear", duration=1.5)
    settings = {"protocols": ("report", "leaky-segments"), "seeds": (0,)}
    y, groups = song_files[1:]
    of_files = compare_classifiers({"linear": clf}, song_files[0], y, groups=groups, **settings)
    pairs = [(np.round(x * 2**15).astype(np.int16), SR) for x in songs[0]]
    of_pairs = compare_classifiers({"linear": clf}, pairs, y, groups=groups, **settings)
    for column in ("accuracy", "leakage", "n_train", "error"):
        assert of_files[column].tolist() == of_pairs[column].tolist()


def test_displays_take_samples(stereo, stereo_file):
    pytest.importorskip("matplotlib").use("agg")
    segmenter = MFCCSegmenter(**SHORT)
    expected = MelSpectrogramDisplay.from_estimator(segmenter, stereo_file)
    display = MelSpectrogramDisplay.from_estimator(segmenter, (44100, stereo))
    assert_array_equal(display.mfcc, expected.mfcc)
    assert_array_equal(display.waveform, expected.waveform)
