"""
Uncertain songs: answer, or say "unknown"
=========================================

A wrong genre in ten thousand files is worse than none. :class:`~skgenre.SelectiveClassifier`
answers only where it is sure enough that most of its answers are right.
"""

# %%
# Ask for a share of right answers
# --------------------------------
# Here nine of ten answers shall be right. The wrapper goes around the last step of a pipeline. From
# songs that are held out in training, by other artists, it learns how sure it has to be.

from sklearn.model_selection import StratifiedGroupKFold

from skgenre import SelectiveClassifier, make_genre_classifier
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    180, n_genres=6, duration=3.0, n_artists_per_genre=10, random_state=0, return_groups=True
)
train, test = next(
    StratifiedGroupKFold(2, shuffle=True, random_state=0).split(songs, genres, artists)
)
clf = make_genre_classifier("best", duration=3.0, random_state=0)
clf.set_params(musicnn=SelectiveClassifier(clf["musicnn"], target_precision=0.9))
clf.fit(songs[train], genres[train], musicnn__groups=artists[train])

# %%
# What it answers
# ---------------

predicted = clf.predict(songs[test])
is_answered = predicted != "unknown"
always = clf.classes_[clf.predict_proba(songs[test]).argmax(axis=1)]
print(predicted[:6])
print(f"always answering:  {(always == genres[test]).mean():.0%} of the answers are right")
print(
    f"answering if sure: {(predicted == genres[test])[is_answered].mean():.0%} are right, "
    f"for {is_answered.mean():.0%} of the songs"
)

# %%
# What other thresholds would give
# --------------------------------
# To the left only the surest songs are answered, to the right all of them. The dot is where the
# classifier stops answering.

import matplotlib.pyplot as plt

from skgenre import PrecisionCoverageDisplay

PrecisionCoverageDisplay.from_estimator(clf)
plt.show()
