"""Speed of training and prediction against the same Keras nets by hand.

    python benchmarks/training.py [--rounds 5]

The rival compiles the same net and calls Keras' own `fit` on NumPy arrays, and its `predict`. Both
train for the same number of epochs on the same invented numbers, in turns; an epoch's time is the
difference of a long and a short training, so that building and tracing do not count.
"""

import argparse
import tracemalloc

import numpy as np
import pandas as pd
from _machine import describe_machine
from _timing import median_seconds

from skgenre import KerasANNClassifier, KerasCNNClassifier, KerasRNNClassifier

N_GENRES, BATCH_SIZE, SHORT, LONG = 10, 32, 1, 5
WORK = {
    "ann, 640 of 13 x 130": (KerasANNClassifier(), 640, (13, 130)),
    "cnn mfcc, 320 of 13 x 130": (KerasCNNClassifier(), 320, (13, 130)),
    "cnn mel, 64 of 128 x 130": (KerasCNNClassifier(architecture="mel"), 64, (128, 130)),
    "cnn residual, 320 of 128 x 130": (
        KerasCNNClassifier(architecture="residual"),
        320,
        (128, 130),
    ),
    "rnn lstm, 160 of 13 x 130": (KerasRNNClassifier(), 160, (13, 130)),
}
N_SONGS, N_SEGMENTS = 1000, 10


def by_hand(classifier, X, y, epochs):
    import keras

    net = classifier._make_builder()((*X.shape[1:], 1), N_GENRES)
    net.compile(
        keras.optimizers.Adam(classifier.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    net.fit(X[..., np.newaxis], y, epochs=epochs, batch_size=BATCH_SIZE, verbose=0)
    return net


def compare_training(classifier, n, shape, rounds):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, *shape)).astype(np.float32)
    y = rng.randint(N_GENRES, size=n)
    classifier.set_params(batch_size=BATCH_SIZE, random_state=0)

    def ours(epochs):
        return classifier.set_params(epochs=epochs).fit(X, y)

    def theirs(epochs):
        return by_hand(classifier, X, y, epochs)

    contenders = {
        (name, epochs): lambda _, fit=fit, epochs=epochs: fit(epochs)
        for name, fit in (("ours", ours), ("by hand", theirs))
        for epochs in (SHORT, LONG)
    }
    seconds = median_seconds(contenders, [None], rounds)
    epoch = {
        name: (seconds[name, LONG] - seconds[name, SHORT]) / (LONG - SHORT)
        for name in ("ours", "by hand")
    }
    return {
        "epoch, ours (ms)": 1000 * epoch["ours"],
        "by hand (ms)": 1000 * epoch["by hand"],
        "ratio": epoch["ours"] / epoch["by hand"],
        "ratio of whole fits": seconds["ours", LONG] / seconds["by hand", LONG],
    }


def compare_prediction(rounds):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_SONGS, N_SEGMENTS, 13, 130)).astype(np.float32)
    clf = KerasCNNClassifier(epochs=1).fit(X[:40], np.arange(40) % N_GENRES)
    images = X.reshape(-1, 13, 130, 1)
    contenders = {
        "ours": clf.predict_proba,
        "model.predict": lambda X: clf.model_.predict(images, batch_size=BATCH_SIZE, verbose=0),
    }
    seconds = median_seconds(contenders, [X], rounds)
    return seconds["ours"] / seconds["model.predict"]


def measure_memory():
    """Return NumPy's peak memory of a fit over the size of the training array."""
    X = np.random.RandomState(0).normal(size=(400, 10, 13, 130)).astype(np.float32)
    y = np.arange(400) % N_GENRES
    clf = KerasANNClassifier((16,), epochs=1, validation_fraction=0.2)
    clf.fit(X[:40], y[:40])
    tracemalloc.start()
    clf.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / X.nbytes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(describe_machine("keras", "tensorflow", "numpy"))
    rows = [
        {"work": work, **compare_training(*settings, args.rounds)}
        for work, settings in WORK.items()
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))
    ratio = compare_prediction(args.rounds)
    print(f"predict_proba of {N_SONGS} songs of {N_SEGMENTS} segments over predict: {ratio:.3f}")
    print(f"peak memory of a fit beside the training array: {measure_memory():.2f} of its size")


if __name__ == "__main__":
    main()
