"""
A model file and its card
=========================

How to hand a trained classifier to someone else: as one file that holds no code, needs neither
TensorFlow nor torch, and says what it is.
"""

# %%
# Train, and measure
# ------------------
# The scores go into the file. They are those of artists that the classifier was not trained on.

from skgenre import compare_classifiers, make_genre_classifier, summarize
from skgenre.datasets import make_genre_clips

songs, genres, artists = make_genre_clips(
    40, n_genres=4, duration=6.0, random_state=0, return_groups=True
)
clf = make_genre_classifier("musicnn", duration=6.0)
results = compare_classifiers({"musicnn": clf}, songs, genres, protocols=["artist"], groups=artists)
clf.fit(songs, genres)

# %%
# Write the file
# --------------

from pathlib import Path
from tempfile import TemporaryDirectory

from skgenre import export_model, load_model, model_card

temporary = TemporaryDirectory()
path = Path(temporary.name) / "four-genres.onnx"
export_model(clf, path, card=summarize(results).iloc[0])
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# Read its card
# -------------
# The card is a page of Markdown, as on the Hugging Face hub.

print(model_card(path))

# %%
# Use it
# ------
# ``load_model`` checks the file before it runs anything in it. What it returns is a scikit-learn
# classifier and gives the same answers as the pipeline. The file also works in a browser.

import matplotlib.pyplot as plt

loaded = load_model(path)
before, after = clf.predict_proba(songs[:8]), loaded.predict_proba(songs[:8])
figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
axes.plot([0, 0.6], [0, 0.6], color="grey", linewidth=1)
for column, genre in enumerate(loaded.classes_):
    axes.scatter(before[:, column], after[:, column], label=genre)
axes.set(
    xlabel="Probability, the pipeline", ylabel="Probability, the file", xlim=(0, 0.6), ylim=(0, 0.6)
)
axes.legend(title=f"largest difference {abs(before - after).max():.0e}")
plt.show()
temporary.cleanup()
