# SPDX-License-Identifier: MIT
# cpp-httplib as meha's service passes its tests with it. Spack's own cpp-httplib has other versions, and upstream's CMake makes no
# cpp-httplib.pc, by which meha finds it; under a name of its own this one takes no other package's place.
# Debian's copy has one fix more: clients refuse line breaks in types of content (CVE-2023-26130), which meha's never have.
from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class MehaHttplib(Package):
    """cpp-httplib, an HTTP server and client in one header, with a file for pkg-config."""

    homepage = "https://github.com/yhirose/cpp-httplib"

    license("MIT")

    version(
        "0.11.4",
        sha256="c324a892f254f3ff2cef7d927757c3afd2150e59792e008689f071b7a078d954",
        url="https://raw.githubusercontent.com/yhirose/cpp-httplib/v0.11.4/httplib.h",
        expand=False,
    )

    def install(self, spec, prefix):
        mkdirp(prefix.include, prefix.lib.pkgconfig)
        install(self.stage.archive_file, join_path(prefix.include, "httplib.h"))
        # As in Debian's build, sockets are waited for with poll(): select() knows no more than 1,024 files.
        with open(join_path(prefix.lib.pkgconfig, "cpp-httplib.pc"), "w", encoding="utf-8") as file:
            file.write(
                f"prefix={prefix}\n"
                "Name: cpp-httplib\n"
                "Description: HTTP server and client in one header\n"
                f"Version: {spec.version}\n"
                "Libs: -pthread\n"
                "Cflags: -I${prefix}/include -DCPPHTTPLIB_USE_POLL\n"
            )
