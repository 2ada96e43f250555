"""The tables of the page that `report.py` writes."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from skgenre import GTZANFilteredSplit
from skgenre.recipes import RECIPES

# Percent, as "AI Music Genre Classification" (University of Bristol, 2022) prints them.
FIGURES = {
    "ann-mel": "53.54",
    "ann-mfcc": "50.79",
    "ann-mfcc-10": "63.51",
    "cnn-mel": "68.78",
    "cnn-mfcc": "54.30",
    "cnn-mfcc-10": "75.77",
    "wav2vec": "74.5",
}
N_TESTED = {"189 songs": 189, "1890 segments": 1890, "200 songs, had it lost none": 200}
_SCORES = {
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "calibration_error": "calibration error",
    "top3_accuracy": "in the first three",
}


def make_main_table(summary, is_invented):
    """Return a row for each pipeline: the report's figure, ours its way, and ours honestly.

    The report's are no measure of songs that are invented.
    """
    of_protocol = {
        protocol: rows.set_index("estimator") for protocol, rows in summary.groupby("protocol")
    }
    names = [name for name in RECIPES if name in set(summary["estimator"])]
    accuracy = summary.pivot(index="estimator", columns="protocol", values="accuracy")
    table = pd.DataFrame(index=pd.Index(names, name="pipeline"))
    own = pd.Series({name: float(figure) / 100 for name, figure in FIGURES.items()})
    table["the report"] = own.reindex(names).map(_format)
    table["`report`"] = _with_interval(of_protocol["report"], names)
    if not is_invented:
        table["ours - the report's"] = (accuracy["report"] - own).reindex(names).map(_format_signed)
    leaky = accuracy["leaky-segments"].reindex(names)
    table["`leaky-segments`: **invalid**"] = leaky.map(lambda value: _format(value) or "failed")
    for protocol in ("stratified", "artist", "filtered"):
        if protocol in of_protocol:
            table[f"`{protocol}`"] = _with_interval(of_protocol[protocol], names)
    fall = leaky - accuracy["artist"].reindex(names)
    table["**invalid** - `artist`"] = fall.map(_format_signed)
    return table.reset_index()


def make_song_table(results, songs):
    """Return a row for each genre: how many songs each protocol tests, and cannot have learned."""
    table = pd.DataFrame(index=sorted(set(songs.y)))
    table["songs"] = pd.Series(songs.y).value_counts()
    table["artists"] = pd.Series(songs.groups).groupby(songs.y).nunique()
    computed = results[results["is_valid"] & results["error"].isna()]
    for protocol, rows in computed.groupby("protocol", sort=False):
        tested = pd.concat(
            [
                answers[["genre"]].assign(is_unknown=_are_untrained(protocol, answers, songs))
                for answers in rows.drop_duplicates(["seed", "fold"])["answers"]
            ]
        )
        by_song = tested.groupby(level="song").agg({"genre": "first", "is_unknown": "all"})
        by_genre = by_song.groupby("genre")["is_unknown"].agg(["size", "sum"])
        by_genre = by_genre.reindex(table.index, fill_value=0)
        table[f"`{protocol}`"] = by_genre.agg(_say_tested, axis=1)
        table.loc["all", f"`{protocol}`"] = _say_tested(by_genre.sum())
    table.loc["all", ["songs", "artists"]] = len(songs.y), len(set(songs.groups))
    table[["songs", "artists"]] = table[["songs", "artists"]].astype(int)
    return table.rename_axis("genre").reset_index()


def _are_untrained(protocol, answers, songs):
    """Return whether each tested song is of a genre that the fold did not train on."""
    if protocol == "filtered":
        train, _ = next(GTZANFilteredSplit().split(songs.X))
    else:
        train = np.setdiff1d(np.arange(len(songs.y)), answers.index)
    return ~answers["genre"].isin(songs.y[train])


def _say_tested(counts):
    return f"{counts['size']} ({counts['sum']})" if counts["sum"] else f"{counts['size']}"


def make_score_table(summary):
    """Return a row for each pipeline and protocol: scores, intervals and verdicts."""
    table = pd.DataFrame(
        {
            "protocol": summary["protocol"],
            "pipeline": summary["estimator"],
            "on both sides": summary["leakage"],
            "songs": summary["n_songs"],
            "artists": summary["n_groups"],
            "accuracy": [_say_interval(row) for _, row in summary.iterrows()],
            "against the reference": [
                "" if np.isnan(row["difference"]) else _say_interval(row, "difference", "+")
                for _, row in summary.iterrows()
            ],
            "p": summary["p_value"].map(_format),
            "verdict": summary["verdict"].replace("invalid", "**invalid**"),
        }
    )
    for score, heading in _SCORES.items():
        table.insert(len(table.columns) - 3, heading, summary[score].map(_format))
    if summary["n_failed"].any():
        table["folds failed"] = summary["n_failed"].replace(0, "")
    return table


def make_time_table(results):
    """Return a row for each pipeline: seconds under the report's protocol."""
    rows = []
    of_report = results[(results["protocol"] == "report") & results["error"].isna()]
    for name, folds in of_report.groupby("estimator", sort=False):
        histories = folds["history"].dropna()
        epochs = np.concatenate([history["seconds"] for history in histories] or [[]])
        rows.append(
            {
                "pipeline": name,
                "epochs": f"{len(epochs) / len(histories):.0f}" if len(histories) else "",
                "median epoch (s)": f"{np.median(epochs):.2f}" if len(histories) else "",
                "fit (s)": f"{folds['fit_seconds'].mean():.1f}",
                "predict (s)": f"{folds['predict_seconds'].mean():.1f}",
            }
        )
    return pd.DataFrame(rows)


def make_own_table():
    """Return, for each figure of the report, the share of its test songs that comes nearest."""
    rows = []
    for name, figure in FIGURES.items():
        row = {"pipeline": name, "printed (%)": figure}
        n_decimals = len(figure.split(".")[1])
        for what, n in N_TESTED.items():
            n_right = round(float(figure) / 100 * n)
            nearest = f"{100 * n_right / n:.{n_decimals}f}"
            fits = "**fits**" if nearest == figure else "does not fit"
            if n >= 100 * 10**n_decimals:
                fits = "any figure fits"
            row[what] = f"{n_right} are {nearest}: {fits}"
        rows.append(row)
    return pd.DataFrame(rows)


def make_interval_table(summary):
    """Return how wide the 95 % interval of an accuracy is at the numbers of songs tested."""
    tested = summary[summary["is_valid"]].groupby("protocol", sort=False)["n_songs"].max()
    sizes = {f"ours, `{protocol}`": n for protocol, n in tested.items() if n}
    sizes["the report, 189 songs"] = N_TESTED["189 songs"]
    return pd.DataFrame(
        [
            {
                "tested": what,
                "songs": n,
                **{f"at {rate}": _binomial(rate, n) for rate in (0.5, 0.75)},
            }
            for what, n in sizes.items()
        ]
    )


def _binomial(rate, n):
    low, high = binomtest(round(rate * n), n).proportion_ci(method="wilson")
    return f"{low:.3f} to {high:.3f}"


def _with_interval(rows, names):
    rows = rows.reindex(names)
    return ["" if row.isna().all() else _say_interval(row) for _, row in rows.iterrows()]


def _say_interval(row, what="accuracy", sign=""):
    if np.isnan(row[what]):
        return "failed"
    prefix = "" if what == "accuracy" else f"{what}_"
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return f"{row[what]:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _format(value):
    return "" if np.isnan(value) else f"{value:.3f}"


def _format_signed(value):
    return "" if np.isnan(value) else f"{value:+.3f}"
