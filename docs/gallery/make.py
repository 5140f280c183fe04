"""Take the pictures of the gallery: ``python docs/gallery/make.py SITE``.

``SITE`` is the documentation as HTML, built before. Pictures are of 256 colours, so that all of
them together stay below 1.5 MB. Needs playwright, Pillow and a Chromium.
"""

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PAGES = {
    "landing": "index.html",
    "platform": "reference/platforms/broken-x86_64.html",
    "rule": "reference/rules/uefi/overlapping-descriptors.html",
    "strategy": "reference/strategies/x86-topdown.html",
}
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "390": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
COLOURS = 256
SHOW = "id => document.getElementById(id).scrollIntoView({ behavior: 'instant' })"
TALL = 2
"""Screens of a page that a picture shows."""


def main(site: Path) -> None:
    """Take all of them."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for look, how in LOOKS.items():
            page = browser.new_context(**how).new_page()
            for name, path in PAGES.items():
                page.set_viewport_size(how["viewport"])
                file, _, place = path.partition("#")
                page.goto((site / file).resolve().as_uri())
                whole = page.evaluate("document.documentElement.scrollHeight")
                size = how["viewport"]
                height = min(whole, size["height"] * TALL)
                page.set_viewport_size({"width": size["width"], "height": height})
                if place:
                    page.evaluate(SHOW, place)
                taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                small = taken.quantize(COLOURS, dither=Image.Dither.NONE)
                small.save(HERE / f"{name}-{look}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
