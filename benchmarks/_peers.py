"""Mel spectrograms of many files by others, with two processes, written to disk as ours are."""

from importlib.util import find_spec
from pathlib import Path

import librosa
import numpy as np
from joblib import Parallel, delayed

SR, SECONDS = 22050, 30.0


def by_librosa(path):
    y, _ = librosa.load(path, sr=SR, duration=SECONDS)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR), ref=np.max)


def store(function, path, folder):
    np.save(folder / f"{Path(path).stem}.npy", function(path))


def loop_over_librosa(paths, folder):
    Parallel(n_jobs=2)(delayed(store)(by_librosa, path, folder) for path in paths)


def by_audioflux(path):
    import audioflux

    y, _ = audioflux.read(path, samplate=SR)
    bft = audioflux.BFT(
        num=128,
        radix2_exp=11,
        samplate=SR,
        slide_length=512,
        data_type=audioflux.type.SpectralDataType.POWER,
        scale_type=audioflux.type.SpectralFilterBankScaleType.MEL,
    )
    power = np.abs(bft.bft(y[: int(SR * SECONDS)]))
    return audioflux.utils.power_to_db(power).astype(np.float32)


def loop_over_audioflux(paths, folder):
    Parallel(n_jobs=2)(delayed(store)(by_audioflux, path, folder) for path in paths)


PEERS = {
    name: run
    for name, run, package in (
        ("a joblib loop over librosa", loop_over_librosa, "librosa"),
        ("a joblib loop over audioflux", loop_over_audioflux, "audioflux"),
    )
    if find_spec(package)
}
