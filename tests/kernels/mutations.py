#!/usr/bin/env python3
"""Introduces one fault at a time into a copy of the CUDA engine; the kernel tests must detect it on the host device.

  mutations.py FOLDER [NUMBER...]    FOLDER receives a copy of the sources and its build. Exit code 1 if a fault is missed.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Description, file, original text, replacement.
MUTATIONS = [
    ("pair sum: no barrier before the tile is read", "kernels/cuda/engine.hpp",
     "columns.last, lane, tile);\n    __syncthreads();", "columns.last, lane, tile);"),
    ("pair sum: no barrier after the tile was read", "kernels/cuda/engine.hpp",
     "columns.last, tile, state);\n    __syncthreads();", "columns.last, tile, state);"),
    ("row sum: no barrier after the tile was read", "kernels/cuda/engine.hpp",
     "terms.last, tile, state);\n    __syncthreads();", "terms.last, tile, state);"),
    ("copy to the device: one number short", "kernels/cuda/engine.hpp",
     "(target, host, bytes(size)", "(target, host, bytes(size - 1)"),
    ("upload: the pointer of the host is handed on", "kernels/cuda/engine.hpp",
     "copy_in(host, size, buffer);\n    return buffer.data();", "copy_in(host, size, buffer);\n    return host;"),
    ("pair sum: memory for one chunk of columns only", "kernels/cuda/engine.hpp",
     "partial_.resize(pair.size * chunks *", "partial_.resize(pair.size *"),
    ("row sum: two dimensions of the grid exchanged", "kernels/cuda/engine.hpp",
     "static_cast<unsigned>(some.rows),\n                      static_cast<unsigned>(chunks));",
     "static_cast<unsigned>(chunks),\n                      static_cast<unsigned>(some.rows));"),
    ("reduction: a block too few", "kernels/cuda/engine.hpp",
     "static_cast<unsigned>(blocks), Block::lanes, term,", "static_cast<unsigned>(blocks > 1 ? blocks - 1 : 1), Block::lanes, term,"),
    ("reduction of partial sums: only the first block of them", "kernels/cuda/engine.hpp",
     "Term{partial}, count, target);", "Term{partial}, 1, target);"),
    ("matrix product: sizes exchanged", "kernels/cuda/product.cu", "size_, count, size_, &one", "count, size_, size_, &one"),
    ("matrix product: matrix transposed", "kernels/cuda/product.cu",
     "CUBLAS_OP_N, CUBLAS_OP_N", "CUBLAS_OP_T, CUBLAS_OP_N"),
    ("complex product: not transposed", "kernels/cuda/complex_product.hpp",
     "CUBLAS_OP_N, CUBLAS_OP_T, width, columns", "CUBLAS_OP_N, CUBLAS_OP_N, width, columns"),
    ("complex product: rows without their distance", "kernels/cuda/complex_product.hpp",
     "complex(left), stride", "complex(left), columns"),
    ("Fourier transform: directions exchanged", "kernels/cuda/fourier.hpp",
     "transform(rows, count, CUFFT_FORWARD)", "transform(rows, count, CUFFT_INVERSE)"),
    ("Fourier transform: the plan of another number of rows", "kernels/cuda/fourier.hpp",
     "if (count != planned_)", "if (planned_ == 0)"),
    ("Hubbard by time: too little memory for the amplitudes", "kernels/hubbard/time_device_of.hpp",
     "rows_.resize(2 * tables_.factors * elements)", "rows_.resize(2 * 3 * elements / 2)"),
    ("Hubbard by time: no memory for the coarse solution", "kernels/hubbard/time_device_of.hpp",
     "working_.resize((doubles(tables) + doubles(rough)) * lanes)", "working_.resize(doubles(tables) * lanes)"),
    ("ladder: no memory for the solution", "kernels/hubbard/ladder_device_of.hpp",
     "working_.resize(doubles() * lanes)", "working_.resize(2 * doubles() / 3 * lanes)"),
    ("ladder: columns of the circle side by side with others", "kernels/hubbard/ladder_device_of.hpp",
     "circle_.data() + 2 * (begin - first)", "circle_.data() + 2 * begin"),
]  # fmt: skip


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def build(folder):
    return run("cmake", "--build", folder / "build", "--target", "kernel_tests_host_cuda")


def complaint(folder):
    """What the tests report on a device of many processors or of one, in any order of threads; empty if they pass."""
    for processors, order in (("132", "forward"), ("1", "backward"), ("1", "random"), ("132", "random")):
        tests = run(folder / "build/tests/kernel_tests_host_cuda", "--gtest_brief=1", "--gtest_fail_fast",
                    "--gtest_filter=*cuda*:*Device*", timeout=600,
                    env=dict(os.environ, LINDRIFT_REQUIRE_CUDA="1", LINDRIFT_HOST_CUDA_ORDER=order,
                             LINDRIFT_HOST_CUDA_PROCESSORS=processors))
        if tests.returncode != 0:
            lines = [line for line in (tests.stdout + tests.stderr).splitlines() if "host CUDA:" in line or "FAILED" in line]
            return f"{processors} processors, {order}: {lines[0] if lines else f'exit {tests.returncode}'}"
    return ""


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    source = folder / "source"
    for name in run("git", "-C", ROOT, "ls-files").stdout.splitlines():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != (ROOT / name).read_bytes():
            shutil.copy(ROOT / name, target)
    configured = run("cmake", "-S", source, "-B", folder / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                     "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DLINDRIFT_CUDA=OFF", "-DLINDRIFT_SIMD_VARIANTS=OFF",
                     "-DLINDRIFT_PROGRAM=OFF", "-DLINDRIFT_BENCHMARKS=OFF")  # fmt: skip
    built = build(folder)
    if configured.returncode or built.returncode:
        sys.exit(f"mutations: the sources do not build:\n{configured.stderr}{built.stdout[-3000:]}")
    if text := complaint(folder):
        sys.exit(f"mutations: the tests fail without a fault: {text}")
    unnoticed = 0
    numbers = [int(argument) for argument in sys.argv[2:]] or range(len(MUTATIONS))
    for number in numbers:
        name, path, old, new = MUTATIONS[number]
        path = source / path
        text = path.read_text()
        if text.count(old) != 1:
            sys.exit(f"mutations: {name}: {path} holds the text {text.count(old)} times")
        path.write_text(text.replace(old, new))
        try:
            built = build(folder)
            found = "does not compile" if built.returncode else complaint(folder)
        finally:
            path.write_text(text)
        unnoticed += not found or found == "does not compile"
        print(f"{number:2d} {'noticed ' if found else 'UNNOTICED'} {name}: {found}", flush=True)
    sys.exit(1 if unnoticed else 0)


if __name__ == "__main__":
    main()
