"""scripts/gpu_check without a card: the tools that it calls are stand-ins that succeed, or fail where told to."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts/gpu_check"
TOOLS = {
    "nvidia-smi": "echo 'Some card, 580.1, 9.0'",
    "nvcc": "echo 'Cuda compilation tools, release 13.0'",
    "ninja": "",
    "compute-sanitizer": "",
    "cmake": """
case "$*" in
  *"--target help"*) echo "$OFFERED" ;;
  *--target*) echo "build $*" >>calls ;;
  *) echo "configure $*" >>calls
     mkdir -p build-gpu/tests build-gpu/benchmarks build-gpu/bin
     for program in tests/kernel_tests benchmarks/cuda_benchmarks benchmarks/device_campaigns bin/lindrift; do
       cp program "build-gpu/$program"
     done ;;
esac
""",
}
# A test, or a benchmark: writes the file that it is asked for.
PROGRAM = """#!/bin/bash
[[ $* != *--gtest_list_tests* ]] || echo cuda
[[ $1 != --out ]] || echo '{}' >"$2"
[[ $1 != bench ]] || echo '{}' >"$3"
[[ $0 != *"$FAILING" ]]
"""
ALL = "all: phony\nkernel_tests: phony\ncuda_benchmarks: phony\ndevice_campaigns: phony\nlindrift_executable: phony\ndevice_campaigns_host_cuda: phony"


class GpuCheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in ["scripts", "bin", ".deps/googletest"]:
            (self.folder / name).mkdir(parents=True)
        shutil.copy(SCRIPT, self.folder / "scripts")
        (self.folder / ".deps/googletest/CMakeLists.txt").touch()
        self.write("program", PROGRAM)
        for name, text in TOOLS.items():
            self.write(f"bin/{name}", f"#!/bin/bash\n{text}\n")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def check(self, *arguments, offered=ALL, failing="none"):
        environment = {**os.environ, "OFFERED": offered, "FAILING": failing,
                       "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}  # fmt: skip
        run = subprocess.run([self.folder / "scripts/gpu_check", "--out", "out", *arguments], cwd=self.folder,
                             env=environment, capture_output=True, text=True, timeout=60)  # fmt: skip
        self.summary = json.loads((self.folder / "out/summary.json").read_text())
        self.results = {name: stage["result"] for name, stage in self.summary["stages"].items()}
        self.calls = (self.folder / "calls").read_text()
        return run

    def test_runs_every_stage(self):
        run = self.check("--", "-DCMAKE_PREFIX_PATH=/some/where")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(self.summary["passed"])
        self.assertEqual((self.summary["card"], self.summary["cuda"]), ("Some card", "13.0"))
        for stage in ["configure", "build", "tests", "memcheck", "racecheck", "initcheck", "benchmarks", "campaigns", "kernels",
                      "thresholds"]:
            self.assertEqual(self.results[stage], "passed", stage)
        for target in ["kernel_tests", "cuda_benchmarks", "device_campaigns", "lindrift_executable"]:
            self.assertRegex(self.calls, rf"build .*--target.* {target}\b")
        self.assertIn("-DCMAKE_CUDA_ARCHITECTURES=90 ", self.calls)
        self.assertIn("-DCMAKE_PREFIX_PATH=/some/where", self.calls)
        for name in ["device_campaigns.json", "bench.json", "device_thresholds.toml"]:
            self.assertTrue((self.folder / "out" / name).exists(), name)

    def test_leaves_out_campaigns_without_sundials(self):
        run = self.check(offered="kernel_tests: phony\ncuda_benchmarks: phony\ndevice_campaigns_host_cuda: phony")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(self.results["campaigns"], "^skipped: .*SUNDIALS")
        self.assertRegex(self.results["kernels"], "^skipped: .*all libraries")
        self.assertEqual(self.results["benchmarks"], "passed")
        self.assertNotIn("device_campaigns", self.calls)
        self.assertFalse((self.folder / "out/device_campaigns.json").exists())

    def test_fails_where_campaigns_disagree(self):
        run = self.check(failing="device_campaigns")
        self.assertEqual(run.returncode, 1)
        self.assertFalse(self.summary["passed"])
        self.assertEqual(self.results["campaigns"], "failed: exit code 1")
        self.assertEqual(self.results["benchmarks"], "passed")

    def test_only_builds_without_a_device(self):
        run = self.check("--no-device")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(set(self.results), {"configure", "build"})
        self.assertIn("device_campaigns", self.calls)


if __name__ == "__main__":
    unittest.main()
