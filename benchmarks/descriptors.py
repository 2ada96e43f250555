"""Speed and agreement of the audio descriptors against librosa's functions, one by one.

    python benchmarks/descriptors.py [--data <folder of genres>] [--rounds 20]

The rival calls each of librosa's functions on the waveform with the same parameters. Every round
runs each contender once on a 30 s clip, so that a busy machine slows all of them; ratios are of the
medians. One thread.
"""

import argparse

import librosa
import numpy as np
import pandas as pd
from _machine import describe_machine
from _timing import median_seconds
from threadpoolctl import threadpool_limits

from skgenre import AudioDescriptorTransformer
from skgenre.audio import load_audio
from skgenre.datasets import load_genre_folder, make_genre_clips

SR, SECONDS, N_CLIPS, HOP = 22050, 30, 4, 512
N_MFCC, TEMPOGRAM_LAGS = 20, 384


def librosa_parts(y):
    return [librosa.feature.rms(S=p) for p in librosa.decompose.hpss(np.abs(librosa.stft(y)))]


def librosa_mfcc(y):
    return librosa.feature.mfcc(y=y, sr=SR, n_mfcc=N_MFCC)


RIVALS = {
    "chroma_stft": lambda y: librosa.feature.chroma_stft(y=y, sr=SR),
    "tonnetz": lambda y: librosa.feature.tonnetz(chroma=librosa.feature.chroma_stft(y=y, sr=SR)),
    "rms": lambda y: librosa.feature.rms(y=y),
    "spectral_centroid": lambda y: librosa.feature.spectral_centroid(y=y, sr=SR),
    "spectral_bandwidth": lambda y: librosa.feature.spectral_bandwidth(y=y, sr=SR),
    "spectral_contrast": lambda y: librosa.feature.spectral_contrast(y=y, sr=SR),
    "spectral_rolloff": lambda y: librosa.feature.spectral_rolloff(y=y, sr=SR),
    "spectral_flatness": lambda y: librosa.feature.spectral_flatness(y=y),
    "zero_crossing_rate": librosa.feature.zero_crossing_rate,
    "mfcc": librosa_mfcc,
    "mfcc_delta": lambda y: librosa.feature.delta(librosa_mfcc(y)),
    "mfcc_delta2": lambda y: librosa.feature.delta(librosa_mfcc(y), order=2),
    "onset_strength": lambda y: librosa.onset.onset_strength(y=y, sr=SR)[np.newaxis],
    "tempogram": lambda y: librosa.feature.tempogram(y=y, sr=SR, win_length=TEMPOGRAM_LAGS),
    "tempo": lambda y: librosa.feature.tempo(y=y, sr=SR),
    ("harmonic_rms", "percussive_rms"): librosa_parts,
}


def summarize(feature):
    return np.concatenate([feature.mean(axis=1), feature.std(axis=1)])


def from_librosa(names):
    """Return a function from a waveform to the descriptors of some features."""

    def describe(y):
        rows = []
        for name in names:
            result = RIVALS[name](y)
            parts = result if isinstance(result, list) else [result]
            rows += [part if name == "tempo" else summarize(part) for part in parts]
        return np.concatenate(rows)

    return describe


def measure(work, names, clips, rounds):
    features = [name for item in names for name in ([item] if isinstance(item, str) else item)]
    transformer = AudioDescriptorTransformer(features=features, n_mfcc=N_MFCC)
    contenders = {
        "ours": lambda y: transformer.transform(y[np.newaxis])[0],
        "librosa": from_librosa(names),
    }
    results = {name: [function(y) for y in clips] for name, function in contenders.items()}
    difference = np.abs(np.subtract(results["ours"], results["librosa"]))
    seconds = median_seconds(contenders, clips, rounds)
    own, other = seconds["ours"], seconds["librosa"]
    return {
        "features": work,
        "ours (ms)": 1000 * own,
        "librosa (ms)": 1000 * other,
        "times faster": other / own,
        "largest difference": difference.max(),
        "largest value": np.abs(results["librosa"]).max(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of genres; invented songs if left out")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    if args.data:
        paths = load_genre_folder(args.data).paths
        sources = paths[:: max(1, len(paths) // N_CLIPS)][:N_CLIPS]
        clips = np.stack([np.resize(load_audio(path), SR * SECONDS) for path in sources])
    else:
        clips, _ = make_genre_clips(N_CLIPS, duration=SECONDS, sr=SR, random_state=0)
    print(describe_machine("numpy", "scipy", "librosa", "numba"))
    works = {
        "all": list(RIVALS),
        "all but harmonic and percussive": [name for name in RIVALS if isinstance(name, str)],
        **{name if isinstance(name, str) else " and ".join(name): [name] for name in RIVALS},
    }
    with threadpool_limits(1):
        rows = [measure(work, names, clips, args.rounds) for work, names in works.items()]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4g}".format))


if __name__ == "__main__":
    main()
