"""
A pretrained model from the Hugging Face hub
============================================

wav2vec 2.0, CLAP, Whisper and others were trained on many hours of audio. Their layers describe a
song, and a small classifier learns genres from the description. But from which layer?
"""

# %%
# The model
# ---------
# This page is built without a network, so a tiny model with random weights takes the place of a
# real one. It works the same way, but has learned nothing. For the real one, leave out this block
# and write ``checkpoint = "facebook/wav2vec2-xls-r-300m"``, or ``"laion/larger_clap_music"``, which
# is then downloaded from the hub once.

from tempfile import TemporaryDirectory

from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model, set_seed

set_seed(0)
temporary = TemporaryDirectory()
checkpoint = temporary.name
config = Wav2Vec2Config(
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=2,
    intermediate_size=64,
    conv_dim=(32, 32, 32),
    conv_kernel=(10, 8, 4),
    conv_stride=(5, 4, 4),
    initializer_range=0.3,
)
Wav2Vec2Model(config).save_pretrained(checkpoint)
Wav2Vec2FeatureExtractor().save_pretrained(checkpoint)

# %%
# One classifier for each layer
# -----------------------------
# :class:`~skgenre.Wav2VecEmbedder` gives the mean and the spread of a layer over the song.
# ``layers`` says of which: 0 is what enters the first layer of the transformer. The model itself is
# not trained here, so its tables are computed once. Each is scored with artists kept apart.

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import Wav2VecEmbedder
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    100,
    n_genres=4,
    duration=3.0,
    sr=16000,
    n_artists_per_genre=10,
    random_state=0,
    return_groups=True,
)
artists_apart = StratifiedGroupKFold(5, shuffle=True, random_state=0)
layers = range(config.num_hidden_layers + 1)
scores = []
for layer in layers:
    embedder = Wav2VecEmbedder(
        checkpoint=checkpoint, layers=[layer], duration=3.0, precision="float32"
    )
    table = embedder.fit_transform(songs)
    clf = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores.append(cross_val_score(clf, table, genres, groups=artists, cv=artists_apart))

# %%
# Which layer knows most?
# -----------------------
# Layers of random weights learn nothing, and each loses some of what it gets, so the bars fall.
# With a real checkpoint they rise at first. Models that were trained on speech know most about
# music in their middle layers, and most about words in their last ones.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.bar(
    layers,
    [score.mean() for score in scores],
    yerr=[score.std() / len(score) ** 0.5 for score in scores],
    capsize=4,
)
axes.axhline(0.25, color="black", linestyle="--", label="guessing")
axes.set(xlabel="Layer", ylabel="Accuracy, artists apart", ylim=(0, 1), xticks=list(layers))
axes.legend()
plt.show()
temporary.cleanup()
