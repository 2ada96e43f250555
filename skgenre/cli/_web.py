"""`skgenre web`: a page that tells genres in the browser."""

import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from .._names import printable
from ._predict import Model

NAME = "web"
EXAMPLE = "skgenre web"


def run(
    model: Model = "gtzan-10",
    port: Annotated[int, typer.Option(help="0 is one that is free.", min=0, max=65535)] = 8765,
    host: Annotated[
        str, typer.Option(help="The address to listen on. This one is for this computer only.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the page to this folder, as static files for any web server."),
    ] = None,
):
    """Open a page that classifies the songs you drop on it.

    Your browser decodes and classifies them; nothing is uploaded. Ctrl-C ends the command.
    """
    from ..web import collect_files, export_page, make_server
    from ..web._serve import is_loopback
    from ._app import tell

    if export is not None:
        export_page(export, model)
        typer.echo(f"Wrote the page to {printable(export)}; put it on any web server")
        return
    files = collect_files(model)
    try:
        server = make_server(files, host, port)
    except OSError as error:
        raise OSError(
            f"Cannot listen on {printable(host)}, port {port}: {error.strerror or error}. "
            "Choose another --port, or 0 for one that is free"
        ) from error
    with server:
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{server.server_port}/"
        if not is_loopback(host):
            tell(
                f"Warning: everybody who can reach {printable(host)} can open the page and "
                "download the model"
            )
        typer.echo(f"The page is at {address} until you press Ctrl-C")
        if browser:
            # a browser in the terminal comes back when it is closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.serve_forever()
