"""Put onnxruntime-web into wheels, for the page of `skgenre web`."""

import runpy
import shutil
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class VendorHook(BuildHookInterface):
    """Runs tools/vendor_web.py before a wheel is built, and not for editable installs."""

    def initialize(self, version, build_data):
        """Fetch the files where npm is there; without it the wheel has no page."""
        if version == "editable":
            return
        vendor = Path(self.root, "skgenre", "web", "vendor")
        if shutil.which("npm") is None and not vendor.exists():
            self.app.display_warning("npm is not installed: `skgenre web` will not work")
            return
        runpy.run_path(str(Path(self.root, "tools", "vendor_web.py")), run_name="__main__")
        build_data["artifacts"].append("/skgenre/web/vendor/")
