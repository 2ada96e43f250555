"""What all commands share: exit statuses, errors as sentences, streams that take any name."""

import logging
import os
import sys
import warnings
from importlib.metadata import version as installed_version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .._names import printable
from . import _check, _evaluate, _info, _predict, _recipes, _tag, _timeline, _train, _web

_UsageError: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    """Commands that end in a sentence on standard error where others end in a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _UsageError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # who read the rest is gone; Python would flush once more at its end, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except Exception as error:
            if ctx.params["debug"]:
                raise
            tell(f"Error: {_explain(error)}")
            raise typer.Exit(2) from None


def _explain(error):
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, [error.filename and str(error.filename), error.strerror]))
    return str(error) or type(error).__name__


def tell(text):
    """Write a message to standard error, line by line, with nothing in it that cannot be seen."""
    lines = (printable(line) if line.strip() else "" for line in str(text).splitlines())
    # blanks at the start of a line are its indentation
    typer.echo("\n".join(line.replace(r"\x20", " ") for line in lines), err=True)


app = typer.Typer(
    cls=_Commands,
    name="skgenre",
    help="Tell the genre of music from its audio.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_wanted):
    if is_wanted:
        typer.echo(f"skgenre {installed_version('skgenre')}")
        raise typer.Exit


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
):
    pass


for module in (_predict, _train, _evaluate, _timeline, _tag, _check, _web, _info, _recipes):
    app.command(module.NAME, epilog=f"Example: {module.EXAMPLE}")(module.run)


def main():
    """Run the command with the arguments of the process."""
    _take_any_name()
    # those of other packages are not for whoever types a command
    warnings.simplefilter("ignore")
    warnings.filterwarnings("default", category=UserWarning, module="skgenre")
    warnings.showwarning = lambda message, *where, **more: tell(f"Note: {message}")
    compiling = logging.getLogger("skgenre._numba")
    compiling.addHandler(_TellOnce())
    compiling.setLevel(logging.INFO)
    app()


class _TellOnce(logging.Handler):
    """Says why the first run of some models takes long."""

    is_told = False

    def emit(self, record):
        if not self.is_told:
            tell("Compiling for this processor; only the first run takes this long")
        self.is_told = True


def _take_any_name():
    """Let names pass through the streams byte by byte where these are of UTF-8, else escaped."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
