"""Runs the program as a user would, in an empty folder; shared by the tests in this folder."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import h5py
import numpy as np

PROGRAM = os.environ["LINDRIFT_PROGRAM"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MPIRUN = shutil.which("mpirun")

DONE, FAILED, WRONG, POINTS_FAILED, STOPPED = 0, 1, 2, 3, 4

ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_btl_vader_single_copy_mechanism="none",
    PYTHONDONTWRITEBYTECODE="1")

# Open MPI leaks memory in plugins that are closed before LeakSanitizer looks, so that no suppression by name matches;
# and ThreadSanitizer does not see its locks.
RANKS_ENVIRONMENT = dict(ENVIRONMENT, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
                         TSAN_OPTIONS=os.environ.get("TSAN_OPTIONS", "") + ":ignore_noninstrumented_modules=1")

STEADY = """[model]
kind = "tgge_chain"
sites = 12
[bath]
nonequilibrium_fraction = 0.5
[task]
kind = "steady_state"
"""

RELAX = """[model]
kind = "tgge_chain"
sites = 10
[task]
kind = "relax"
times = [0.0, 1.0, 5.0]
"""


class ProgramTest(unittest.TestCase):
    """Each test has its own folder, in which the program runs."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="lindrift-test-")
        self.addCleanup(place.cleanup)
        self.folder = pathlib.Path(place.name)

    def write(self, name, content):
        """Writes a file into the test's folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def need_ranks(self):
        """Skips the rest of the test where the program cannot run on several ranks."""
        if MPIRUN is None or "MPI        none" in self.run_program("info").stdout:
            self.skipTest("no MPI here: runs on several ranks are not tested")

    def run_program(self, *arguments, ranks=None, **options):
        """The finished process, with its output as text. The test fails if the program crashes or does not end."""
        command = [PROGRAM, *map(str, arguments)]
        if ranks is not None:
            self.need_ranks()
            command = [MPIRUN, "-n", str(ranks), *command]
        options = {"cwd": self.folder, "timeout": 300, **options}
        options.setdefault("env", ENVIRONMENT if ranks is None else RANKS_ENVIRONMENT)
        process = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 **options)
        process.stdout = process.stdout.decode("utf-8", "replace")
        process.stderr = process.stderr.decode("utf-8", "replace")
        process.said = f"{' '.join(command)}\nexit {process.returncode}\n{process.stdout}{process.stderr}"
        self.assertIn(process.returncode, (DONE, FAILED, WRONG, POINTS_FAILED, STOPPED), process.said)
        return process

    def expect(self, code, *arguments, says=(), **options):
        """Runs the program and checks its exit code, and that stderr contains every text in `says`."""
        process = self.run_program(*arguments, **options)
        self.assertEqual(process.returncode, code, process.said)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, process.stderr, process.said)
        return process

    def names(self):
        """Names of the files in the test's folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def assert_same_numbers(self, one, other):
        """Checks that two result files hold the same datasets, bit for bit."""
        one, other = datasets(self.folder / one), datasets(self.folder / other)
        self.assertEqual(sorted(one), sorted(other))
        for name, value in one.items():
            self.assertEqual(value.dtype, other[name].dtype, name)
            self.assertEqual(value.shape, other[name].shape, name)
            self.assertEqual(bits(value), bits(other[name]), name)


class RefusalTest(ProgramTest):
    """Tests of inputs that must be refused."""

    def refuse(self, text, *says):
        """Both run and check name the file and every text of `says`, and write nothing."""
        self.write("bad.toml", text)
        for verb in ("run", "check"):
            self.expect(WRONG, verb, "bad.toml", says=["bad.toml", *says])
        self.assertEqual(self.names(), ["bad.toml"])


def children_of(parent):
    """Running children of a process."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def end_of_job(process, patience=10):
    """Output of a job whose rank was killed. If a rank dies while it starts, PMIx 4.2 can deadlock at the end of
    mpirun, after every rank has gone; the launcher is then killed too."""
    try:
        return process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()


def datasets(path):
    with h5py.File(path, "r") as file:
        return {name: np.asarray(item[()]) for name, item in file.items() if isinstance(item, h5py.Dataset)}


def bits(value):
    return value.tolist() if value.dtype.kind == "O" else value.tobytes()


def attributes(path):
    with h5py.File(path, "r") as file:
        return dict(file.attrs)
