"""Accuracy of sets of audio descriptors on GTZAN, with artists kept apart.

    python benchmarks/descriptor_sets.py --data <folder of GTZAN> [--repeats 5]

Cross-validates on the train and valid songs of the fault-filtered split; the test list stays
untouched. The modulation spectrum, which is no feature of skgenre, is the energy of each
log-mel band's Fourier transform over time at 0-2, 2-4, 4-8 and 8-16 Hz, in dB.
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skgenre import AudioDescriptorTransformer, MelSpectrogramTransformer
from skgenre.datasets import load_gtzan

SR, HOP = 22050, 512
STATISTICS = ("mean", "std", "min", "max", "median", "skew", "kurtosis")
OTHER_N_MFCC = 13
MODULATION_EDGES = (0, 2, 4, 8, 16)
MODELS = {
    "linear": make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    "svm": make_pipeline(StandardScaler(), SVC(C=10, gamma="scale")),
}


def describe(paths, duration, **settings):
    transformer = AudioDescriptorTransformer(duration=duration, **settings)
    return transformer.set_output(transform="pandas").fit_transform(paths)


def modulation_spectrum(paths, duration, n_mels=20):
    """Return a table of the energy in each mel band and range of modulation frequency."""
    mel = MelSpectrogramTransformer(n_mels=n_mels, duration=duration).fit_transform(paths)
    mel = mel - mel.mean(axis=2, keepdims=True)
    power = np.abs(np.fft.rfft(mel * np.hanning(mel.shape[2]), axis=2)) ** 2
    frequencies = np.fft.rfftfreq(mel.shape[2], HOP / SR)
    octave = np.digitize(frequencies, MODULATION_EDGES) - 1
    bands = [power[:, :, octave == i].mean(axis=2) for i in range(len(MODULATION_EDGES) - 1)]
    return pd.DataFrame(10 * np.log10(np.hstack(bands) + 1e-3)).add_prefix("modulation_")


def make_sets(paths, duration):
    """Return a table for each set of descriptors."""
    features = AudioDescriptorTransformer().features
    tables = {
        name: describe(paths, duration, features=[name], statistics=STATISTICS)
        for name in [*features, "tempogram"]
    }

    def take(names, *statistics):
        wanted = "|".join(["^tempo", *(f"_{name}" for name in statistics)])
        return pd.concat([tables[name].filter(regex=f"({wanted})$") for name in names], axis=1)

    mfcc = take(["mfcc"], "mean", "std")
    everything = take(features, "mean", "std")
    modulation = modulation_spectrum(paths, duration)
    sets = {
        "tzanetakis2002": describe(paths, duration, features="tzanetakis2002"),
        "mfcc": mfcc,
        "mfcc and deltas": take(["mfcc", "mfcc_delta", "mfcc_delta2"], "mean", "std"),
        "default": everything,
        f"default, n_mfcc={OTHER_N_MFCC}": describe(paths, duration, n_mfcc=OTHER_N_MFCC),
        "default, mean": take(features, "mean"),
        "default, mean std min max": take(features, "mean", "std", "min", "max"),
        "default, mean std median": take(features, "mean", "std", "median"),
        "default, mean std skew kurtosis": take(features, "mean", "std", "skew", "kurtosis"),
        "default and tempogram": take([*features, "tempogram"], "mean", "std"),
        "modulation spectrum": modulation,
        "default and modulation spectrum": pd.concat([everything, modulation], axis=1),
        "mfcc and modulation spectrum": pd.concat([mfcc, modulation], axis=1),
    }
    for name in features:
        others = [other for other in features if other != name]
        sets[f"default without {name}"] = take(others, "mean", "std")
    return sets


def cross_validate(sets, target, groups, repeats):
    """Return the accuracy of each model on each set in each repeat, of pooled test folds."""
    rows = []
    for repeat in range(repeats):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=repeat)
        folds = list(folds.split(target, target, groups))
        for name, table in sets.items():
            for model, pipeline in MODELS.items():
                predicted = cross_val_predict(pipeline, table.to_numpy(), target, cv=folds)
                accuracy = (predicted == target).mean()
                rows.append({"set": name, "model": model, "repeat": repeat, "accuracy": accuracy})
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of GTZAN")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    data = load_gtzan(args.data)
    used = np.isin(data.filtered_split, ["train", "valid"])
    target, groups = data.target[used], data.groups[used]
    sets = make_sets(data.paths[used], args.duration)
    print(f"{used.sum()} songs, {len(set(groups))} artists")
    scores = cross_validate(sets, target, groups, args.repeats)
    table = scores.pivot_table(index="repeat", columns=["set", "model"], values="accuracy")
    rows = []
    for name, X in sets.items():
        row = {"set": name, "columns": X.shape[1]}
        for model in MODELS:
            gain = table[name, model] - table["default", model]
            row[model] = f"{table[name, model].mean():.3f}"
            row[f"{model} - default"] = f"{gain.mean():+.3f} ({gain.std():.3f})"
        rows.append(row)
    print("accuracy, and its difference from the default's: mean (deviation) over repeats")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
