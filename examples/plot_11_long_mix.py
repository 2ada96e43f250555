"""
The genres of an hour-long mix
==============================

A DJ set, a radio show or a concert has no single genre. A classifier that answers for segments
shows how the genres change. The file is read in blocks, so an hour takes no more memory than a
minute.
"""

# %%
# A classifier for segments
# -------------------------
# With ``segment_duration=6.0`` and no ``duration``, recordings of any length are cut into segments
# of six seconds. The classifier is trained on short songs.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import OnnxEmbedder, SegmentVotingClassifier, SpectrogramScaler
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    100, n_genres=5, duration=6.0, n_artists_per_genre=10, random_state=0, return_groups=True
)
clf = make_pipeline(
    OnnxEmbedder(duration=None, segment_duration=6.0, outputs=["tags", "penultimate"]),
    SpectrogramScaler(),
    SegmentVotingClassifier(LogisticRegression(C=0.01, max_iter=1000)),
)
clf.fit([(song, 22050) for song in songs], genres)

# %%
# A mix
# -----
# Ten invented songs of half a minute, one after the other: five minutes in place of an hour, so
# that this page is quick. A real mix would be read from its file in the same way.

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf

tracks, track_genres = make_genre_clips(10, n_genres=5, duration=30.0, random_state=1)
order = np.random.RandomState(0).permutation(len(tracks))
temporary = TemporaryDirectory()
mix = Path(temporary.name) / "mix.flac"
sf.write(mix, np.concatenate(tracks[order]), 22050)

# %%
# The genres through the mix
# --------------------------
# Each column is a segment, and the dot its most probable genre. Above stands what was really
# played. In a terminal, ``skgenre timeline mix.mp3`` draws the same.

import matplotlib.pyplot as plt

from skgenre import SegmentTimelineDisplay

figure, axes = plt.subplots(figsize=(10, 3.5), layout="constrained")
SegmentTimelineDisplay.from_estimator(clf, mix, ax=axes)
for i, track in enumerate(order):
    axes.axvline(30 * i, color="white", linewidth=1)
    axes.text(30 * i + 15, -0.7, track_genres[track], ha="center", fontsize=8)
plt.show()
temporary.cleanup()
