"""
Train on your own library, by its tags
======================================

Most music files already say their genre and artist in their tags. This page reads both, trains a
classifier on the tagged songs, and suggests genres for those without a tag.
"""

# %%
# A music library
# ---------------
# We write one: 48 FLAC files, whose tags hold the artist and, except for the last eight, the genre.
# As in real libraries, the same genre has several names.

from pathlib import Path
from tempfile import TemporaryDirectory

import soundfile as sf
from mutagen.flac import FLAC

from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    48, n_genres=4, duration=6.0, n_artists_per_genre=6, random_state=0, return_groups=True
)
other_names = {"country": "Country & Western", "disco": "DISCO"}
temporary = TemporaryDirectory()
folder = Path(temporary.name)
for i, (song, genre, artist) in enumerate(zip(songs, genres, artists, strict=True)):
    path = folder / f"{i:02}.flac"
    sf.write(path, song, 22050)
    tags = FLAC(path)
    tags["artist"] = artist
    if i < 40:
        tags["genre"] = other_names.get(genre, genre) if i < 12 else genre
    tags.save()

# %%
# Read it
# -------
# :func:`~skgenre.datasets.load_music_library` lists the songs with a genre, and says in a warning
# which files it left out. Names that differ only in capitals are one genre, ``genre_map`` joins
# others, and ``groups`` tells which songs are by one artist.

import warnings

from skgenre.datasets import load_music_library

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    library = load_music_library(folder, genre="tag", genre_map={"Country & Western": "country"})
print(str(caught[0].message).replace(str(folder), "library"))
print(library.target_names, len(set(library.groups)), "artists")

# %%
# Check it, then train
# --------------------
# First we ask how often the classifier is right about artists that it does not know. Then we train
# it on all tagged songs.

from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from skgenre import make_genre_classifier

clf = make_genre_classifier("best", duration=6.0, random_state=0)
artists_apart = StratifiedGroupKFold(3, shuffle=True, random_state=0)
scores = cross_val_score(
    clf, library.paths, library.target, groups=library.groups, cv=artists_apart
)
print(f"right for {scores.mean():.0%} of songs by unknown artists; guessing: 25%")
clf.fit(library.paths, library.target)

# %%
# Suggest genres for the rest
# ---------------------------
# Each row is a song without a genre, and the number is how likely each genre is. The frame marks
# the true one, which the classifier did not see. ``skgenre tag`` writes such genres into the files,
# and can undo it.

import matplotlib.pyplot as plt

proba = clf.predict_proba(library.left_out.paths)
figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
mesh = axes.pcolormesh(proba, cmap="Blues", vmin=0, vmax=1, edgecolors="white")
for row, path in enumerate(library.left_out.paths):
    truth = list(clf.classes_).index(genres[int(Path(path).stem)])
    axes.add_patch(plt.Rectangle((truth, row), 1, 1, fill=False, edgecolor="C1", linewidth=2))
    for column, value in enumerate(proba[row]):
        color = "white" if value > 0.5 else "black"
        axes.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", color=color)
axes.set_xticks([i + 0.5 for i in range(len(clf.classes_))], labels=clf.classes_)
axes.set_yticks(
    [i + 0.5 for i in range(len(proba))],
    labels=[Path(path).name for path in library.left_out.paths],
)
axes.invert_yaxis()
axes.set_title("Songs without a genre")
plt.show()
temporary.cleanup()
