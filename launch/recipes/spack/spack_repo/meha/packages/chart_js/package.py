# SPDX-License-Identifier: MIT
# The file of Chart.js 3 that meha's reports hold, which Spack's own packages lack: byte for byte that of Debian 12.
from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class ChartJs(Package):
    """Chart.js, charts for pages: the minified file alone."""

    homepage = "https://www.chartjs.org"

    license("MIT")

    version(
        "3.9.1",
        sha256="fbc45926e6b46845a0f905552a0e0b1331049bff1115ecf94dbe0904d895e710",
        url="https://cdnjs.cloudflare.com/ajax/libs/Chart.js/3.9.1/chart.min.js",
        expand=False,
    )

    def install(self, spec, prefix):
        mkdirp(prefix.share)
        install(self.stage.archive_file, join_path(prefix.share, "chart.min.js"))
