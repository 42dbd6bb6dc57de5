# Recipe for Spack (https://spack.io). Not tried: see packaging/README.md.
#
#   spack repo create ~/spack-lindrift && mkdir -p ~/spack-lindrift/packages/lindrift
#   cp packaging/package.py ~/spack-lindrift/packages/lindrift/ && spack repo add ~/spack-lindrift
#   cd lindrift && spack dev-build lindrift@main

from spack.package import *


class Lindrift(CMakePackage, CudaPackage):
    """Non-reciprocal transport in open quantum lattices: tGGE steady states, open Hatsugai-Kohmoto and Hubbard chains."""

    license("BSD-3-Clause")

    version("main")  # by dev-build: there is no archive to fetch

    variant("mpi", default=True, description="Share the points of a sweep between ranks")
    variant("python", default=True, description="The compiled Python module")

    depends_on("cxx", type="build")
    depends_on("cmake@3.24:", type="build")
    depends_on("sundials@6.4: +cvode ~mpi")
    depends_on("hdf5 +hl ~mpi")
    depends_on("openblas")
    depends_on("cli11", type="build")
    depends_on("tomlplusplus", type="build")
    depends_on("spdlog +fmt_external")
    depends_on("fmt")
    depends_on("xxhash")
    depends_on("mpi", when="+mpi")
    depends_on("cuda@12.4:", when="+cuda")
    depends_on("python@3.9:", type=("build", "link", "run"), when="+python")
    depends_on("py-numpy@1.24:", type=("build", "run"), when="+python")
    depends_on("py-h5py", type="run")
    depends_on("py-matplotlib", type="run")

    conflicts("cuda_arch=none", when="+cuda", msg="name the architectures: cuda_arch=80,90")

    def cmake_args(self):
        args = [
            self.define("LINDRIFT_TESTS", self.run_tests),
            self.define("LINDRIFT_BENCHMARKS", False),
            self.define("LINDRIFT_PROGRAM", "ON"),
            self.define("LINDRIFT_MPI", "ON" if self.spec.satisfies("+mpi") else "OFF"),
            self.define("LINDRIFT_CUDA", "ON" if self.spec.satisfies("+cuda") else "OFF"),
            self.define("LINDRIFT_PYTHON_MODULE", "ON" if self.spec.satisfies("+python") else "OFF"),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", self.spec.variants["cuda_arch"].value))
        return args

    @run_after("install")
    def install_module(self):
        """The compiled module belongs to a component of its own, which a plain installation leaves out."""
        if self.spec.satisfies("+python"):
            place = join_path(python_platlib)
            cmake = which("cmake", required=True)
            cmake("--install", self.build_directory, "--component", "python", "--prefix", place)
            install_tree("python/lindrift", join_path(place, "lindrift"))
