"""Features are finite numbers, or the clip has an error with its name."""

import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    Wav2VecEmbedder,
)
from skgenre.feature_extraction import _base

SR = 22050
TRANSFORMERS = {
    "mel": MelSpectrogramTransformer(duration=1.5),
    "mel in float64": MelSpectrogramTransformer(duration=1.5, top_db=None),
    "mfcc": MFCCSegmenter(duration=1.5, n_segments=3),
    "descriptors": AudioDescriptorTransformer(duration=1.5),
    "rolloff": AudioDescriptorTransformer(duration=1.5, features=["spectral_rolloff"]),
    "tzanetakis": AudioDescriptorTransformer(duration=1.5, features="tzanetakis2002"),
}


@pytest.fixture(scope="module")
def huge(songs, tmp_path_factory):
    """Return a path of a good song, and of the same with one sample that is too large."""
    folder = tmp_path_factory.mktemp("huge")
    good, bad = songs[0][0].copy(), songs[0][0].copy()
    bad[1000] = 1e25
    paths = [str(folder / "good.wav"), str(folder / "huge.wav")]
    for path, y in zip(paths, [good, bad], strict=True):
        sf.write(path, y, SR, subtype="FLOAT")
    return paths


@pytest.mark.parametrize("transformer", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_a_huge_sample_fails_its_clip_alone(huge, transformer):
    reason = r"huge\.wav: the largest sample is 1e\+25, where full scale is 1"
    with pytest.raises(AudioError, match=reason) as caught:
        transformer.fit_transform(huge)
    assert list(caught.value.failures) == huge[1:]
    expected = transformer.fit_transform(huge[:1])
    lenient = type(transformer)(**{**transformer.get_params(), "on_error": "nan"})
    with pytest.warns(UserWarning, match="1 of 2 clips could not be read") as warned:
        features = lenient.fit_transform(huge)
    assert len(warned) == 1
    assert_array_equal(features[:1], expected)
    assert np.isnan(features[1]).all()


@pytest.mark.parametrize("size", [100, 1e3, 1e16, -1e19, 1e30, 3e38])
@pytest.mark.parametrize("transformer", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_of_any_size_features_are_finite_or_refused(songs, transformer, size):
    X = np.stack([songs[0][0], np.float32(size) * songs[0][1], songs[0][2]])
    X[2, 0] = size
    lenient = type(transformer)(**{**transformer.get_params(), "on_error": "nan"})
    if abs(size) > 128:
        with pytest.warns(UserWarning, match=r"2 of 3 clips[^$]*clip 1: .*\n.*clip 2: "):
            features = lenient.fit_transform(X)
        assert np.isnan(features[1:]).all()
    else:
        features = lenient.fit_transform(X)
    assert np.isfinite(features[0]).all()


def test_large_samples_give_librosas_numbers(songs):
    librosa = pytest.importorskip("librosa")
    y = songs[0][0] * np.float32(128)
    mel = MelSpectrogramTransformer(duration=1.5, top_db=None).fit_transform(y[np.newaxis])[0]
    power = librosa.feature.melspectrogram(y=y.astype(float), sr=SR)
    assert_allclose(mel, librosa.power_to_db(power, top_db=None), atol=1e-3)


def test_bags_of_any_length(huge):
    segmenter = MFCCSegmenter(
        duration=None, n_segments=None, segment_duration=0.5, on_error="nan", n_jobs=2
    )
    with pytest.warns(UserWarning, match=r"huge\.wav: the largest sample"):
        good, bad = segmenter.fit_transform(huge)
    assert np.isfinite(good).all()
    assert np.isnan(bad).all()


def test_embeddings(huge, checkpoints):
    embedder = Wav2VecEmbedder(
        checkpoint=checkpoints / "layer-norm", duration=1.0, batch_size=2, on_error="nan"
    )
    with pytest.warns(UserWarning, match=r"huge\.wav: the largest sample"):
        features = embedder.fit_transform([huge[0], huge[1], huge[0]])
    assert_array_equal(np.isfinite(features).all(axis=1), [True, False, True])


class Faulty(MFCCSegmenter):
    """Computes what a function makes of the features."""

    fault = None

    def _make_kernel(self):
        kernel = super()._make_kernel()
        return lambda segments: self.fault(kernel(segments))


def overflow(features):
    return features * np.float32(3e38)


def fail(features):
    raise FloatingPointError("underflow")


def use_up_memory(features):
    raise MemoryError("Unable to allocate 3.2 GiB")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (overflow, "its features are not finite"),
        (lambda features: features.astype(float) * 1e300, "its features are not finite"),
        (fail, "its features cannot be computed: underflow"),
        (
            use_up_memory,
            r"not enough memory for its features \(Unable to allocate 3.2 GiB\); set a duration",
        ),
    ],
)
def test_what_goes_wrong_in_a_kernel_is_the_clips_error(song_files, monkeypatch, fault, reason):
    monkeypatch.setattr(Faulty, "fault", staticmethod(fault))
    faulty = Faulty(duration=1.5, n_segments=3, n_jobs=2)
    with pytest.raises(AudioError, match=reason) as caught:
        faulty.fit_transform(song_files[0][:3])
    assert list(caught.value.failures) == list(song_files[0][:3])
    with pytest.warns(UserWarning, match=reason):
        features = faulty.set_params(on_error="nan").fit_transform(song_files[0][:3])
    assert np.isnan(features).all()


def test_mistakes_in_a_kernel_are_not_the_clips(song_files, monkeypatch):
    monkeypatch.setattr(Faulty, "fault", staticmethod(lambda features: features.no_such_thing))
    with pytest.raises(AttributeError, match="no_such_thing"):
        Faulty(duration=1.5, n_segments=3, on_error="nan").fit_transform(song_files[0][:3])


@pytest.mark.parametrize("n_segments", [3, None])
def test_memory_that_is_short_while_reading_fails_one_clip(
    songs, song_files, monkeypatch, n_segments
):
    read_clip, large = _base.read_clip, song_files[0][1]

    def read(clip, **settings):
        if clip == large:
            raise MemoryError
        return read_clip(clip, **settings)

    monkeypatch.setattr(_base, "read_clip", read)
    segmenter = MFCCSegmenter(duration=1.5, n_segments=n_segments, on_error="nan")
    with pytest.warns(
        UserWarning,
        match="1 of 3 clips[^$]*01 .*not enough memory for its features; set a duration",
    ):
        features = segmenter.fit_transform(song_files[0][:3])
    assert [np.isfinite(row).all() for row in features] == [True, False, True]


def test_embeddings_of_a_clip_that_memory_does_not_hold(song_files, checkpoints, monkeypatch):
    from skgenre._pretrained._family import Family

    hidden_states = Family.hidden_states

    def limited(self, model, inputs, layers):
        if inputs["input_values"].shape[1] > 16000:
            raise MemoryError
        return hidden_states(self, model, inputs, layers)

    monkeypatch.setattr(Family, "hidden_states", limited)
    embedder = Wav2VecEmbedder(
        checkpoint=checkpoints / "layer-norm", sr=16000, duration=None, on_error="nan"
    )
    rng = np.random.RandomState(0)
    clips = [rng.normal(size=n).astype(np.float32) for n in (9000, 20000, 9001)]
    with pytest.warns(UserWarning, match="clip 1: there is not enough memory"):
        features = embedder.fit_transform(clips)
    assert [np.isfinite(row).all() for row in features] == [True, False, True]


def test_features_over_the_limit_fail_their_clip(songs, monkeypatch):
    monkeypatch.setattr(_base, "_MAX_FEATURE_BYTES", 30_000)
    segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=0.5, on_error="nan")
    with pytest.warns(UserWarning, match=r"clip 1: its features take more than .* GiB; set a dur"):
        short, long = segmenter.fit_transform([songs[0][0], np.tile(songs[0][0], 20)])
    assert np.isfinite(short).all()
    assert np.isnan(long).all()


def test_numbers_too_large_for_float32_are_refused_without_a_warning(songs):
    X = songs[0][:3].astype(float)
    X[1, 5] = 1e300
    mel = MelSpectrogramTransformer(duration=1.5)
    with pytest.raises(ValueError, match="too large for dtype"):
        mel.fit(X)
    with pytest.raises(ValueError, match="clip 1 contains NaN or infinity"):
        mel.fit([X[0][:-1], X[1], X[2]])
