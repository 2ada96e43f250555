"""The thirty numbers of Tzanetakis and Cook say what they are named for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skgenre import AudioDescriptorTransformer

SR = 22050


def describe(y, sr=SR):
    transformer = AudioDescriptorTransformer(
        features="tzanetakis2002", sr=sr, duration=len(y) / sr
    ).set_output(transform="pandas")
    return transformer.fit_transform(y[np.newaxis].astype(np.float32)).iloc[0]


def click_track(tempo, seconds, sr=SR):
    rng = np.random.RandomState(0)
    y = np.zeros(round(seconds * sr) + sr)
    for start in np.arange(0, seconds, 60 / tempo):
        first = round(start * sr)
        y[first : first + 400] += rng.normal(size=400) * np.exp(-np.arange(400) / 80)
    return 0.3 * y[:-sr]


def tone(note, seconds=2.0, harmonics=6):
    frequency = 440 * 2 ** ((note - 69) / 12)
    time = np.arange(round(seconds * SR)) / SR
    return 0.2 * sum(np.sin(2 * np.pi * frequency * h * time) / h for h in range(1, harmonics + 1))


def test_the_names():
    names = AudioDescriptorTransformer(features="tzanetakis2002").get_feature_names_out()
    assert len(names) == len(set(names)) == 30
    assert names[:9].tolist() == [
        "centroid_mean",
        "centroid_var",
        "rolloff_mean",
        "rolloff_var",
        "flux_mean",
        "flux_var",
        "zero_crossings_mean",
        "zero_crossings_var",
        "low_energy",
    ]
    assert names[9:19:9].tolist() == ["mfcc_1_mean", "mfcc_5_var"]
    assert [name.split("_")[1] for name in names[19:]] == (
        ["A0", "A1", "RA", "P1", "P2", "SUM", "FA0", "UP0", "FP0", "IPO1", "SUM"]
    )


@pytest.mark.parametrize("tempo", [60, 90, 120, 150])
@pytest.mark.parametrize("seconds", [3, 7])
def test_a_click_track_has_its_tempo(tempo, seconds):
    numbers = describe(click_track(tempo, seconds))
    assert abs(numbers["beat_P1"] - tempo) <= 1
    assert numbers["beat_A0"] > 0.9
    assert numbers["beat_SUM"] > 0.3


def test_the_tempo_at_another_sample_rate():
    assert abs(describe(click_track(120, 3, sr=44100), sr=44100)["beat_P1"] - 120) <= 1


def test_two_tempos_make_two_peaks():
    numbers = describe(click_track(100, 6) + 0.5 * click_track(140, 6))
    assert_allclose(numbers[["beat_P1", "beat_P2"]], [100, 140], atol=2)
    assert_allclose(numbers["beat_RA"], numbers["beat_A1"] / numbers["beat_A0"], rtol=1e-5)
    assert 0 < numbers["beat_RA"] < 1


@pytest.mark.parametrize(
    ("note", "harmonics"), [(48, 6), (57, 6), (57, 1), (60, 1), (60, 6), (69, 1), (76, 6)]
)
def test_a_tone_has_its_note(note, harmonics):
    numbers = describe(tone(note, harmonics=harmonics))
    assert numbers["pitch_UP0"] == note
    assert numbers["pitch_FP0"] == 7 * note % 12
    assert numbers["pitch_FA0"] > 0.8


def test_a_fifth_is_one_step_on_the_circle():
    y = np.concatenate([tone(60, 1.5), tone(67, 1.0)])
    assert describe(y)["pitch_IPO1"] == 1
    y = np.concatenate([tone(60, 1.5), tone(65, 1.0)])
    assert describe(y)["pitch_IPO1"] == -1


def test_noise_has_neither_beat_nor_pitch():
    noise = describe(0.1 * np.random.RandomState(0).normal(size=3 * SR))
    assert noise["beat_SUM"] < 0.05 * describe(click_track(120, 3))["beat_SUM"]
    assert noise["pitch_FA0"] < 0.15
    assert noise["pitch_SUM"] < 0.3 * describe(tone(60))["pitch_SUM"]
    assert_allclose(noise["centroid_mean"], SR / 4, rtol=0.02)
    assert_allclose(noise["rolloff_mean"], 0.85 * SR / 2, rtol=0.02)
    assert_allclose(noise["zero_crossings_mean"], 255.5, rtol=0.02)
    assert_allclose(noise["low_energy"], 0.5, atol=0.1)


def test_low_energy_is_judged_within_a_texture_window():
    burst = np.r_[tone(60)[: 33 * 512], 10 * tone(60)[: 10 * 512]]
    assert describe(np.r_[burst, 10 * burst])["low_energy"] == pytest.approx(33 / 43)


def test_loudness_does_not_matter_to_beat_and_pitch():
    y = click_track(110, 3) + tone(64, 3.0)
    assert_allclose(describe(0.01 * y)[19:], describe(y)[19:], rtol=1e-3, atol=1e-4)


def test_silence_and_the_shortest_clip_have_finite_numbers():
    silence = describe(np.zeros(3 * SR))
    assert np.isfinite(silence).all()
    assert not silence[19:].any()
    assert np.isfinite(describe(tone(60)[:512])).all()
