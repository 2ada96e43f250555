"""`skgenre info`: what a model file says of itself."""

import sys
from typing import Annotated

import typer

NAME = "info"
EXAMPLE = "skgenre info gtzan-10"


def run(
    model: Annotated[str, typer.Argument(help="A model file, or gtzan-10, which is built in.")],
):
    """Show the card of a model file: its genres, training data and scores."""
    from ..persistence import model_card

    card = model_card(model)
    if not sys.stdout.isatty():
        typer.echo(card, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    # the header is for the Hugging Face hub
    _, _, page = card.split("---\n", 2)
    Console().print(Markdown(page))
