import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skgenre import SpectrogramScaler


def ragged(X):
    bags = np.empty(len(X), dtype=object)
    for i, bag in enumerate(X):
        bags[i] = bag
    return bags


def test_each_band_is_standardised_as_by_scikit_learn(bags):
    X, _ = bags
    by_frame = np.moveaxis(X, 2, 3).reshape(-1, 4)
    scaler = SpectrogramScaler().fit(X)
    reference = StandardScaler().fit(by_frame)
    assert_allclose(scaler.mean_, reference.mean_, rtol=1e-5)
    assert_allclose(scaler.scale_, reference.scale_, rtol=1e-5)
    scaled = np.moveaxis(scaler.transform(X), 2, 3).reshape(-1, 4)
    assert_allclose(scaled, reference.transform(by_frame), atol=1e-5)


def test_minmax_is_global(bags):
    X, _ = bags
    expected = MinMaxScaler().fit_transform(X.reshape(-1, 1)).reshape(X.shape)
    assert_allclose(SpectrogramScaler(method="minmax").fit_transform(X), expected, atol=1e-6)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_layout_does_not_matter(bags, method):
    X, _ = bags
    expected = SpectrogramScaler(method=method).fit_transform(X)
    spectrograms = np.concatenate(np.moveaxis(X, 1, 0), axis=2)
    as_spectrograms = SpectrogramScaler(method=method).fit_transform(spectrograms)
    assert_allclose(as_spectrograms[:, :, :10], expected[:, 0], atol=1e-5)
    as_ragged = SpectrogramScaler(method=method).fit_transform(ragged(X))
    assert as_ragged.dtype == object
    assert_allclose(np.stack(list(as_ragged)), expected, atol=1e-5)
    table = SpectrogramScaler(method=method).fit_transform(X[:, 0, :, 0])
    assert table.shape == (40, 4)


def test_only_training_rows_count(bags):
    X, _ = bags
    scaler = SpectrogramScaler().fit(X[:10])
    mean = scaler.mean_.copy()
    scaler.transform(X[10:] + 100)
    assert_array_equal(scaler.mean_, mean)
    assert_allclose(scaler.transform(X[:10]).mean(axis=(0, 1, 3)), 0, atol=1e-5)


@pytest.mark.parametrize("layout", [np.asarray, ragged, lambda X: X[:, :, 0, 0]])
def test_unreadable_songs_are_left_out_and_become_nan_whole(bags, layout):
    X = bags[0].copy()
    X[3, 0, 0, 0] = np.nan
    X = layout(X)
    scaler = SpectrogramScaler().fit(X)
    assert_allclose(scaler.mean_, SpectrogramScaler().fit(np.delete(X, 3, axis=0)).mean_)
    unreadable = [np.isnan(song).all() for song in scaler.transform(X)]
    assert np.flatnonzero(unreadable).tolist() == [3]
    assert sum(np.isnan(song).any() for song in scaler.transform(X)) == 1
    with pytest.raises(ValueError, match="None of the songs"):
        SpectrogramScaler().fit(X[3:4])


def test_frames_are_asked_for_only_where_there_is_a_table(bags):
    X, _ = bags
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(SpectrogramScaler().fit_transform(X), np.ndarray)
        table = SpectrogramScaler().fit_transform(pd.DataFrame(X[:, 0, :, 0], columns=list("abcd")))
    assert table.columns.tolist() == list("abcd")


def test_a_refit_on_bags_forgets_the_table(bags):
    X, _ = bags
    scaler = SpectrogramScaler().fit(pd.DataFrame(X[:, 0, :3, 0], columns=list("abc"))).fit(X)
    assert not hasattr(scaler, "n_features_in_")
    assert not hasattr(scaler, "feature_names_in_")


def test_a_constant_band_becomes_zero():
    X = np.full((5, 3, 7), 4.2, dtype=np.float32)
    assert_allclose(SpectrogramScaler().fit_transform(X), 0, atol=1e-5)


def test_other_numbers_of_bands_are_refused(bags):
    X, _ = bags
    with pytest.raises(ValueError, match="X has 3 bands, but SpectrogramScaler is expecting 4"):
        SpectrogramScaler().fit(X).transform(X[:, :, :3])


def test_infinity_is_refused(bags):
    X = bags[0].copy()
    X[0, 0, 0, 0] = np.inf
    for given in (X, ragged(X)):
        with pytest.raises(ValueError, match="infinity"):
            SpectrogramScaler().fit(given)
