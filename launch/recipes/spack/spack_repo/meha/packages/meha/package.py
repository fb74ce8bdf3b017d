# SPDX-License-Identifier: MIT
# meha as a package of Spack 1.0 or later, of the checkout in which these begin:
#   spack repo add launch/recipes/spack/spack_repo/meha
#   spack dev-build meha@0.1.0 ^openmpi@4.1
#   spack load meha
#   meha quickstart
# It is built by dev-build only: meha has no public address from which `spack install` could fetch it.
# No Spack has built it yet. What is tested are the versions of Debian 12: GCC 12.2, Open MPI 4.1.4, Eigen 3.4.0, Boost 1.74,
# HDF5 1.10.8, toml++ 3.3.0, CLI11 2.1.2, nlohmann_json 3.11.2, spdlog 1.10, xxHash 0.8.1, zstd 1.5.4, SQLite 3.40.
from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *


class Meha(CMakePackage):
    """Distributed bi-level optimisation with MEHA: finds wrong labels, and solves bi-level problems on many machines."""

    homepage = "https://arxiv.org/abs/2405.09927"

    license("MIT")

    version("0.1.0")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi", type=("build", "link", "run"))
    depends_on("eigen@3.4:3")  # no later major version passes for 3.4
    depends_on("boost@1.74:+serialization")
    depends_on("hdf5@1.10.8:1.10~mpi")  # whose H5Ovisit and H5O_info_t are others by default from 1.12 on
    depends_on("tomlplusplus")
    depends_on("cli11")
    depends_on("nlohmann-json")
    depends_on("spdlog")
    depends_on("random123")
    depends_on("xxhash")
    depends_on("zlib-api")
    depends_on("zstd")
    depends_on("sqlite")
    depends_on("meha-httplib")
    depends_on("chart-js@3", type="build")

    requires("target=x86_64:", msg="meha's kernels are written for SSE2, AVX2 and AVX-512")
    conflicts("%gcc@:10", msg="meha needs what GCC has from 11 on: using enum, and from_chars for double")

    def cmake_args(self):
        return [
            self.define("MEHA_TESTS", False),
            self.define("MEHA_CHART_JS", join_path(self.spec["chart-js"].prefix.share, "chart.min.js")),
        ]
