"""The page of `skgenre evaluate --report`."""

import base64
import html
import io
from string import Template

import pandas as pd
from sklearn.metrics import ConfusionMatrixDisplay

from .._checked_files import write_whole
from .._names import printable
from ..inspection import ComparisonDisplay
from ..inspection._plotting import AS_IT_IS, make_axes

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Comparison of genre classifiers</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { padding: .2em .6em; border-bottom: 1px solid #ccc; text-align: right }
img { max-width: 100% }
</style>
<h1>Comparison of genre classifiers</h1>
<p>The accuracy is the share of songs whose genre was right; low and high are its 95% interval. Only
protocols with the leakage “clean” show how good a classifier is on new artists.
</p>
$table
$pictures
</html>
""")
_COLUMNS = [
    *("protocol", "estimator", "leakage", "n_songs", "n_groups", "accuracy", "low", "high"),
    *("macro_f1", "log_loss", "calibration_error", "verdict"),
]


def write_page(path, summary, results):
    """Write a summary and the results behind it as one file of HTML with its pictures in it."""
    pictures = [_picture(ComparisonDisplay.from_summary(summary).figure_, "Accuracy")]
    for (protocol, name), rows in results.groupby(["protocol", "estimator"], sort=False):
        answers = pd.concat([part for part in rows["answers"] if part is not None])
        pictures.append(_picture(_confusion(answers, f"{name}, {protocol}"), f"{name}, {protocol}"))
    table = summary[_COLUMNS].round(3).to_html(index=False, escape=True)
    page = _PAGE.substitute(table=table, pictures="\n".join(pictures))
    write_whole(path, page.encode())


def _confusion(answers, title):
    n_genres = answers["genre"].nunique()
    ax = make_axes(None, figsize=(2 + 0.5 * n_genres, 2 + 0.4 * n_genres))
    ConfusionMatrixDisplay.from_predictions(
        answers["genre"].map(printable),
        answers["predicted"].map(printable),
        xticks_rotation="vertical",
        colorbar=False,
        ax=ax,
    )
    ax.set_title(printable(title), **AS_IT_IS)
    return ax.figure


def _picture(figure, title):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(printable(title))}" src="data:image/png;base64,{data}">'
