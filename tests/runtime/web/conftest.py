"""The workspace over HTTP that the security tests use too."""

from tests.security.conftest import filled_folder, open_workspace, workspace

__all__ = ["filled_folder", "open_workspace", "workspace"]
