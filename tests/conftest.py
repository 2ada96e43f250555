import os

import numpy as np
import pytest
import soundfile as sf

from skgenre.datasets import make_genre_clips

SR = 22050


@pytest.fixture(scope="session")
def songs():
    """Twenty-four clips of 1.5 s of four genres, with genres and artists.

    Rounded to 16 bits, so that they are the same after a way through a file.
    """
    X, y, groups = make_genre_clips(
        24, n_genres=4, duration=1.5, n_artists_per_genre=3, random_state=0, return_groups=True
    )
    return np.round(X * 32768) / np.float32(32768), y, groups


@pytest.fixture(scope="session")
def song_files(songs, tmp_path_factory):
    """Return paths of the same clips as files, with genres and artists."""
    folder = tmp_path_factory.mktemp("songs")
    X, y, groups = songs
    paths = [str(folder / f"{i:02} {genre}.flac") for i, genre in enumerate(y)]
    for path, waveform in zip(paths, X, strict=True):
        sf.write(path, waveform, SR)
    return np.array(paths), y, groups


@pytest.fixture(scope="session")
def bags():
    """Bags of two genres that differ a little, 40 songs of three segments, 4 bands, 10 frames."""
    rng = np.random.RandomState(0)
    y = np.repeat(["blues", "rock"], 20)
    X = rng.normal(size=(40, 3, 4, 10)).astype(np.float32)
    X[y == "rock", :, 1] += 1
    return X, y


@pytest.fixture(scope="session")
def gtzan_home():
    """Return the folder of real clips that the environment names, if it does."""
    home = os.environ.get("SKGENRE_GTZAN")
    if not home:
        pytest.skip("SKGENRE_GTZAN is unset")
    return home
