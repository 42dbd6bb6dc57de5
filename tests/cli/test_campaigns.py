"""Runs that are stopped, killed, out of disk space or started twice: --resume must give an undisturbed run's bits."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy as np

from problems import PROBLEMS
from program import (DONE, ENVIRONMENT, FAILED, MPIRUN, POINTS_FAILED, PROGRAM, RANKS_ENVIRONMENT, RELAX, ROOT, STEADY, STOPPED,
                     WRONG, ProgramTest, attributes, children_of, datasets, end_of_job)

PATIENCE = 200  # seconds, on a machine that is busy with other tests

FRACTION = 'sweep."bath.nonequilibrium_fraction"'
BETA = 'sweep."bath.inverse_temperature"'

# Takes about a second, long enough to be interrupted.
SWEEP = """[model]
kind = "tgge_chain"
sites = 3000
[task]
kind = "steady_state"
[output]
fields = ["current", "residual"]
[sweep]
"bath.nonequilibrium_fraction" = { start = 0.0, stop = 1.0, count = 400 }
"bath.inverse_temperature" = [0.5, 1.0]
"""

# One point with many output times.
LONG = """[model]
kind = "tgge_chain"
sites = 60
[bath]
nonequilibrium_fraction = 0.5
spectrum = "ohmic"
[task]
kind = "relax"
times = { start = 0.0, stop = 400.0, count = 401 }
"""

# Another single point, whose times are independent of each other.
CLOUD = """[model]
kind = "hatsugai_kohmoto"
sites = 1024
interaction = 4.0
[bath.down]
gain = 1.5
two_site_loss = 0.5
[task]
kind = "density"
times = { start = 0.0, stop = 200.0, count = 30000 }
[output]
fields = ["drift", "norm"]
"""
# Chains of nine points, each of which starts from the one before.
CHAIN = """[model]
kind = "tgge_rashba"
sites = 61
zeeman_field = 0.7
rashba_y = 0.4
rashba_z = 0.9
[bath]
nonequilibrium_fraction = 0.5
spectrum = "lorentzian"
[task]
kind = "steady_state"
[solver]
chain = 4
[sweep]
"initial.filling" = [0.3, 0.5, 0.6]
"bath.inverse_temperature" = { start = 0.5, stop = 4.5, count = 9 }
"""
PROPAGATOR = CLOUD.replace('"density"', '"green"')


class Campaigns(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("sweep.toml", SWEEP)
        self.write("long.toml", LONG)
        self.write("steady.toml", STEADY)
        self.write("relax.toml", RELAX)

    def start(self, *arguments, ranks=None):
        command = [PROGRAM, *map(str, arguments)]
        environment = ENVIRONMENT
        if ranks is not None:
            command, environment = [MPIRUN, "-n", str(ranks), *command], RANKS_ENVIRONMENT
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def wait_for_points(self, process, output, least=1):
        """Waits until a run has stored some points; False if it ends first."""
        return self.wait_until(process, lambda: self.kept_bytes(output) > least * 400)

    def checkpoints(self):
        """Modification times of the checkpoints."""
        try:
            return [path.stat().st_mtime_ns for path in self.folder.glob("out.h5.journal/*.checkpoint")]
        except FileNotFoundError:  # the run is over
            return []

    def kept_bytes(self, output):
        try:
            return sum(path.stat().st_size for path in self.folder.glob(output + ".journal/*.records"))
        except FileNotFoundError:  # the run is over
            return 0

    def stop(self, process, number):
        """Sends a signal; returns the exit code and the output."""
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def interrupted(self, number, *arguments, points=1, ready=None, whom=None, ranks=None):
        """Starts a run and signals it in the middle; returns the exit code and the output. Tries again if the run ended
        before this test got processor time.

        points  number of points that must be stored before the signal
        ready   a condition to wait for instead
        whom    chooses the process that gets the signal, given the run's process
        """
        output = arguments[arguments.index("-o") + 1]
        before = {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        for _ in range(20):
            process = self.start(*arguments, ranks=ranks)
            there = self.wait_until(process, ready) if ready else self.wait_for_points(process, output, points)
            if there:
                os.kill(whom(process) if whom else process.pid, number)
            out, err = process.communicate(timeout=PATIENCE)
            if process.returncode != DONE:
                return process.returncode, out, err
            for path in self.folder.iterdir():
                if path.is_file() and path.name not in before:
                    path.unlink()
            for name, content in before.items():
                (self.folder / name).write_bytes(content)
        self.fail("the run is always over before it can be stopped")

    def wait_until(self, process, condition):
        """Waits for a condition; False if the run ends first."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.005)
        self.fail("the run does not get on")

    def undisturbed(self, name="sweep.toml"):
        self.expect(DONE, "run", name, "-o", "undisturbed.h5")

    def assert_no_journal(self, output="out.h5"):
        left = [name for name in self.names() if name.endswith(".journal") or name.endswith(".tmp")]
        self.assertEqual(left, [])
        self.assertEqual(attributes(self.folder / output)["complete"], 1)


class ResumeTest(Campaigns):
    def test_every_signal_stops_in_order_and_resume_goes_on(self):
        self.undisturbed()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
            with self.subTest(signal=number):
                code, out, err = self.interrupted(number, "run", "sweep.toml", "-o", "out.h5", points=3)
                self.assertEqual(code, STOPPED, out + err)
                self.assertIn(f"stopped by {number.name}", out)
                self.assertEqual(attributes(self.folder / "out.h5")["complete"], 0)
                status = datasets(self.folder / "out.h5")["status"]
                done = int((status == 1).sum())
                self.assertTrue(0 < done < status.size, done)
                self.assertTrue(np.isnan(datasets(self.folder / "out.h5")["current"][status == 0]).all())
                self.assertIn(f"{done} of 800 finished", self.expect(DONE, "status", "out.h5").stdout)
                self.expect(WRONG, "run", "sweep.toml", "-o", "out.h5", says="--resume goes on")
                self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume", says=f"{done} of 800 points are there")
                self.assert_same_numbers("undisturbed.h5", "out.h5")
                self.assert_no_journal()
                os.remove(self.folder / "out.h5")

    def test_a_signal_that_was_ignored_stays_ignored(self):
        """Signals may be ignored from the start, by nohup or a shell's trap."""
        self.undisturbed()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = self.start("run", "sweep.toml", "-o", "out.h5")
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.wait_for_points(process, "out.h5")
        code, out, err = self.stop(process, signal.SIGHUP)
        self.assertEqual(code, DONE, out + err)
        self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_a_stopped_point_of_a_sweep_leaves_nothing_in_the_output(self):
        """A single point's partial result goes to the output; in a sweep it would end up in the place of others."""
        self.write("cloud.toml", CLOUD.replace("count = 30000", "count = 6000"))
        more = ["--set", 'sweep."model.interaction"=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]']
        self.expect(DONE, "run", "cloud.toml", "-o", "undisturbed.h5", *more)
        code, out, err = self.interrupted(signal.SIGTERM, "run", "cloud.toml", "-o", "out.h5", "--checkpoint", "0", *more,
                                          ready=lambda: self.kept_bytes("out.h5") > 0 and self.checkpoints())
        self.assertEqual(code, STOPPED, out + err)
        part, whole = (datasets(self.folder / name) for name in ("out.h5", "undisturbed.h5"))
        self.assertIn(0, part["status"].tolist())
        for point, status in enumerate(part["status"]):
            if status == 1:
                self.assertEqual(part["norm"][point].tobytes(), whole["norm"][point].tobytes())
            else:
                self.assertTrue(np.isnan(part["norm"][point]).all())
        self.expect(DONE, "run", "cloud.toml", "-o", "out.h5", "--resume", *more)
        self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_a_resume_that_computes_nothing_keeps_how_the_points_were_computed(self):
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--threads", "1", "--set", BETA + "=[1.0, 2.0]")
        before = attributes(self.folder / "out.h5")
        time.sleep(1.1)  # times are written in seconds
        process = self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--threads", "2", "--resume", "--set", BETA + "=[2.0, 1.0]")
        self.assertNotIn("warning", process.stderr)
        after = attributes(self.folder / "out.h5")
        self.assertEqual(after["complete"], 1)
        for name in ("algorithm", "algorithm_reason", "backend", "simd", "device", "threads", "ranks", "host", "started",
                     "elapsed_seconds", "lindrift_version", "git_hash"):
            self.assertEqual(after[name], before[name], name)
        self.assertEqual(after["algorithm"], "separable")
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--threads", "2", "--resume", "--set", BETA + "=[2.0, 1.0, 3.0]")
        self.assertEqual(attributes(self.folder / "out.h5")["threads"], 2)

    def test_a_certificate_stays(self):
        self.write("spectral.toml", PROBLEMS["hubbard_spectral"])
        def sweep(*values):
            return ["-o", "out.h5", "--set", f'sweep."bath.down.gain"={list(values)}']
        self.expect(DONE, "run", "spectral.toml", *sweep(0.1, 0.2), "--certify", "3", "--set", "solver.algorithm=fft")
        before = attributes(self.folder / "out.h5")
        self.assertTrue(0.0 < before["certificate"] < 1e-9)
        for options in (["--certify", "7"], []):
            for values in ((0.2, 0.1), (0.1, 0.2)):
                self.expect(DONE, "run", "spectral.toml", *sweep(*values), *options, "--resume", "--set", "solver.algorithm=fft")
                after = attributes(self.folder / "out.h5")
                self.assertEqual((after["certificate"], after["certificate_samples"]), (before["certificate"], 3))
        self.expect(DONE, "run", "spectral.toml", *sweep(0.1, 0.2, 0.3), "--certify", "5", "--resume", "--set", "solver.algorithm=fft")
        after = attributes(self.folder / "out.h5")
        self.assertGreaterEqual(after["certificate"], before["certificate"])
        self.assertEqual(after["certificate_samples"], 5)

    def test_a_limit_of_open_files_is_named(self):
        """Whatever cannot be opened, the message says why, and points are never said to be lost."""
        self.write("a.toml", STEADY)
        for most in range(3, 13):
            with self.subTest(most):
                shutil.rmtree(self.folder / "a.h5.journal", ignore_errors=True)
                (self.folder / "a.h5").unlink(missing_ok=True)
                limited = subprocess.run(["sh", "-c", f'ulimit -n {most}; exec "$0" run a.toml', PROGRAM], cwd=self.folder,
                                         env=ENVIRONMENT, capture_output=True, text=True)
                if limited.returncode != DONE and "error while loading shared libraries" not in limited.stderr:
                    self.assertIn("open files", limited.stderr)
                    self.assertNotIn("are not in", limited.stderr)
                self.expect(DONE, "run", "a.toml", "--resume")

    def test_a_refined_grid_keeps_its_points(self):
        def grid(count):
            return ["--set", FRACTION + "={start=0.1, stop=0.9, count=%d}" % count]

        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", *grid(11))
        for count, before in ((51, 11), (101, 51)):
            self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume", *grid(count),
                        says=f"{before} of {count} points are there")

    def test_a_copied_folder_goes_on_with_its_tables(self):
        for folder in ("one", "two"):
            (self.folder / folder).mkdir()
        weights = np.random.default_rng(1).random((12, 12))
        def write_table(folder, values):
            with h5py.File(self.folder / folder / "w.h5", "w") as file:
                file["w"] = values
        write_table("one", weights)
        (self.folder / "one/t.toml").write_text(STEADY.replace("[task]", 'jump = "table"\ntable = "w.h5:/w"\n[task]'))
        sweep = ["--set", f"{FRACTION}=[0.2, 0.5]"]
        self.expect(DONE, "run", "t.toml", *sweep, cwd=self.folder / "one")
        for name in ("w.h5", "t.toml", "t.h5"):
            (self.folder / "one" / name).rename(self.folder / "two" / name)
        said = self.expect(DONE, "run", "t.toml", *sweep, "--resume", cwd=self.folder / "two").stdout
        self.assertIn("nothing is left to compute", said)
        more = ["--set", f"{FRACTION}=[0.2, 0.3, 0.5]", "--resume"]
        self.expect(DONE, "run", "t.toml", *more, says="2 of 3 points are there already", cwd=self.folder / "two")
        weights[3, 4] *= 1 + 1e-15
        write_table("two", weights)
        self.expect(WRONG, "run", "t.toml", *more, says="bath.table_hash", cwd=self.folder / "two")

    def test_a_copied_folder_goes_on_with_its_correlations(self):
        for folder in ("one", "two"):
            (self.folder / folder).mkdir()
        correlation = np.diag(np.linspace(0.1, 0.9, 8)).astype(complex)
        def write_correlation(folder, values):
            with h5py.File(self.folder / folder / "c.h5", "w") as file:
                file["c"] = values
        write_correlation("one", correlation)
        (self.folder / "one/d.toml").write_text(PROBLEMS["density"] + '[initial]\ncorrelation = "c.h5:/c"\n')
        sweep = ["--set", "model.sites=8", "--set", 'sweep."model.interaction"=[0.2, 0.5]']
        self.expect(DONE, "run", "d.toml", *sweep, cwd=self.folder / "one")
        for name in ("c.h5", "d.toml", "d.h5"):
            (self.folder / "one" / name).rename(self.folder / "two" / name)
        said = self.expect(DONE, "run", "d.toml", *sweep, "--resume", cwd=self.folder / "two").stdout
        self.assertIn("nothing is left to compute", said)
        more = ["--set", "model.sites=8", "--set", 'sweep."model.interaction"=[0.2, 0.3, 0.5]', "--resume"]
        self.expect(DONE, "run", "d.toml", *more, says="2 of 3 points are there already", cwd=self.folder / "two")
        correlation[3, 3] += 1e-13
        write_correlation("two", correlation)
        self.expect(WRONG, "run", "d.toml", *more, says="initial.correlation_hash", cwd=self.folder / "two")

    def test_numbers_that_differ_by_rounding_are_the_same_input(self):
        self.write("a.toml", STEADY.replace("[task]", "inverse_temperature = 0.3\ndelta = [0.0, 1.0]\n[task]"))
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.5]")
        before = datasets(self.folder / "a.h5")["current"]
        other = ["--set", "bath.inverse_temperature=0.30000000000000004", "--set", "bath.delta=[-0.0, 1.0000000000000002]", "--resume"]
        said = self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.5]", *other).stdout
        self.assertIn("nothing is left to compute", said)
        self.assertIn("inverse_temperature = 0.3\n", attributes(self.folder / "a.h5")["resolved_input"])
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.4, 0.5]", *other, says="2 of 3 points are there already")
        self.assertIn("inverse_temperature = 0.30000000000000004\n", attributes(self.folder / "a.h5")["resolved_input"])
        self.assertEqual(datasets(self.folder / "a.h5")["current"][[0, 2]].tolist(), before.tolist())
        self.expect(WRONG, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.4, 0.5]", "--set",
                    "bath.inverse_temperature=0.3000000001", "--resume", says="bath.inverse_temperature (")

    def test_set_of_a_swept_key_does_not_transpose(self):
        both = f'[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.2]\n"bath.inverse_temperature" = [1.0, 2.0, 3.0]\n'
        self.write("a.toml", STEADY + both)
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.3, 0.4]")
        self.assertEqual(datasets(self.folder / "a.h5")["current"].shape, (2, 3))
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.3, 0.5, 0.4]", "--resume")

    def test_a_sweep_of_the_size_is_made_of_single_runs(self):
        self.write("a.toml", STEADY)
        self.expect(DONE, "run", "a.toml", "--set", 'sweep."model.sites"=[8, 9, 30]', "-o", "sizes.h5")
        sizes = datasets(self.folder / "sizes.h5")
        self.assertNotIn("occupation", sizes)
        self.assertNotIn("momentum", sizes)
        for place, sites in enumerate((8, 9, 30)):
            self.expect(DONE, "run", "a.toml", "--set", f"model.sites={sites}", "--overwrite")
            self.assertEqual(datasets(self.folder / "a.h5")["current"], sizes["current"][place])
        self.expect(DONE, "run", "a.toml", "--set", 'sweep."model.sites"=[8, 9, 10, 30]', "-o", "sizes.h5", "--resume",
                    says="3 of 4 points are there already")

    def test_a_swept_scale_is_that_of_the_amplitudes(self):
        terms = "[[0, 0, {0}, 0.0], [0, 1, -{0}, -{1}], [1, 0, {0}, {0}]]"
        operators = STEADY.replace("[task]", 'jump = "operators"\n[[bath.jump_operator]]\nterms = ' + terms.format(1.0, 0.5) + "\n[task]")
        self.write("a.toml", operators)
        self.expect(DONE, "run", "a.toml", "--set", 'sweep."bath.jump_operator.0.scale"=[1.0, 2.0]')
        swept = datasets(self.folder / "a.h5")["current"]
        self.expect(DONE, "run", "a.toml", "--overwrite", "--set", "bath.jump_operator.0.terms=" + terms.format(2.0, 1.0))
        self.assertEqual(datasets(self.folder / "a.h5")["current"], swept[1])
        self.assertNotEqual(swept[0], swept[1])

    def test_a_task_that_makes_some_of_its_datasets_goes_on(self):
        gradient = 'of = "current"\nwith_respect_to = ["bath.delta"]\n'
        self.write("a.toml", STEADY.replace("steady_state", "gradient") + gradient)
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.4]")
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.3, 0.4]", "--resume", says="2 of 3 points are there already")
        self.expect(DONE, "run", "a.toml", "--set", f"{FRACTION}=[0.2, 0.3, 0.4]", "-o", "b.h5")
        self.assert_same_numbers("a.h5", "b.h5")

    def test_the_output_keeps_its_mode(self):
        few, more = ["--set", BETA + "=[1.0]"], ["--set", BETA + "=[1.0, 2.0]"]
        output = self.folder / "out.h5"
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", *few)
        output.chmod(0o600)
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume", *more)
        self.assertEqual(output.stat().st_mode & 0o777, 0o600)
        output.chmod(0o640)
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--overwrite", *few)
        self.assertEqual(output.stat().st_mode & 0o777, 0o640)
        output.chmod(0o444)
        content = output.read_bytes()
        for flag in ("--resume", "--overwrite"):
            self.expect(FAILED, "run", "steady.toml", "-o", "out.h5", flag, *more, says="it is read-only")
        self.assertEqual(output.read_bytes(), content)

    def test_a_time_limit(self):
        slow = ["--set", "model.sites=3000", "--set", 'solver.algorithm="direct"']  # minutes
        process = self.expect(STOPPED, "run", "long.toml", "-o", "out.h5", "--max-time", "0:01", "--threads", "1",
                              *slow)
        self.assertIn("--max-time", process.stdout)
        for wrong in ("0", "1:x", "1:2:3:4", "-5", "", "1-", "-2", "1-2:3:4:5", "0-00:00:00", "0-0"):
            self.expect(WRONG, "run", "sweep.toml", "-o", "x.h5", f"--max-time={wrong}")
        self.expect(WRONG, "run", "sweep.toml", "--resume", "--overwrite", says="excludes")
        self.expect(STOPPED, "run", "long.toml", "-o", "days.h5", "--max-time", "0-00:00:01", *slow)
        for days in ("1-2", "0-00:01"):  # no time limit before the end
            self.expect(DONE, "run", "steady.toml", "-o", "days.h5", "--overwrite", "--max-time", days)
        self.assertIn("MM:SS", self.expect(DONE, "run", "--help").stdout)

    def test_a_long_point_goes_on_where_it_was(self):
        for text, row in ((LONG, "occupation"), (CLOUD, "norm"), (PROPAGATOR, "norm")):
            with self.subTest(row=row):
                self.write("long.toml", text)
                self.long_point(row)
                os.remove(self.folder / "out.h5")
                os.remove(self.folder / "undisturbed.h5")

    def long_point(self, row):
        self.undisturbed("long.toml")
        code, out, err = self.interrupted(signal.SIGKILL, "run", "long.toml", "-o", "out.h5", "--checkpoint", "0",
                                          ready=self.checkpoints)
        self.assertEqual(code, -signal.SIGKILL, out + err)
        self.assertEqual(len(self.checkpoints()), 1)
        self.assertFalse((self.folder / "out.h5").exists())
        self.expect(WRONG, "run", "long.toml", "-o", "out.h5", says="points of a run that did not end")
        before = self.checkpoints()
        code, out, err = self.interrupted(signal.SIGTERM, "run", "long.toml", "-o", "out.h5", "--checkpoint", "0", "--resume",
                                          ready=lambda: self.checkpoints() not in ([], before))
        self.assertEqual(code, STOPPED, out + err)
        self.assertEqual(attributes(self.folder / "out.h5")["complete"], 0)
        part, whole = (datasets(self.folder / name)[row] for name in ("out.h5", "undisturbed.h5"))
        part, whole = part.reshape(len(part), -1), whole.reshape(len(whole), -1)
        there = ~np.isnan(part).any(axis=1)
        self.assertTrue(there[0])
        self.assertFalse(there[-1])
        self.assertEqual(part[there].tobytes(), whole[there].tobytes())
        self.expect(DONE, "run", "long.toml", "-o", "out.h5", "--resume")
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()

    def test_kills(self):
        """Twenty-five kills at random moments."""
        self.undisturbed()
        random.seed(11)
        kills = 0
        resume = []
        while kills < 25:
            process = self.start("run", "sweep.toml", "-o", "out.h5", *resume)
            resume = ["--resume"]
            time.sleep(random.uniform(0.0, 0.12))
            if process.poll() is None:
                kills += 1
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            if process.returncode == DONE:  # it finished between two kills: start over
                self.assert_same_numbers("undisturbed.h5", "out.h5")
                os.remove(self.folder / "out.h5")
                resume = []
            else:
                self.assertEqual(process.returncode, -signal.SIGKILL, out + err)
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume")
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()

    def test_resume_of_nothing_and_of_everything(self):
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume")
        before = (self.folder / "out.h5").read_bytes()
        process = self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume")
        self.assertIn("nothing is left to compute", process.stdout)
        self.assertEqual((self.folder / "out.h5").read_bytes(), before)
        self.expect(WRONG, "run", "steady.toml", "-o", "out.h5", "--resume", "--set", "model.sites=8", says="model.sites (12")
        self.assertEqual((self.folder / "out.h5").read_bytes(), before)

    def test_a_sweep_is_extended(self):
        few = ["--set", FRACTION + "=[0.2, 0.4, 1.0]", "--set", BETA + "=[1.0, 2.0]"]
        more = ["--set", FRACTION + "=[0.0, 0.2, 0.3, 0.4, 1.0]", "--set", BETA + "=[2.0, 1.0, 0.5]"]
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", *few)
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume", *more, says="6 of 15 points are there")
        self.expect(DONE, "run", "steady.toml", "-o", "whole.h5", *more)
        self.assert_same_numbers("whole.h5", "out.h5")
        self.expect(WRONG, "run", "steady.toml", "-o", "out.h5", "--resume", *few, says="extended, not cut")

    def test_failed_points_are_tried_again_when_asked_for(self):
        sweep = ["--set", BETA + "=[1.0, 800.0, 2.0]", "--set", "solver.integrator=adams"]
        self.expect(POINTS_FAILED, "run", "relax.toml", "-o", "out.h5", *sweep)
        done = self.expect(POINTS_FAILED, "run", "relax.toml", "-o", "out.h5", "--resume", *sweep)
        self.assertIn("1 of its 3 points failed; --retry-failed", done.stdout)
        again = self.expect(POINTS_FAILED, "run", "relax.toml", "-o", "out.h5", "--retry-failed", *sweep,
                            says="2 of 3 points are there")
        self.assertIn("2 of 3 points done, 1 failed", again.stdout)
        self.expect(POINTS_FAILED, "run", "relax.toml", "-o", "whole.h5", *sweep)
        self.assert_same_numbers("whole.h5", "out.h5")

    def stopped_sweep(self):
        self.interrupted(signal.SIGKILL, "run", "sweep.toml", "-o", "out.h5", points=8)
        (records,) = self.folder.glob("out.h5.journal/*.records")
        return records

    def test_a_damaged_journal_is_said_and_computed_again(self):
        self.undisturbed()
        records = self.stopped_sweep()
        content = bytearray(records.read_bytes())
        content[len(content) // 2] ^= 0x10
        records.write_bytes(content[:-7])
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume", says="is damaged: the points in its last")
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()

    def test_an_overwriting_run_goes_on_and_the_old_output_is_none_of_its(self):
        self.expect(DONE, "run", "steady.toml", "-o", "out.h5")
        old = (self.folder / "out.h5").read_bytes()
        self.interrupted(signal.SIGKILL, "run", "sweep.toml", "-o", "out.h5", "--overwrite", points=3)
        self.assertEqual((self.folder / "out.h5").read_bytes(), old)
        self.assertIn("not there yet", self.expect(DONE, "status", "out.h5").stdout)
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume", says="points are there already")
        self.undisturbed()
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()

    def test_a_journal_of_another_input_is_refused(self):
        self.stopped_sweep()
        before = sorted(path.name for path in self.folder.glob("out.h5.journal/*"))
        self.expect(WRONG, "run", "sweep.toml", "-o", "out.h5", "--resume", "--set", "model.hopping=2.0",
                    says="model.hopping (1.0 there, 2.0 here)")
        after = sorted(path.name for path in self.folder.glob("out.h5.journal/*"))
        self.assertEqual([name for name in before if name.endswith(".records")],
                         [name for name in after if name.endswith(".records")])
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--overwrite", "--set", "model.hopping=2.0")
        self.assert_no_journal()

    def test_random_signals(self):
        self.undisturbed()
        random.seed(5)
        resume = []
        for _ in range(8):
            process = self.start("run", "sweep.toml", "-o", "out.h5", *resume)
            resume = ["--resume"]
            time.sleep(random.uniform(0.0, 0.3))
            code, out, err = self.stop(process, signal.SIGTERM)
            # A signal that arrives before the handlers are installed ends the program; or the run may have finished.
            self.assertIn(code, (DONE, STOPPED, -signal.SIGTERM), out + err)
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume")
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()


class ChainTest(Campaigns):
    def setUp(self):
        super().setUp()
        self.write("chain.toml", CHAIN)

    def ranks(self):
        """Numbers of ranks to test; None is a run without mpirun."""
        if MPIRUN is None or "MPI        none" in self.run_program("info").stdout:
            return [None]
        return [None, 2, 3, 11]

    def test_ranks_and_schedules_do_not_change_bits(self):
        for settings, code in (([], DONE), (["--set", "solver.max_steps=4"], POINTS_FAILED)):
            self.expect(code, "run", "chain.toml", "-o", "undisturbed.h5", "--overwrite", *settings)
            for ranks in self.ranks():
                for schedule in ("dynamic", "static"):
                    process = self.expect(code, "run", "chain.toml", "-o", "out.h5", "--overwrite", "--schedule", schedule,
                                          *settings, ranks=ranks)
                    self.assert_same_numbers("undisturbed.h5", "out.h5")
                    self.assertEqual("11 ranks for 9 chains: 2 of them idle" in process.stderr, ranks == 11, process.said)

    def test_numbers_are_those_of_cold_starts_in_fewer_steps(self):
        self.expect(DONE, "run", "chain.toml", "-o", "chain.h5")
        self.expect(DONE, "run", "chain.toml", "-o", "cold.h5", "--set", "solver.chain=1")
        chain, cold = (datasets(self.folder / name) for name in ("chain.h5", "cold.h5"))
        self.assertLess(chain["steps"].sum(), cold["steps"].sum())
        self.assertLess(chain["residual"].max(), 1e-12)
        for name in ("current", "occupation", "lagrange_multiplier"):
            np.testing.assert_allclose(chain[name], cold[name], rtol=0, atol=1e-12 * (1 + abs(cold[name]).max()))

    def test_kills(self):
        more = ["--set", "model.sites=400", "--set", 'output.fields=["current", "steps", "residual"]']
        self.expect(DONE, "run", "chain.toml", "-o", "undisturbed.h5", *more)
        for points in (1, 5, 9):
            code, out, err = self.interrupted(signal.SIGKILL, "run", "chain.toml", "-o", "out.h5", *more, points=points)
            self.assertEqual(code, -signal.SIGKILL, out + err)
            self.expect(DONE, "run", "chain.toml", "-o", "out.h5", "--resume", *more, ranks=self.ranks()[:3][-1],
                        says="of 27 points")
            self.assert_same_numbers("undisturbed.h5", "out.h5")
            self.assert_no_journal()
            os.remove(self.folder / "out.h5")

    def test_a_signal_stops_between_two_points_of_a_chain(self):
        more = ["--set", "model.sites=400", "--set", "solver.chain=9", "--set", 'output.fields=["current", "steps"]']
        self.expect(DONE, "run", "chain.toml", "-o", "undisturbed.h5", *more)
        code, out, err = self.interrupted(signal.SIGTERM, "run", "chain.toml", "-o", "out.h5", *more, points=2)
        self.assertEqual(code, STOPPED, out + err)
        done = int((datasets(self.folder / "out.h5")["status"] == 1).sum())
        self.assertTrue(0 < done < 27, done)
        self.expect(DONE, "run", "chain.toml", "-o", "out.h5", "--resume", *more)
        self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_an_extended_sweep_keeps_what_is_there(self):
        self.expect(DONE, "run", "chain.toml", "-o", "out.h5")
        before = datasets(self.folder / "out.h5")
        more = ["--set", BETA + "={start=0.5, stop=4.5, count=17}"]
        self.expect(DONE, "run", "chain.toml", "-o", "out.h5", "--resume", *more, says="27 of 51 points are there")
        after = datasets(self.folder / "out.h5")
        self.assertEqual(after["lagrange_multiplier"][:, ::2].tobytes(), before["lagrange_multiplier"].tobytes())
        self.assertEqual(after["steps"][:, ::2].tobytes(), before["steps"].tobytes())
        self.expect(DONE, "run", "chain.toml", "-o", "whole.h5", *more)
        whole = datasets(self.folder / "whole.h5")
        np.testing.assert_allclose(after["occupation"], whole["occupation"], rtol=0, atol=1e-12)

    def test_check_says_what_becomes_of_it(self):
        def said(*settings):
            arguments = [argument for setting in settings for argument in ("--set", setting)]
            return self.expect(DONE, "check", "chain.toml", *arguments).stdout

        self.assertIn("chains       9 of up to 4 points", said())
        self.assertIn("chains       9 of 3 points", said("solver.chain=3"))
        self.assertIn("chains       3 of 9 points", said("solver.chain=1000000"))
        self.assertNotIn("chains ", said("solver.chain=1"))
        together = said('bath.spectrum="ohmic"', "model.sites=64", BETA + "=[1.0]", FRACTION + "=[0.1, 0.2]")
        self.assertIn("2 points at a time", together)
        self.assertIn("solver.chain = 4 has no effect: points that advance together", together)
        for wrong in ("0", "1000001", "2.5", '"all"'):
            self.expect(WRONG, "check", "chain.toml", "--set", "solver.chain=" + wrong, says="solver.chain = ")
        self.expect(WRONG, "check", "chain.toml", "--set", 'sweep."solver.chain"=[1, 2]', says="cannot be swept")
        self.expect(WRONG, "check", "relax.toml", "--set", "solver.chain=2", says="solver.chain")


class FailureTest(Campaigns):
    def test_a_second_run_of_the_same_output_is_refused(self):
        first = self.start("run", "sweep.toml", "-o", "out.h5", "--set", "model.sites=100000")
        self.assertTrue(self.wait_for_points(first, "out.h5"))
        for flags in ([], ["--resume"], ["--overwrite"]):
            self.expect(WRONG, "run", "sweep.toml", "-o", "out.h5", *flags, "--set", "model.sites=100000",
                        says=f"process {first.pid} on")
        self.assertIn(f"process {first.pid} on", self.expect(DONE, "status", "out.h5").stdout)
        self.assertEqual(self.stop(first, signal.SIGTERM)[0], STOPPED)

    def test_status_of_nothing(self):
        self.expect(WRONG, "status", "out.h5", says="no run writes this output")
        self.write("other.h5", "text")
        self.expect(WRONG, "status", "other.h5", says="not an HDF5 file")
        self.expect(DONE, "run", "steady.toml")
        self.assertIn("1 of 1 finished", self.expect(DONE, "status", "steady.h5").stdout)

    def test_a_folder_that_cannot_be_written_to(self):
        if os.geteuid() == 0:  # root can write anywhere except to a read-only disk
            folder, reason = self.small_disk(64), "Read-only file system"
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        else:
            folder, reason = self.folder / "closed", "Permission denied"
            folder.mkdir(mode=0o555)
        self.expect(FAILED, "run", "sweep.toml", "-o", folder / "out.h5", says=reason)
        self.assertEqual(list(folder.iterdir()), [])

    def small_disk(self, kilobytes):
        """Mounts a file system of this size, or skips the test."""
        place = pathlib.Path(tempfile.mkdtemp(prefix="lindrift-disk-"))
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place], capture_output=True)
        if made.returncode != 0:
            place.rmdir()
            self.skipTest("this machine lets nobody mount a small disk: a full one is not tested")
        self.addCleanup(place.rmdir)
        self.addCleanup(subprocess.run, ["umount", "-l", place])
        return place

    def test_a_full_disk(self):
        """With any amount of space: a message and exit 1, or a whole output. Once there is space, --resume continues."""
        self.undisturbed()
        disk = self.small_disk(2048)
        output = disk / "out.h5"
        outcomes = set()
        for room in (0, 4, 8, 16, 64, 128, 256, 320, 352, 384, 448, 1024):
            with self.subTest(room=room):
                filler = disk / "filler"
                filler.write_bytes(b"")
                free = os.statvfs(disk)
                filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room * 1024)))
                process = self.run_program("run", "sweep.toml", "-o", output, "--set", "model.sites=300")
                outcomes.add(process.returncode)
                if process.returncode == FAILED:
                    self.assertIn("No space left on device; free some room", process.stderr)
                    self.assertFalse(output.exists())
                    filler.unlink()
                    self.expect(DONE, "run", "sweep.toml", "-o", output, "--resume", "--set", "model.sites=300")
                else:
                    self.assertEqual(process.returncode, DONE, process.said)
                    filler.unlink()
                self.expect(DONE, "run", "sweep.toml", "-o", "small.h5", "--overwrite", "--set", "model.sites=300")
                self.assert_same_numbers("small.h5", output)
                self.assertEqual(sorted(path.name for path in disk.iterdir()), ["out.h5"])
                output.unlink()
        self.assertEqual(outcomes, {DONE, FAILED})


@unittest.skipIf(MPIRUN is None, "mpirun was not found: campaigns on several ranks are not tested")
class RanksTest(Campaigns):
    def setUp(self):
        super().setUp()
        self.need_ranks()

    def test_ranks_schedules_and_threads_do_not_change_bits(self):
        self.undisturbed()
        for ranks, schedule, threads in ((1, "dynamic", 2), (2, "static", 1), (3, "dynamic", 1), (4, "static", 2),
                                         (8, "dynamic", 1)):
            self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--overwrite", "--schedule", schedule, "--threads",
                        threads, ranks=ranks)
            self.assert_same_numbers("undisturbed.h5", "out.h5")
            self.assert_no_journal()

    def test_points_that_are_run_together_are_dealt_to_all_ranks(self):
        together = ["--set", 'bath.spectrum="ohmic"', "--set", "model.sites=200", "--set",
                    FRACTION + "={start=0.0, stop=0.9, count=60}"]
        self.assertIn("30 points at a time", self.expect(DONE, "check", "steady.toml", *together).stdout)
        self.expect(DONE, "run", "steady.toml", "-o", "undisturbed.h5", *together)
        for ranks in (2, 4, 7):
            self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--overwrite", *together, ranks=ranks)
            self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_points_that_are_run_together_are_stopped_and_go_on(self):
        together = ["--set", 'bath.spectrum="ohmic"', "--set", "model.sites=900", "--set", 'output.fields=["current"]',
                    "--set", FRACTION + "={start=0.0, stop=0.99, count=300}"]
        self.assertIn("60 points at a time", self.expect(DONE, "check", "steady.toml", *together).stdout)
        self.expect(DONE, "run", "steady.toml", "-o", "undisturbed.h5", *together)
        for ranks in (None, 2):
            whom = (lambda launcher: children_of(launcher.pid)[-1]) if ranks else None
            code, out, err = self.interrupted(signal.SIGUSR1, "run", "steady.toml", "-o", "out.h5", "--overwrite",
                                              *together, points=20, ranks=ranks, whom=whom)
            self.assertEqual(code, STOPPED, out + err)
            self.assertEqual(attributes(self.folder / "out.h5")["complete"], 0)
            self.expect(DONE, "run", "steady.toml", "-o", "out.h5", "--resume", *together)
            self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_a_rank_that_dies_ends_the_job_and_loses_nothing(self):
        self.undisturbed()
        random.seed(3)
        resume = []
        for _ in range(4):
            process = self.start("run", "sweep.toml", "-o", "out.h5", "--set", "model.sites=3000", *resume, ranks=3)
            resume = ["--resume"]
            if not self.wait_for_points(process, "out.h5", 1):
                break
            ranks = children_of(process.pid)
            kept = self.kept_bytes("out.h5")
            if ranks and process.poll() is None:
                os.kill(random.choice(ranks), signal.SIGKILL)
            end_of_job(process)
            if (self.folder / "out.h5").exists() and attributes(self.folder / "out.h5")["complete"] == 1:
                break  # it has finished, and the journal may be gone
            self.assertGreaterEqual(self.kept_bytes("out.h5"), kept)
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume", ranks=2)
        self.assert_same_numbers("undisturbed.h5", "out.h5")
        self.assert_no_journal()

    def test_a_signal_to_any_rank_stops_all(self):
        self.undisturbed()
        code, out, err = self.interrupted(signal.SIGUSR1, "run", "sweep.toml", "-o", "out.h5", points=2, ranks=3,
                                          whom=lambda launcher: children_of(launcher.pid)[-1])
        self.assertEqual(code, STOPPED, out + err)
        self.assertRegex(out, "stopped by (a signal to another rank|SIGUSR1)")
        self.assertEqual(attributes(self.folder / "out.h5")["complete"], 0)
        self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume")
        self.assert_same_numbers("undisturbed.h5", "out.h5")

    def test_signals_to_the_launcher_stop_all(self):
        """mpirun passes SIGUSR1 on and returns the exit code of its ranks, but returns 1 after SIGTERM and SIGINT (Open MPI 4)."""
        self.undisturbed()
        for number, codes in ((signal.SIGUSR1, (STOPPED,)), (signal.SIGTERM, (1, STOPPED)), (signal.SIGINT, (1, STOPPED))):
            with self.subTest(signal=number.name):
                code, out, err = self.interrupted(number, "run", "sweep.toml", "-o", "out.h5", points=2, ranks=2)
                self.assertIn(code, codes, out + err)
                self.expect(DONE, "run", "sweep.toml", "-o", "out.h5", "--resume", ranks=2)
                self.assert_same_numbers("undisturbed.h5", "out.h5")
                self.assert_no_journal()
                os.remove(self.folder / "out.h5")

    def test_a_point_that_ranks_share_is_stopped_and_goes_on(self):
        for text in (LONG, CLOUD):
            self.write("long.toml", text)
            self.expect(DONE, "run", "long.toml", "-o", "undisturbed.h5", "--overwrite")
            code, out, err = self.interrupted(signal.SIGUSR1, "run", "long.toml", "-o", "out.h5", "--checkpoint", "0",
                                              "--threads", "1", ready=self.checkpoints, ranks=2,
                                              whom=lambda launcher: children_of(launcher.pid)[-1])
            self.assertEqual(code, STOPPED, out + err)
            self.assertEqual(len(self.checkpoints()), 1)
            self.expect(DONE, "run", "long.toml", "-o", "out.h5", "--resume", ranks=3)
            self.assert_same_numbers("undisturbed.h5", "out.h5")
            self.assert_no_journal()
            os.remove(self.folder / "out.h5")

    def test_memory_does_not_grow_with_the_number_of_points(self):
        """Checked on the ranks that do not collect the results."""
        wrapper = [sys.executable, "-S", "-E", str(ROOT / "tests/cli/peak_memory.py"), "peak"]
        # AddressSanitizer keeps freed memory.
        environment = dict(RANKS_ENVIRONMENT, ASAN_OPTIONS=RANKS_ENVIRONMENT["ASAN_OPTIONS"] + ":quarantine_size_mb=1")
        few, many = 10000, 60000  # even the smaller number takes some tenths of a second, enough for many samples
        kilobytes = []
        for count in (few, many):
            subprocess.run([MPIRUN, "-n", "2", *wrapper, PROGRAM, "run", "steady.toml", "-o", "out.h5", "--overwrite", "--set",
                            "model.sites=2", "--set", 'output.fields=["current"]', "--set",
                            FRACTION + "={start=0.0, stop=1.0, count=%d}" % count], cwd=self.folder, check=True,
                           env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE)
            kilobytes.append(int((self.folder / "peak.1").read_text()))
        # Each point may cost the memory of its swept value: 8 bytes as a number and 40 in the document, 2.4 MB here.
        # Identical processes differ by a megabyte. Results of one kilobyte that are never freed would take 50 MB.
        self.assertLess(kilobytes[1] - kilobytes[0], 10000, kilobytes)


if __name__ == "__main__":
    unittest.main()
