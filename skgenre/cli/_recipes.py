"""`skgenre recipes`: what `skgenre train` can train."""

import typer

NAME = "recipes"
EXAMPLE = "skgenre recipes"


def run():
    """List the recipes of `skgenre train`, and the extra each one needs."""
    from ..recipes import RECIPES

    for name, recipe in RECIPES.items():
        needs = f" (pip install 'skgenre[{recipe.extra}]')" if recipe.extra else ""
        typer.echo(f"{name:{max(map(len, RECIPES))}}  {recipe.about}{needs}")
