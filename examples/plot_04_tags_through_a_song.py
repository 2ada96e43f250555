"""
Tags through a song
===================

musicnn is a small network that has learned fifty tags from 200,000 songs: genres, instruments,
voices and moods. It comes with the package. Here it listens to a song and says when each tag fits.
"""

# %%
# A song that changes
# -------------------
# Three parts of 12 seconds each: invented classical music, hip-hop and metal.

import numpy as np

from skgenre.datasets import make_genre_clips

clips, genres = make_genre_clips(10, duration=12.0, random_state=5)
parts = ["classical", "hiphop", "metal"]
song = np.concatenate([clips[genres == genre][0] for genre in parts])

# %%
# The tags of the whole song
# --------------------------
# :class:`~skgenre.OnnxEmbedder` is a transformer: one row for each song, one column for each tag.
# With ``set_output`` the row has names.

from skgenre import OnnxEmbedder

embedder = OnnxEmbedder(duration=36.0).set_output(transform="pandas")
print(embedder.fit_transform([song]).iloc[0].nlargest(5).round(2))

# %%
# Through the song
# ----------------
# :class:`~skgenre.TagDisplay` asks for each three seconds. All invented songs come from a
# synthesizer, and musicnn notices: it finds them electronic. With a file of your own, the second
# argument is its path: ``TagDisplay.from_estimator(OnnxEmbedder(), "song.mp3")``.

import matplotlib.pyplot as plt

from skgenre import TagDisplay

display = TagDisplay.from_estimator(OnnxEmbedder(), song)
for i, genre in enumerate(parts):
    display.ax_.axvline(12 * i, color="white", linewidth=1)
    display.ax_.text(12 * i + 6, -0.7, genre, ha="center")
plt.show()
