"""The benchmark of campaigns on the host CUDA device (tests/support/host_cuda): every row is there, and ways agree.

device_campaigns_test.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop())
SITES, POINTS = 8, 3
# Of every case, in order: what, and how many of at most three points.
CASES = [
    ("steady_states_lorentzian", 3),
    ("steady_states_lorentzian", 3),
    ("steady_states_lorentzian", 3),
    ("steady_states_lorentzian", 2),
    ("steady_states_lorentzian", 1),
    ("steady_states_exponential", 3),
    ("steady_states_ohmic", 3),
    ("relaxations_lorentzian", 3),
]
WAYS = ["one_by_one", "one_thread", "all_threads"]


class DeviceCampaignsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "campaigns.json"

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=600)

    def test_every_case_has_a_row_and_the_ways_agree(self):
        run = self.run_program("--quick", "--points", str(POINTS), "--sites", str(SITES), "--seconds", "0.03",
                               "--out", str(self.file))  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(self.file.read_text())
        context = {"card", "processor", "threads", "instruction_set", "lindrift_version", "lindrift_git_hash", "compiler"}
        self.assertLessEqual(context, set(result["context"]))
        rows = result["benchmarks"]
        self.assertEqual([(row["name"], row["points"]) for row in rows], CASES)
        for row in rows:
            self.check(row, SITES, WAYS)
        # Another integrator, with a relative tolerance of 1e-10, cannot give the same bits.
        self.assertGreater(rows[-1]["difference_from_cpu"], 1e-17)

    def test_batches_of_the_cpu_where_the_program_makes_them(self):
        run = self.run_program("--only", "ohmic", "--points", "5", "--sites", "128", "--seconds", "0.03",
                               "--out", str(self.file))  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        (row,) = json.loads(self.file.read_text())["benchmarks"]
        self.assertEqual((row["name"], row["points"]), ("steady_states_ohmic", 5))
        self.check(row, 128, [*WAYS, "products_on_all_threads"])
        self.assertEqual(row["points_products_on_all_threads"], 3, "of one temperature")

    def check(self, row, sites, ways):
        self.assertEqual(row["L"], sites)
        seconds = row["seconds"]
        self.assertTrue(0.0 < seconds["minimum"] <= seconds["median"] <= seconds["maximum"])
        in_blocks = row["seconds_a_point_in_blocks"]
        self.assertAlmostEqual(in_blocks * row["points"] / seconds["median"], 1.0, 7)
        self.assertTrue(0.0 < row["seconds_a_point_preparing"] < in_blocks)
        self.assertEqual([key for key in row if key.startswith("times")], ["times_faster_than_" + way for way in ways])
        for way in ways:
            self.assertTrue(1 <= row["points_" + way] <= row["points"])
            self.assertAlmostEqual(row["times_faster_than_" + way] * in_blocks / row["seconds_a_point_" + way], 1.0, 7)
        for other in ["cpu", "one_by_one"]:
            self.assertLess(row["difference_from_" + other], 1e-9, row)

    def test_says_where_it_cannot_write(self):
        run = self.run_program("--quick", "--points", "1", "--sites", "4", "--seconds", "0.001",
                               "--out", str(self.file / "no_folder"))  # fmt: skip
        self.assertEqual(run.returncode, 1)
        self.assertIn("cannot write", run.stderr)

    def test_refuses_arguments(self):
        for arguments in [["--points"], ["--points=3", "4"], ["--sites", "0"], ["--seconds", "fast"]]:
            self.assertEqual(self.run_program(*arguments).returncode, 2, arguments)

    def test_says_that_there_is_no_such_case(self):
        run = self.run_program("--only", "hubbard")
        self.assertEqual(run.returncode, 1)
        self.assertIn("no case has hubbard in its name", run.stderr)


if __name__ == "__main__":
    unittest.main()
