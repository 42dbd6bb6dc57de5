"""lindrift bench: structure, names, exit codes. No number is compared with a time."""

import json
import os
import stat
import unittest

from program import DONE, FAILED, WRONG, ProgramTest

NAMES = ["moments", "pair_sum", "pair_sum_dephasing", "pair_sum_lorentzian", "panel_scan_lorentzian", "panel_scan_ohmic",
         "matrix_rates", "hatsugai_kohmoto", "hubbard_direct", "hubbard_fft", "volterra", "ladder", "fourier"]
# A kernel cannot be faster than its floor, but both are measured, one after the other, on a machine that others also
# use.
HIGHEST_FRACTION = 1.5


class BenchTest(ProgramTest):
    def bench(self, *arguments):
        self.expect(DONE, "bench", "--quick", "--backend", "cpu", "--threads", "1", "-o", "bench.json", *arguments)
        return json.loads((self.folder / "bench.json").read_text())

    def check_kernel(self, kernel):
        name = kernel["name"]
        for key in ("size", "items", "passes", "seconds", "items_per_second", "ceiling_items_per_second"):
            self.assertGreater(kernel[key], 0, f"{name}: {key}")
        self.assertGreater(kernel["fraction"], 0.0, name)
        self.assertLess(kernel["fraction"], HIGHEST_FRACTION, name)
        self.assertAlmostEqual(kernel["fraction"], kernel["items_per_second"] / kernel["ceiling_items_per_second"],
                               delta=1e-4 * kernel["fraction"], msg=name)
        self.assertAlmostEqual(kernel["items_per_second"], kernel["items"] / kernel["seconds"],
                               delta=1e-4 * kernel["items_per_second"], msg=name)
        self.assertIn(kernel["limit"], ("multiply-adds", "products", "memory"), name)

    def test_all_kernels(self):
        process = self.expect(DONE, "bench", "--quick", "--backend", "cpu", "--threads", "1", "-o", "bench.json")
        report = json.loads((self.folder / "bench.json").read_text())
        self.assertEqual(sorted(kernel["name"] for kernel in report["kernels"]), sorted(NAMES))
        for kernel in report["kernels"]:
            self.assertEqual(kernel["backend"], "cpu")
            self.check_kernel(kernel)
            self.assertIn(kernel["name"], process.stdout)
        fractions = [kernel["fraction"] for kernel in report["kernels"]]
        self.assertEqual(fractions, sorted(fractions, reverse=True), "the table is not sorted")
        self.assertLess(fractions[0], HIGHEST_FRACTION)
        for key in ("version", "git_hash", "compiler", "build_type"):
            self.assertTrue(report["lindrift"][key])
        for key in ("processor", "cores", "memory_bytes", "instruction_set", "blas"):
            self.assertTrue(report["machine"][key])
        self.assertEqual(report["threads"], 1)
        (ceilings,) = report["ceilings"]
        for key in ("multiply_adds_per_second_of_one_core", "multiply_adds_per_second", "read_bytes_per_second",
                    "triad_bytes_per_second", "product_operations_per_second"):
            self.assertGreater(ceilings[key], 1e6, key)

    def test_names(self):
        report = self.bench("fourier", "pair_sum", "fourier")
        self.assertEqual(sorted(kernel["name"] for kernel in report["kernels"]), ["fourier", "pair_sum"])

    def test_thresholds_need_a_device_and_nothing_else(self):
        self.expect(WRONG, "bench", "--thresholds", "table", "--backend", "cpu", says="--thresholds: needs a CUDA device")
        self.expect(WRONG, "bench", "pair_sum", "--thresholds", "table", says="and nothing else")
        if not os.environ.get("LINDRIFT_REQUIRE_CUDA"):
            self.expect(WRONG, "bench", "--thresholds", "table", says="backend = cuda cannot be had")
        self.assertFalse((self.folder / "table").exists())

    def test_two_threads(self):
        self.expect(DONE, "bench", "--quick", "--backend", "cpu", "--threads", "2", "-o", "bench.json", "volterra", "hubbard_direct")
        report = json.loads((self.folder / "bench.json").read_text())
        self.assertEqual(report["threads"], 2)
        self.assertEqual(len(report["kernels"]), 2)

    def test_list(self):
        lines = self.expect(DONE, "bench", "--list").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], NAMES)

    def test_unknown_names(self):
        self.expect(WRONG, "bench", "pair_sums", says="bench has no kernel pair_sums; did you mean pair_sum?")
        self.expect(WRONG, "bench", "--quick", "fourier", "xyzzy-nothing-like-it", says="it is one of moments, pair_sum")
        self.expect(WRONG, "bench", "--threads", "0", says="--threads")
        self.assertEqual(self.names(), [])

    def test_no_device(self):
        if "CUDA       0" in self.run_program("info").stdout or "1 device" in self.run_program("info").stdout:
            self.skipTest("there is a device")
        self.expect(WRONG, "bench", "--backend", "cuda", says="cuda")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_read_only_folder(self):
        self.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        self.addCleanup(self.folder.chmod, stat.S_IRWXU)
        self.expect(FAILED, "bench", "--quick", "fourier", "-o", "bench.json", says="cannot write")

    def test_a_wrong_place_is_found_before_the_measurement(self):
        (self.folder / "folder").mkdir()
        (self.folder / "link").symlink_to("missing/bench.json")
        for place, message in (("missing/bench.json", "there is no folder missing"), ("folder", "it is a folder"),
                               ("link", "there is no folder missing")):
            process = self.expect(WRONG, "bench", "-o", place, says=f"cannot write {place}: {message}")
            self.assertEqual(process.stdout, "")


if __name__ == "__main__":
    unittest.main()
