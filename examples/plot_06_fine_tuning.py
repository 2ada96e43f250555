"""
Fine-tune musicnn
=================

A network that knows music already needs few songs to learn new genres. Here musicnn gets a new last
layer for four genres, and then all its layers are trained a little further.
"""

# %%
# Few songs
# ---------
# Ten songs of each genre to train on, and as many by other artists to test.

from sklearn.model_selection import StratifiedGroupKFold

from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    80, n_genres=4, duration=3.0, n_artists_per_genre=10, random_state=0, return_groups=True
)
train, test = next(
    StratifiedGroupKFold(2, shuffle=True, random_state=0).split(songs, genres, artists)
)

# %%
# A new last layer
# ----------------
# ``cnn-musicnn`` keeps the layers of musicnn as they are, and trains what comes after them.

from skgenre import make_genre_classifier

clf = make_genre_classifier(
    "cnn-musicnn",
    duration=3.0,
    n_segments=1,
    random_state=0,
    cnn__epochs=12,
    cnn__learning_rate=1e-2,
    cnn__validation_fraction=0.25,
)
clf.fit(songs[train], genres[train], cnn__groups=artists[train])
before = clf.score(songs[test], genres[test])

# %%
# All layers
# ----------
# ``warm_start=True`` goes on from the weights it has. ``freeze_base=False`` lets all layers learn,
# at a small learning rate: a large one would make the network forget what it knows.

clf.set_params(
    cnn__warm_start=True,
    cnn__architecture_params={"freeze_base": False},
    cnn__learning_rate=1e-4,
    cnn__epochs=3,
)
clf.fit(songs[train], genres[train], cnn__groups=artists[train])
after = clf.score(songs[test], genres[test])

# %%
# What it brought
# ---------------
# The line marks where all layers began to learn. With so few songs the second step fits the
# training songs better, while the validation curves hardly move, and a song or two more among forty
# may be chance. Try it when you have hundreds of songs, and keep it only if it helps on artists
# that the network was not trained on.

import matplotlib.pyplot as plt

from skgenre import TrainingHistoryDisplay

display = TrainingHistoryDisplay.from_estimator(clf)
for axes in display.axes_:
    axes.axvline(12.5, color="grey", linestyle="--")
display.figure_.suptitle(f"songs by unknown artists: {before:.0%} before, {after:.0%} after")
plt.show()
