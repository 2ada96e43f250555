import numpy as np
import pandas as pd

from .._names import printable
from .._tables import number
from ..model_selection import summarize
from ._plotting import AS_IT_IS, COLORS, legend_below, make_axes

_NEEDED = ("protocol", "estimator", "is_valid", "leakage", "accuracy", "low", "high")
_INCHES_PER_ROW = 0.2
# Beside the longest bar, as a share of it.
_ROOM_PER_LETTER = 0.011
_INVALID = {"color": "0.8", "hatch": "////", "edgecolor": "0.4", "linewidth": 0.5}


class ComparisonDisplay:
    """Plot the accuracy of classifiers under each protocol, with confidence intervals.

    There is one bar per classifier and protocol, with the most accurate classifier under valid
    protocols on top. Invalid protocols are grey, hatched and labelled as invalid. The legend says
    what leaks under the others. Create it with `ComparisonDisplay.from_results` or
    `ComparisonDisplay.from_summary`. All parameters are stored as attributes. See
    :doc:`/guide/inspection`.

    Parameters
    ----------
    summary : DataFrame
        The table that `summarize` returns.

    Attributes
    ----------
    bars_ : dict of str to BarContainer
        The bars of each protocol.
    ax_ : Axes
        The axes with the plot.
    figure_ : Figure
        The figure with the axes.

    See Also
    --------
    compare_classifiers : Makes the results.
    summarize : Makes the summary.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.datasets import make_classification
    >>> from skgenre import ComparisonDisplay, compare_classifiers
    >>> X, y = make_classification(200, random_state=0)
    >>> results = compare_classifiers(
    ...     {"dummy": DummyClassifier(), "linear": LogisticRegression()}, X, y, protocols=["report"]
    ... )
    >>> display = ComparisonDisplay.from_results(results)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['linear', 'dummy']
    """

    def __init__(self, summary):
        self.summary = summary

    @classmethod
    def from_results(cls, results, *, ax=None, **kwargs):
        """Summarise a comparison and plot it.

        Parameters
        ----------
        results : DataFrame
            The table that `compare_classifiers` returns.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.
        **kwargs : dict
            Parameters of `summarize`, such as ``confidence_level`` or ``max_accuracy``.

        Returns
        -------
        display : ComparisonDisplay
            The display with the plot.
        """
        return cls(summarize(results, **kwargs)).plot(ax)

    @classmethod
    def from_summary(cls, summary, *, ax=None):
        """Plot the summary of a comparison.

        Parameters
        ----------
        summary : DataFrame
            The table that `summarize` returns.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : ComparisonDisplay
            The display with the plot.

        Raises
        ------
        ValueError
            If the summary lacks columns, is empty, or has two rows for a classifier and protocol.
        """
        return cls(summary).plot(ax)

    def plot(self, ax=None):
        """Draw the bars.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a figure that is tall enough for the bars. In a figure
            of your own, constrained layout leaves room for the legend.

        Returns
        -------
        display : ComparisonDisplay
            This display.

        Raises
        ------
        ValueError
            If the summary lacks columns, is empty, or has two rows for a classifier and protocol.
        """
        summary = self.summary
        _check(summary)
        names = _rank(summary)
        protocols = list(dict.fromkeys(summary["protocol"]))
        n_rows = (len(names) + 1) * (len(protocols) + 1)
        self.ax_ = make_axes(ax, figsize=(8, 0.8 + _INCHES_PER_ROW * n_rows))
        self.figure_ = self.ax_.figure
        height = 1 / (len(protocols) + 1)
        colors = iter(COLORS * len(protocols))
        self.bars_ = {}
        for i, protocol in enumerate(protocols):
            rows = summary[summary["protocol"] == protocol]
            offset = (i - (len(protocols) - 1) / 2) * height
            places = np.array([names.index(name) for name in rows["estimator"]]) + offset
            is_valid = rows["is_valid"].all()
            style = {"color": next(colors)} if is_valid else _INVALID
            self.bars_[protocol] = self.ax_.barh(
                places,
                rows["accuracy"],
                height=height,
                label=_describe(protocol, rows),
                xerr=_errors(rows),
                error_kw={"elinewidth": 1},
                **style,
            )
            for place, (_, row) in zip(places, rows.iterrows(), strict=True):
                self.ax_.annotate(
                    _value(row),
                    (np.nanmax([0, row["accuracy"], row["high"]]), place),
                    xytext=(3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                )
        longest = max(len(_value(row)) for _, row in summary.iterrows())
        self.ax_.set_yticks(np.arange(len(names)), labels=[*map(printable, names)], **AS_IT_IS)
        self.ax_.set_xticks(np.linspace(0, 1, 6))
        self.ax_.set(
            xlabel="Accuracy",
            xlim=(0, 1.02 + _ROOM_PER_LETTER * longest),
            ylim=(len(names) - 0.5, -0.5),
        )
        legend_below(self.ax_, list(self.bars_.values()))
        return self


def _check(summary):
    missing = [name for name in _NEEDED if name not in summary]
    if missing:
        raise ValueError(f"The summary lacks the columns {missing}; make it with summarize")
    if not len(summary):
        raise ValueError("The summary is empty")
    twice = summary[summary.duplicated(["protocol", "estimator"])]
    if len(twice):
        estimator, protocol = twice.iloc[0][["estimator", "protocol"]]
        raise ValueError(f"The summary has two rows for {estimator!r} under {protocol!r}")


def _rank(summary):
    """Order classifiers by accuracy, relative to that of all under the same valid protocol."""
    of_valid = summary[summary["is_valid"]] if summary["is_valid"].any() else summary
    protocols = number(of_valid["protocol"])
    gains = of_valid["accuracy"] - of_valid["accuracy"].groupby(protocols).transform("mean")
    names = list(dict.fromkeys(summary["estimator"]))
    means = pd.Series([gains[of_valid["estimator"] == name].mean() for name in names])
    return [names[place] for place in means.sort_values(ascending=False, kind="stable").index]


def _describe(protocol, rows):
    told = [] if rows["is_valid"].all() else ["invalid"]
    for leakage in sorted(set(rows["leakage"]) - {"clean"}):
        told.append("artists unknown" if leakage == "unknown" else f"{leakage} on both sides")
    name = printable(protocol)
    return f"{name} ({', '.join(told)})" if told else name


def _errors(rows):
    """Return how far intervals reach below and above, 0 where there are none."""
    return np.nan_to_num([rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]])


def _value(row):
    if np.isnan(row["accuracy"]):
        return "failed"
    invalid = "" if row["is_valid"] else " invalid"
    suspicious = " suspicious" if row.get("is_suspicious", False) else ""
    return f"{row['accuracy']:.2f}{invalid}{suspicious}"
