"""Make docs/images/command-line.svg: a terminal with some commands and what they print.

    python tools/make_cast.py <folder of songs> <a mix>

The commands are run in the folder's parent, with its name.
"""

import argparse
import io
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

OUT = Path(__file__).parents[1] / "docs" / "images" / "command-line.svg"
WIDTH = 116


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="songs, beside the mix")
    parser.add_argument("mix", type=Path, help="an audio file in which genres change")
    args = parser.parse_args()
    music = shlex.quote(args.folder.name)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for command in (
        f"skgenre predict {music} --top 2",
        f"skgenre timeline {shlex.quote(args.mix.name)}",
        f"skgenre tag {music} --overwrite",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "skgenre", *shlex.split(command)[1:]],
            cwd=args.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
        console.print(Text(done.stdout.rstrip()))
        console.print(Text(done.stderr.rstrip(), style="yellow"))
    console.print()  # rich cuts the bottom off the last line
    console.save_svg(str(OUT), title="skgenre")


if __name__ == "__main__":
    main()
