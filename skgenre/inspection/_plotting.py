"""What the displays share: matplotlib, imported when something is drawn, panels and colours."""

import numpy as np

# For texts that hold names: a $ in them begins no formula, and nothing in them is TeX.
AS_IT_IS: dict = {"parse_math": False, "usetex": False}
# Told apart with any colour vision: M. Okabe and K. Ito, "Color universal design", 2002.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")


def import_pyplot():
    """Return matplotlib.pyplot."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib; install it with: pip install 'skgenre[plot]'"
        ) from error
    return plt


def make_axes(ax, figsize=None):
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    _, ax = import_pyplot().subplots(figsize=figsize, layout="constrained")
    return ax


def legend_below(ax, handles, **settings):
    """Explain what is drawn under the label of the x axis, where it hides nothing.

    Without a layout that makes room there, it goes inside. The labels of ``handles`` are shown as
    they are.
    """
    if ax.figure.get_layout_engine() is None:
        settings = {}
    else:
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 4}
        settings = {**below, "frameon": False, **settings}
    # matplotlib leaves out what has a label that begins with an underscore
    legend = ax.legend(handles, ["-"] * len(handles), **settings)
    for text, handle in zip(legend.get_texts(), handles, strict=True):
        text.set(text=handle.get_label(), **AS_IT_IS)


def make_panels(ax, shape, *, figsize, **settings):
    """Return several axes, in order.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        Axes to divide, which then hold nothing else, or the axes themselves. ``None`` is a new
        figure.
    shape : tuple of int
        Number of rows and columns.
    figsize : tuple of float
        Width and height of a new figure, in inches.
    **settings
        As `matplotlib.pyplot.subplots` takes them.

    Returns
    -------
    axes : ndarray of Axes
    """
    plt = import_pyplot()
    if ax is None:
        _, axes = plt.subplots(
            *shape, figsize=figsize, layout="constrained", squeeze=False, **settings
        )
        return axes.ravel()
    n_panels = shape[0] * shape[1]
    if np.ndim(ax) or n_panels == 1:
        given = np.ravel(np.asarray(ax, dtype=object))
        if len(given) != n_panels:
            raise ValueError(
                f"ax must be {n_panels} axes, or a single one to divide, got {len(given)}"
            )
        return given
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax is not part of a grid and cannot be divided; use matplotlib.pyplot.subplots"
        )
    ax.set_axis_off()
    is_arranged = ax.figure.get_layout_engine() is not None
    space = {} if is_arranged else {"wspace": 0.4, "hspace": 0.3}
    ratios = {"height_ratios": settings.pop("height_ratios", None)}
    return place.subgridspec(*shape, **ratios, **space).subplots(squeeze=False, **settings).ravel()
