"""`skgenre info`: what a model file says of itself."""

from typing import Annotated

import typer

NAME = "info"
EXAMPLE = "skgenre info gtzan-10"


def run(
    model: Annotated[
        str, typer.Argument(help="A model file, or the name of one that comes along.")
    ],
):
    """Show the card of a model file: its genres, what it learned from, and its scores."""
    from ..persistence import model_card

    typer.echo(model_card(model), nl=False)
