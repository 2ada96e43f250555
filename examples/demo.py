"""The main job, end to end, on invented songs: from audio files to a pickled genre classifier.

Run it with ``make demo``, or ``python examples/demo.py [folder for what it makes]``.
"""

import subprocess
import sys
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile as sf
from rich.console import Console
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from skgenre import (
    KerasCNNClassifier,
    MelSpectrogramDisplay,
    MFCCSegmenter,
    SegmentTimelineDisplay,
    SpectrogramScaler,
    TrainingHistoryDisplay,
)
from skgenre.datasets import load_genre_folder, make_genre_clips

SR = 22050
console = Console(highlight=False)

CLASSIFY = """
import sys, joblib
clf = joblib.load(sys.argv[1])
proba = clf.set_params(mfcc__verbose=0).predict_proba([sys.argv[2]])[0]
for i in proba.argsort()[:-4:-1]:
    print(f"  {clf.classes_[i]:<10} {proba[i]:.2f}")
"""


def main(out):
    songs, artists = write_songs(out / "songs", n_songs=150)
    train, test = next(
        StratifiedGroupKFold(3, shuffle=True, random_state=0).split(
            songs.paths, songs.target, artists
        )
    )
    clf = Pipeline(
        [
            ("mfcc", MFCCSegmenter(n_segments=10, n_jobs=2, verbose=1)),
            ("scale", SpectrogramScaler()),
            (
                "cnn",
                KerasCNNClassifier(
                    epochs=15,
                    learning_rate=1e-3,
                    validation_fraction=0.2,
                    random_state=0,
                    verbose=1,
                ),
            ),
        ]
    )
    console.rule("2. Train on paths")
    clf.fit(songs.paths[train], songs.target[train], cnn__groups=artists[train])

    console.rule("3. Judge on songs of other artists")
    predicted = clf.predict(songs.paths[test])
    console.print(
        f"Protocol: {len(train)} songs to train, {len(test)} held out; each artist is on one side "
        "only.\nEach song is heard as ten segments of 3 s, and judged by the mean of their "
        "probabilities."
    )
    report = classification_report(songs.target[test], predicted, output_dict=True, zero_division=0)
    by_genre = pd.DataFrame(report)[list(clf.classes_)].T.astype({"support": int})
    by_genre = by_genre.rename(columns={"recall": "accuracy", "support": "songs"})
    console.print(by_genre[["accuracy", "precision", "songs"]].round(2).to_string())
    console.print(f"[bold]accuracy {report['accuracy']:.2f}[/bold], guessing 0.10")

    console.rule("4. Pickle, and classify a file in a new process")
    model = out / "genre_classifier.joblib"
    joblib.dump(clf, model)
    song = songs.paths[test[0]]
    console.print(
        f"{Path(song).name}, from {model} ({model.stat().st_size / 1e6:.1f} MB):", markup=False
    )
    answer = subprocess.run(
        [sys.executable, "-c", CLASSIFY, model, song], check=True, capture_output=True, text=True
    )
    console.print(answer.stdout, end="")

    picture = out / "demo.png"
    draw(picture, song, clf, songs.target[test], predicted)
    console.print(f"Picture: {picture.resolve()}", soft_wrap=True, markup=False)
    console.print("Your own music: make demo SONGS=<folder>", markup=False)


def write_songs(folder, n_songs):
    """Make songs, write them as audio files by genre, and list the folder."""
    console.rule("1. Make songs and write them as audio files")
    with console.status(f"making {n_songs} songs of 30 s"):
        X, y, artists = make_genre_clips(
            n_songs, n_artists_per_genre=15, random_state=0, return_groups=True, n_jobs=2
        )
    artist_of = {}
    for i, (waveform, genre, artist) in enumerate(zip(X, y, artists, strict=True)):
        path = folder / genre / f"{genre}.{i:05}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, waveform, SR)
        artist_of[str(path)] = artist
    songs = load_genre_folder(folder)
    console.print(
        f"{len(songs.paths)} songs of {len(songs.target_names)} genres in {folder}", markup=False
    )
    return songs, np.array([artist_of[path] for path in songs.paths])


def draw(picture, song, clf, genres, predicted):
    """Draw a song as the net hears it and what it says of it, how it learned and how it judges."""
    clf.set_params(mfcc__verbose=0)
    figure, ((song_axes, answer_axes), (history_axes, confusion_axes)) = plt.subplots(
        2, 2, figsize=(18, 11), layout="constrained"
    )
    MelSpectrogramDisplay.from_estimator(clf, song, ax=song_axes)
    SegmentTimelineDisplay.from_estimator(clf, song, ax=answer_axes)
    answer_axes.set_title(f"{Path(song).name}, segment by segment", parse_math=False)
    TrainingHistoryDisplay.from_estimator(clf, ax=history_axes)
    ConfusionMatrixDisplay.from_predictions(
        genres, predicted, ax=confusion_axes, xticks_rotation=45, cmap="Blues", colorbar=False
    )
    confusion_axes.set_title("Held-out songs")
    figure.savefig(picture, dpi=70)


if __name__ == "__main__":
    # a folder may be called what a terminal cannot print
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    out_folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo_output")
    main(out_folder)
