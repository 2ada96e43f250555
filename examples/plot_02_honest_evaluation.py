"""
Honest evaluation
=================

The same classifier and the same songs, scored in three ways: 81 %, 66 % or 55 %. Only one of these
numbers says how well it will do on music that it was not trained on.
"""

# %%
# Songs by different artists
# --------------------------
# Eighty invented songs in four genres. As in real music, songs of one artist sound alike: they
# share instruments, tuning and room.

from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    80, n_genres=4, duration=3.0, random_state=1, return_groups=True
)

# %%
# A simple classifier
# -------------------
# It summarises the MFCCs of a song in one row, and looks up the most similar song it knows. Looking
# up similar songs shows clearly what goes wrong; the same happens to neural networks.

from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import MFCCSegmenter, SegmentSummarizer

nearest = make_pipeline(
    MFCCSegmenter(duration=3.0, n_segments=1, n_mfcc=20),
    SegmentSummarizer(),
    StandardScaler(),
    KNeighborsClassifier(1),
)

# %%
# Three protocols
# ---------------
# :func:`~skgenre.compare_classifiers` splits the songs in several ways:
#
# - ``leaky-segments`` cuts each song into ten pieces and splits the pieces at random. Then the most
#   similar piece is another piece of the same song. Many published results were made this way.
# - ``report`` splits whole songs at random. Songs by one artist are still on both sides.
# - ``artist`` keeps all songs of an artist on one side.

from skgenre import compare_classifiers, summarize

results = compare_classifiers(
    {"nearest song": nearest},
    songs,
    genres,
    protocols=["leaky-segments", "report", "artist"],
    groups=artists,
    seeds=range(3),
)
summary = summarize(results)
print(summary[["protocol", "is_valid", "leakage", "accuracy", "low", "high"]].round(2))

# %%
# Which number to quote
# ---------------------
# Quote the result of ``artist``, with its 95 % interval. ``is_valid`` marks results that must not
# be quoted, and ``leakage`` says what was on both sides. The interval is wide, because there are
# only twenty artists: hundreds of segments do not make it narrower.

import matplotlib.pyplot as plt

from skgenre import ComparisonDisplay

ComparisonDisplay.from_summary(summary)
plt.show()
