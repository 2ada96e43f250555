"""
Several models in one, with fewer features
==========================================

A network on MFCCs, a table of audio descriptors, and the tags of a pretrained network: each hears
something else. :class:`~skgenre.UnifiedGenreClassifier` asks them all, and learns how far to trust
each. FeatureWiz keeps only the columns of the tables that help.
"""

# %%
# Three branches
# --------------
# A branch is a classifier, or a transformer that makes a table, from which a logistic regression
# then learns.

from sklearn.pipeline import make_pipeline

from skgenre import (
    AudioDescriptorTransformer,
    FeatureWizSelector,
    KerasCNNClassifier,
    MFCCSegmenter,
    OnnxEmbedder,
    SpectrogramScaler,
    UnifiedGenreClassifier,
)
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    160, n_genres=4, duration=3.0, n_artists_per_genre=20, random_state=0, return_groups=True
)
network = make_pipeline(
    MFCCSegmenter(duration=3.0, n_segments=2),
    SpectrogramScaler(),
    KerasCNNClassifier(epochs=10, mixup=0.2, random_state=0),
)
clf = UnifiedGenreClassifier(
    branches=[
        ("network", network),
        ("descriptors", AudioDescriptorTransformer(duration=3.0)),
        ("tags", OnnxEmbedder(duration=3.0)),
    ],
    selector=FeatureWizSelector(n_features=15, random_state=0),
    cv=2,
)

# %%
# Train
# -----
# The weights are learned from songs that the branches were not trained on. With ``groups``, these
# are by other artists, too.

from sklearn.model_selection import StratifiedGroupKFold

train, test = next(
    StratifiedGroupKFold(2, shuffle=True, random_state=0).split(songs, genres, artists)
)
clf.fit(songs[train], genres[train], groups=artists[train])
for branch, weight in zip(clf.branches_, clf.head_.weights_, strict=True):
    print(f"{branch}: {weight:.2f}")

# %%
# What FeatureWiz kept
# --------------------
# Fifteen of the descriptors, the most important first.

selector = clf.branch_heads_["descriptors"].estimator_[0]
names = clf.branches_["descriptors"].get_feature_names_out()
print(names[selector.order_])

# %%
# Is the whole better than its parts?
# -----------------------------------
# ``score_branches`` asks each branch alone, and all together. The ``oracle`` is right where any
# branch is: no way to combine them can do better.

import matplotlib.pyplot as plt

scores = clf.score_branches(songs[test], genres[test])
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
colors = ["C1" if name == "unified" else "C0" for name in scores.index]
bars = axes.barh(scores.index, scores, color=colors)
axes.bar_label(bars, fmt="%.2f", padding=3)
axes.axvline(0.25, color="black", linestyle="--", label="guessing")
axes.set(xlabel="Accuracy on songs by unknown artists", xlim=(0, 1.05))
axes.invert_yaxis()
axes.legend(loc="upper right")
plt.show()
