"""Put onnxruntime-web into wheels, for the page of `skgenre web`."""

import runpy
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class VendorHook(BuildHookInterface):
    """Runs tools/vendor_web.py before a wheel is built; editable installs do without."""

    def initialize(self, version, build_data):
        """Fetch the files; where that fails, all but `skgenre web` works."""
        if version == "editable":
            return
        try:
            runpy.run_path(str(Path(self.root, "tools", "vendor_web.py")), run_name="__main__")
        except SystemExit as error:
            self.app.display_warning(f"This wheel is without the page of `skgenre web`: {error}")
        else:
            build_data["artifacts"].append("/skgenre/web/vendor/")
