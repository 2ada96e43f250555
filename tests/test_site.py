"""Every public name has a page in the site; `make docs` checks the rest of it."""

import importlib
import re
from pathlib import Path

import skgenre

PACKAGE = Path(skgenre.__file__).parent
API = Path(__file__).parents[1] / "docs" / "api"
# programs, which are not called from Python
PROGRAMS = {"skgenre.cli", "skgenre.web"}


def find_rooms():
    """Return the names of the public packages below skgenre."""
    folders = [path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("__init__.py")]
    public = [folder.parts for folder in folders if not str(folder).startswith("_")]
    return {".".join(("skgenre", *parts)) for parts in public if parts} - PROGRAMS


def read_listed():
    """Return the objects that the pages of docs/api list, and the rooms that have a page."""
    listed, rooms = [], set()
    for page in sorted(API.glob("*.rst")):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"\.\. (current)?module:: (\S+)", line):
                module = found[2]
                rooms |= set() if found[1] else {module}
            elif page.stem != "index" and (found := re.match(r"(?:   |.* py:data:: )(\w+)$", line)):
                listed.append(getattr(importlib.import_module(module), found[1]))
    return listed, rooms


def test_every_public_name_is_in_the_api_reference_once():
    listed, headings = read_listed()
    rooms = find_rooms()
    public = {
        id(getattr(module, name)): f"{room}.{name}"
        for room in sorted(rooms)
        for module in [importlib.import_module(room)]
        for name in module.__all__
        if not name.startswith("_") and f"{room}.{name}" not in rooms
    }
    assert headings == rooms | {"skgenre"}
    assert [name for key, name in public.items() if key not in set(map(id, listed))] == []
    assert len(listed) == len(public)


def test_every_name_of_the_package_is_one_of_a_room():
    listed, _ = read_listed()
    names = [name for name in skgenre.__all__ if f"skgenre.{name}" not in find_rooms()]
    assert all(any(getattr(skgenre, name) is one for one in listed) for name in names)


def test_links_of_the_readme_lead_to_headings():
    """Those between pages of the site are checked when it is built."""
    root = API.parents[1]
    links = re.findall(r"\]\((\S+\.md)#(\S+)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert links
    for page, anchor in links:
        titles = re.findall(r"^#+ (.+)", (root / page).read_text(encoding="utf-8"), re.MULTILINE)
        slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
        assert anchor in slugs, page
