"""Take the picture of `skgenre web` that is in the documentation, of an invented song.

It needs the extra `browser` and Chromium: ``python tools/make_web_picture.py``.
"""

import re
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import expect, sync_playwright

from skgenre.datasets import make_genre_clips
from skgenre.web import collect_files, make_server

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "web.png"
SR = 44100
# of the clips below
PARTS = [15, 8, 11, 9]
POSITION = "34"


def main():
    """Let the page hear a medley, and write the picture."""
    clips, _ = make_genre_clips(20, duration=20.0, sr=SR, random_state=0)
    server = make_server(collect_files(), port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        song = Path(folder, "invented medley.wav")
        soundfile.write(song, np.concatenate(clips[PARTS]), SR)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 1040})
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.set_input_files("#files", str(song))
        done = re.compile("^invented medley")
        expect(page.locator("#status")).to_have_text(done, timeout=300_000)
        page.locator("#position").fill(POSITION)
        page.locator("#position").blur()
        expect(page.locator("#time")).to_have_text(re.compile(f"0:{POSITION}"))
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
