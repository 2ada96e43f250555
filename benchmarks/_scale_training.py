"""What the recipe `large` takes to learn from a store, beside the same features in memory."""

import numpy as np
import zarr
from _process import run_alone

N_FEATURES, _CHUNK = 250, 256
_CODE = """
import sys, time
import numpy as np, zarr
from skgenre import make_genre_classifier

store, where, n_epochs = sys.argv[1:]
X = zarr.open_group(store, mode="r")["features"]
y = np.random.default_rng(0).choice(["blues", "jazz", "rock"], X.shape[0])
clf = make_genre_classifier("large", ann__epochs=int(n_epochs), random_state=0)[1:]
clf.fit(X[:256], y[:256])  # what TensorFlow loads
start = time.perf_counter()
clf.fit(X if where == "store" else X[:], y)
print("seconds", (time.perf_counter() - start) / int(n_epochs))
"""


def measure_training(folder, sizes, n_epochs=2):
    """Return seconds per epoch, and the most memory of the whole program."""
    rows = []
    for n_songs in sizes:
        store = folder / str(n_songs)
        write_table(store, n_songs)
        row = {"songs": n_songs, "table (MB)": 4 * n_songs * N_FEATURES / 2**20}
        for where in ("store", "memory"):
            printed, peak = run_alone(_CODE, store, where, n_epochs)
            row[f"{where}: s an epoch"] = float(printed.split("seconds ")[1].split()[0])
            row[f"{where}: MB"] = peak
        rows.append(row)
    return rows


def write_table(store, n_songs):
    rng = np.random.default_rng(0)
    features = zarr.open_group(store, mode="w").create_array(
        "features",
        shape=(n_songs, N_FEATURES),
        shards=(_CHUNK, N_FEATURES),
        chunks=(_CHUNK, N_FEATURES),
        dtype="float32",
    )
    for start in range(0, n_songs, _CHUNK):
        stop = min(start + _CHUNK, n_songs)
        features[start:stop] = rng.normal(size=(stop - start, N_FEATURES)).astype("float32")
