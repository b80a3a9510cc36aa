"""Where the packages that come with the product lie."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ("apps", "marketplace")


def bundled_packages() -> Path:
    """The folder holding `apps/` and `marketplace/`, trusted by its location.

    A wheel carries them beside this module, in `packages/`; a checkout (editable install) has them
    at the root of the repository. FileNotFoundError when neither is there: the install is broken.
    """
    for folder in (HERE / "packages", HERE.parent.parent):
        if all((folder / name).is_dir() for name in FOLDERS):
            return folder
    raise FileNotFoundError("The bundled packages (apps/, marketplace/) are missing: install Dacheng again.")
