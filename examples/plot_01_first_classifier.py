"""
A first genre classifier
========================

The shortest way from songs to genres: make a classifier by its name, train it on some songs, and
ask it about songs that it was not trained on.
"""

# %%
# Songs and their genres
# ----------------------
# The songs here are invented, so that the page runs without any files: 60 clips of six seconds in
# five genres. For your own music, put the files of each genre into a folder of that name, and use
# :func:`skgenre.datasets.load_genre_folder`: it returns the paths and the genres.

from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    60, n_genres=5, duration=6.0, n_artists_per_genre=6, random_state=0, return_groups=True
)

# %%
# Hold some songs back
# --------------------
# A classifier should be tested on songs that it was not trained on, by artists that it was not
# trained on either: songs of one artist sound alike, and would make it look better than it is.
# ``StratifiedGroupKFold`` from scikit-learn makes such a split.

from sklearn.model_selection import StratifiedGroupKFold

artists_apart = StratifiedGroupKFold(2, shuffle=True, random_state=0)
train, test = next(artists_apart.split(songs, genres, artists))

# %%
# Train
# -----
# ``"best"`` is the recipe that recognised unknown artists best in our measurements. Two small
# networks that come with the package and were trained on many songs describe each of yours, and a
# linear model learns your genres from these descriptions. The whole is an ordinary scikit-learn
# pipeline.

from skgenre import make_genre_classifier

clf = make_genre_classifier("best", duration=6.0, random_state=0)
clf.fit(songs[train], genres[train])

# %%
# Ask
# ---
# ``predict`` names a genre for each song, and ``predict_proba`` says how likely each genre is.

print(clf.predict(songs[test[:3]]))
print(genres[test[:3]])
print(clf.predict_proba(songs[test[:3]]).round(2))

# %%
# How good is it?
# ---------------
# The rows of the picture are the true genres, the columns the answers. A song on the diagonal was
# recognised.

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

accuracy = clf.score(songs[test], genres[test])
display = ConfusionMatrixDisplay.from_estimator(
    clf, songs[test], genres[test], cmap="Blues", colorbar=False, xticks_rotation=45
)
display.ax_.set_title(f"{accuracy:.0%} of {len(test)} songs by unknown artists are right")
plt.tight_layout()
plt.show()
