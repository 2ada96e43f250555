"""
Train a network, and look inside
================================

A convolutional network on MFCCs, as in many papers on music genres: how it learned, what it says of
each part of a song, and which sounds its answer rests on.
"""

# %%
# A pipeline of three steps
# -------------------------
# Each song of six seconds is cut into four segments of MFCCs, which are scaled and given to the
# network. A row of the data is a whole song at every step, so the segments of a song are never on
# two sides of a split. ``mixup`` and ``time_mask`` change the songs a little in each epoch, so that
# the network cannot learn them by heart as quickly.

from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from skgenre import KerasCNNClassifier, MFCCSegmenter, SpectrogramScaler
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    160, n_genres=4, duration=6.0, n_artists_per_genre=20, random_state=0, return_groups=True
)
train, test = next(
    StratifiedGroupKFold(4, shuffle=True, random_state=0).split(songs, genres, artists)
)
clf = Pipeline(
    [
        ("mfcc", MFCCSegmenter(duration=6.0, n_segments=4)),
        ("scale", SpectrogramScaler()),
        (
            "cnn",
            KerasCNNClassifier(
                epochs=20, mixup=0.2, time_mask=0.2, validation_fraction=0.2, random_state=0
            ),
        ),
    ]
)
clf.fit(songs[train], genres[train], cnn__groups=artists[train])
print(f"right for {clf.score(songs[test], genres[test]):.0%} of {len(test)} songs, artists unknown")

# %%
# How it learned
# --------------
# A fifth of the training songs, by artists of their own, was held out to watch the training. The
# gap between the curves is what the network knows about its own songs only.

import matplotlib.pyplot as plt

from skgenre import OcclusionDisplay, SegmentTimelineDisplay, TrainingHistoryDisplay

TrainingHistoryDisplay.from_estimator(clf)
plt.show()

# %%
# What it says of a song
# ----------------------
# The network answers for each segment. The genre of the song is the one with the highest mean. This
# is the song that it is least sure of.

least_sure = test[clf.predict_proba(songs[test]).max(axis=1).argmin()]
song, genre = songs[least_sure], genres[least_sure]
SegmentTimelineDisplay.from_estimator(clf, song).ax_.set_title(f"a song whose genre is {genre}")
plt.show()

# %%
# What the answer rests on
# ------------------------
# One small part of a segment after the other is painted over. Where this lowers the probability of
# the genre most, the network was listening.

OcclusionDisplay.from_estimator(clf, song)
plt.show()
