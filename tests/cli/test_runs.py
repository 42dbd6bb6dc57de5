"""Runs that succeed: examples and their known numbers, sweeps, ranks, and the messages of the program."""

import json
import re
import shutil
import subprocess
import sys
import time
import unittest

import h5py
import numpy as np

from program import (DONE, ENVIRONMENT, EXAMPLES, FAILED, MPIRUN, POINTS_FAILED, PROGRAM, RELAX, ROOT, STEADY, STOPPED, WRONG,
                     ProgramTest, attributes, datasets)

HATSUGAI_KOHMOTO = """[model]
kind = "hatsugai_kohmoto"
sites = 8
interaction = 1.0
[bath.down]
gain = 0.1
loss = 0.2
[task]
kind = "green"
times = [0.0, 1.0]
"""

FRACTION = 'sweep."bath.nonequilibrium_fraction"'
PLAIN, BROKEN, NOT_CONVERGED = 1, 2, 3  # values of the dataset `status`


class Runs(ProgramTest):
    def check_output(self, name):
        """Checks that the file is as users of h5py and xarray expect it."""
        checker = ROOT / "tests/python/check_output.py"
        process = subprocess.run([sys.executable, checker, self.folder / name], capture_output=True, text=True)
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)


class ExamplesTest(Runs):
    def test_every_example_is_accepted(self):
        examples = sorted(EXAMPLES.glob("*.toml"))
        self.assertGreaterEqual(len(examples), 3)
        for example in examples:
            with self.subTest(example=example.name):
                plan = self.expect(DONE, "check", example).stdout
                for word in ("no errors", "points", "algorithm", "backend", "memory", "work", "time"):
                    self.assertIn(word, plan)
                self.assertEqual(self.names(), [])

    def test_every_example_runs(self):
        for example in sorted(EXAMPLES.glob("*.toml")):
            with self.subTest(example=example.name):
                self.expect(DONE, "run", example, "-o", "out.h5", "--overwrite", "--threads", "1")
                self.check_output("out.h5")

    def blocks(self, page, language):
        return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)

    def run_block(self, block):
        """What a block of Python prints in the folder of the test."""
        process = subprocess.run([sys.executable, "-"], input=block, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True)
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout

    def test_the_readme(self):
        (self.folder / "peak.toml").write_text(self.blocks("README.md", "toml")[0])
        self.expect(DONE, "run", "peak.toml")
        self.assertEqual(self.run_block(self.blocks("README.md", "python")[0]), self.blocks("README.md", "text")[0])

    def test_the_page_of_lattices(self):
        first, hamiltonian, operators, sizes, gradient, local = self.blocks("docs/lattice.md", "toml")
        (self.folder / "x.toml").write_text(first)
        self.expect(DONE, "run", "x.toml")
        said = re.search(r"prints the current\s+\((\S+), (\S+)\)", (ROOT / "docs/lattice.md").read_text())
        found = datasets(self.folder / "x.h5")["current"]
        self.assertEqual([f"{value:.10f}" for value in found], [said[1], said[2]])
        # The others are parts of an input.
        (self.folder / "haldane_hr.dat").write_text("a ring\n1\n3\n1 1 1\n0 0 0 1 1 0.5 0\n1 0 0 1 1 -1 0\n-1 0 0 1 1 -1 0\n")
        before, after = first.split("[bath]\n")
        value, channels = after.split("[[", 1)
        inputs = {"hamiltonian": hamiltonian + "[bath]\n" + after, "gradient": first.split("[task]")[0] + gradient,
                  "local": before + local.replace("[bath]\n", "[bath]\n" + value) + "[[" + channels,
                  "operators": first.replace("cells", "orbitals = 2\ncells") + operators, "sizes": first + sizes}
        for name, text in inputs.items():
            with self.subTest(block=name):
                (self.folder / f"{name}.toml").write_text(text)
                self.expect(DONE, "check", f"{name}.toml")

    def test_the_page_of_campaigns(self):
        (self.folder / "sweep.toml").write_text(STEADY)
        self.expect(DONE, "run", "sweep.toml", "--set", FRACTION + "=[0.25, 0.5, 0.75]", "--set",
                    'sweep."bath.inverse_temperature"=[1.0, 2.0]')
        block = self.blocks("docs/campaigns.md", "python")[0]
        self.assertIn(", chunks={}", block)  # with it dask is needed
        self.assertIn("1    6", self.run_block(block.replace(", chunks={}", "") + "\nassert 0.25 <= float(best) <= 0.75\n"))

    def test_the_table_example(self):
        for name in ("table.py", "table.toml"):
            shutil.copy(EXAMPLES / "table" / name, self.folder)
        subprocess.run([sys.executable, self.folder / "table.py"], check=True, cwd=self.folder)
        self.expect(DONE, "run", self.folder / "table.toml", "-o", "out.h5")
        self.check_output("out.h5")

    def test_fig3b(self):
        self.expect(DONE, "run", EXAMPLES / "fig3b.toml")
        self.assertEqual(self.names(), ["fig3b.h5"])
        self.check_output("fig3b.h5")
        numbers = datasets(self.folder / "fig3b.h5")
        fractions = numbers["bath.nonequilibrium_fraction"]
        np.testing.assert_allclose(fractions, np.linspace(0, 1, 51), atol=1e-15)
        known = json.loads((ROOT / "tests/data/tgge_chain_steady_states.json").read_text())
        pairs = [(fraction, current) for fraction, current in zip(known["gamma_neq"], known["current_100"])
                 if np.abs(fractions - fraction).min() < 1e-12]
        self.assertGreater(len(pairs), 10)
        for fraction, current in pairs:
            place = np.argmin(np.abs(fractions - fraction))
            self.assertAlmostEqual(numbers["current"][place], current, delta=1e-12)
        self.assertAlmostEqual(numbers["current"][25], 0.0351936624, delta=1e-10)
        np.testing.assert_array_equal(numbers["status"], PLAIN)
        np.testing.assert_array_equal(numbers["converged"], 1)
        np.testing.assert_allclose(numbers["particle_number"], 50, rtol=1e-13)
        self.assertLess(numbers["residual"].max(), 1e-10)
        self.assertEqual(set(numbers["error"]), {b""})

    def test_inverse_design(self):
        self.expect(DONE, "run", EXAMPLES / "inverse_design.toml")
        self.check_output("inverse_design.h5")
        numbers = datasets(self.folder / "inverse_design.h5")
        self.assertAlmostEqual(numbers["value"][25, 0], 0.3362844003, delta=1e-10)
        # The script finds it again, starting from a random operator.
        script = subprocess.run([sys.executable, EXAMPLES / "inverse_design.py", PROGRAM, "--starts", "1", "--seed", "2"],
                                cwd=self.folder, capture_output=True, text=True, timeout=300, check=True)
        self.assertIn("best current 0.3362844003", script.stdout)

    def test_degenerate_bands(self):
        example = EXAMPLES / "rashba_degenerate.toml"
        self.assertIn("2 momenta have degenerate bands", self.expect(DONE, "check", example).stdout)
        self.expect(DONE, "run", example)
        self.check_output("rashba_degenerate.h5")
        numbers = datasets(self.folder / "rashba_degenerate.h5")
        self.assertAlmostEqual(numbers["current"], 0.0017933529415559203, delta=1e-13)
        matrices = numbers["density_matrix"]
        self.assertEqual(matrices.shape, (20, 2, 2))
        np.testing.assert_allclose(matrices, np.conj(np.swapaxes(matrices, 1, 2)), atol=1e-15)
        # The eigenvalues at a momentum are the occupations of its bands.
        np.testing.assert_allclose(np.linalg.eigvalsh(matrices), np.sort(numbers["occupation"].T), atol=1e-14)
        about = attributes(self.folder / "rashba_degenerate.h5")
        self.assertEqual(about["degenerate_blocks"], 2)
        self.assertGreater(about["smallest_gap"], 0.1)
        for place, setting in [("bath.equilibrium_fraction", "bath.equilibrium_fraction=0"),
                               ("bath.inverse_temperature", "bath.inverse_temperature=400")]:
            self.assertIn(place, self.expect(WRONG, "check", example, "--set", setting).stderr)
        self.expect(DONE, "verify", "rashba_degenerate.h5")

    def test_degenerate_bands_and_local_baths_of_a_lattice(self):
        """Rashba bands in two dimensions touch at four momenta; then every cell has its own bath."""
        lattice = """[model]
kind = "tgge_lattice"
cells = [6, 6]
preset = "rashba_zeeman"
rashba = 0.7
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [1, 0, 1, 0, 0, 0, 0.5, 0.4]]
[task]
kind = "steady_state"
"""
        self.write("touch.toml", lattice)
        self.assertIn("4 momenta have degenerate bands", self.expect(DONE, "check", "touch.toml").stdout)
        self.expect(DONE, "run", "touch.toml")
        self.assertEqual(attributes(self.folder / "touch.h5")["degenerate_blocks"], 4)
        numbers = datasets(self.folder / "touch.h5")
        np.testing.assert_allclose(numbers["orbital_current"].sum(axis=0), numbers["current"], atol=1e-14)
        self.assertAlmostEqual(numbers["entropy_rate_thermal"] + numbers["entropy_rate_nonequilibrium"], 0.0, delta=1e-12)
        matrices = numbers["density_matrix"]
        self.assertEqual(matrices.shape, (6, 6, 2, 2))
        np.testing.assert_allclose(np.linalg.eigvalsh(matrices), np.sort(np.moveaxis(numbers["occupation"], 0, -1)), atol=1e-14)
        np.testing.assert_allclose(matrices.mean(axis=(0, 1)), numbers["local_density_matrix"], atol=1e-15)
        self.expect(DONE, "verify", "touch.h5")
        local = lattice.replace('preset = "rashba_zeeman"\nrashba = 0.7', 'preset = "square"').replace(
            "[bath]", '[bath]\nthermal_coupling = "operators"').replace("[1, 0, 1, 0, 0, 0,", "[1, 0, 0, 0, 0, 0,")
        density = "[[bath.thermal_operator]]\nterms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0]]\n"
        self.write("local.toml", local.replace("[task]", density + "[task]"))
        self.expect(DONE, "run", "local.toml")
        self.expect(DONE, "verify", "local.h5")
        self.write("open.toml", local.replace("[task]", density.replace("[0, 0, 0, 0, 0, 0,", "[1, 0, 0, 0, 0, 0,") + "[task]"))
        self.expect(WRONG, "run", "open.toml", says=["bath.thermal_operator", "detailed balance"])

    def test_currents_of_operators(self):
        """Of the spins of a lattice whose bands are nowhere degenerate: in a steady state and over time."""
        lattice = """[model]
kind = "tgge_lattice"
cells = [5, 4]
preset = "rashba_zeeman"
rashba = 0.7
zeeman_x = 0.4
zeeman_z = 0.3
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [1, 0, 1, 0, 0, 0, 0.5, 0.4]]
[task]
kind = "steady_state"
[output.operators]
one = [[1, 0], [0, 1]]
s_x = [[0, 1], [1, 0]]
s_y = [[0, [0.0, -1.0]], [[0.0, 1.0], 0]]
s_z = [[1, 0], [0, -1]]
"""
        self.write("spins.toml", lattice)
        self.assertIn("current_s_z_2", self.expect(DONE, "run", "spins.toml").stdout)
        self.check_output("spins.h5")
        numbers = datasets(self.folder / "spins.h5")
        np.testing.assert_allclose(numbers["current_one"], numbers["current"], atol=1e-14)
        up, down = numbers["orbital_current"]
        np.testing.assert_allclose(numbers["current_s_z"], up - down, atol=1e-14)
        # dh/dk of -2 (cos k_1 + cos k_2) + 2 alpha (sin k_1 s_y - sin k_2 s_x), in both orders with a spin.
        spins = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]]])
        for direction in (0, 1):
            k = numbers[f"momentum_{direction + 1}"].reshape((-1, 1) if direction == 0 else (1, -1)) + np.zeros((5, 4))
            slope = 2.0 * np.sin(k)[..., None, None] * np.eye(2)
            slope = slope + 1.4 * np.cos(k)[..., None, None] * (spins[1] if direction == 0 else -spins[0])
            for name, spin in zip(("current_s_x", "current_s_y"), spins):
                both = 0.5 * (slope @ spin + spin @ slope) @ numbers["density_matrix"]
                self.assertAlmostEqual(numbers[name][direction], np.trace(both.mean(axis=(0, 1))).real, delta=1e-14)
        self.expect(DONE, "verify", "spins.h5")
        self.write("times.toml", lattice.replace('"steady_state"', '"relax"\ntimes = [0.0, 1.0]').replace(
            "[output.operators]", '[output]\nfields = ["current", "current_one", "current_s_z"]\n[output.operators]'))
        self.expect(DONE, "run", "times.toml")
        numbers = datasets(self.folder / "times.h5")
        self.assertEqual(set(numbers) & {"current_one", "current_s_x", "current_s_z"}, {"current_one", "current_s_z"})
        np.testing.assert_allclose(numbers["current_one"], numbers["current"], atol=1e-14)
        self.assertEqual(numbers["current_s_z"].shape, (2, 2))
        # The resolved input says the same.
        self.write("again.toml", attributes(self.folder / "spins.h5")["resolved_input"])
        self.expect(DONE, "run", "again.toml")
        np.testing.assert_array_equal(datasets(self.folder / "again.h5")["current_s_y"], datasets(self.folder / "spins.h5")["current_s_y"])

    def test_fig3a(self):
        self.expect(DONE, "run", EXAMPLES / "fig3a.toml")
        self.check_output("fig3a.h5")
        numbers = datasets(self.folder / "fig3a.h5")
        # The thermal bath alone gives the Gibbs ensemble: beta E_k, E_k = -2 J cos k.
        np.testing.assert_allclose(numbers["lagrange_multiplier"][0], -4 * np.cos(numbers["momentum"]), atol=1e-9)

    def test_fig2(self):
        self.expect(DONE, "run", EXAMPLES / "fig2.toml")
        self.check_output("fig2.h5")
        numbers = datasets(self.folder / "fig2.h5")
        self.assertAlmostEqual(numbers["momentum"][0], -np.pi, delta=1e-15)
        for time, value in [(0.0, 0.0), (20.0, 3.4947906687), (80.0, 3.9990011282)]:
            place = int(np.argmin(np.abs(numbers["time"] - time)))
            self.assertAlmostEqual(numbers["lagrange_multiplier"][place, 0], value, delta=1e-8)

    def test_the_attributes_tell_how_it_was_made(self):
        self.expect(DONE, "run", EXAMPLES / "fig3b.toml", "--threads", "1", "--set", "model.sites=8")
        about = attributes(self.folder / "fig3b.h5")
        self.assertEqual(about["input"], (EXAMPLES / "fig3b.toml").read_text())
        self.assertIn("sites = 8\n", about["resolved_input"])
        self.assertEqual((about["ranks"], about["threads"], about["complete"]), (1, 1, 1))
        self.assertIn(about["algorithm"], ("direct", "separable"))
        self.assertIn(about["backend"], ("cpu", "cuda"))
        self.assertGreater(about["elapsed_seconds"], 0)


class SweepTest(Runs):
    def setUp(self):
        super().setUp()
        self.write("steady.toml", STEADY)
        self.write("relax.toml", RELAX)

    def sweep(self, code, name, *settings, **options):
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        return self.expect(code, "run", name, "-o", "out.h5", "--overwrite", *arguments, **options)

    def current_at(self, *settings):
        """The current of a single run."""
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        self.expect(DONE, "run", "steady.toml", "-o", "one.h5", "--overwrite", *arguments)
        return datasets(self.folder / "one.h5")["current"].item()

    def test_grid(self):
        self.sweep(DONE, "steady.toml", 'sweep."bath.inverse_temperature"=[0.5, 2.0, 1.0]', FRACTION + "=[0.2, 1.0]")
        self.check_output("out.h5")
        with h5py.File(self.folder / "out.h5") as file:
            current = file["current"]
            self.assertEqual([axis[0].name for axis in current.dims],
                             ["/bath.inverse_temperature", "/bath.nonequilibrium_fraction"])
            self.assertEqual(file["occupation"].shape, (3, 2, 12))
            self.assertEqual(current[2, 0], self.current_at("bath.inverse_temperature=1.0",
                                                            "bath.nonequilibrium_fraction=0.2"))
            self.assertEqual(current[0, 1], self.current_at("bath.inverse_temperature=0.5",
                                                            "bath.nonequilibrium_fraction=1.0"))

    def test_cold_points_of_a_group_are_those_of_their_own_runs(self):
        # The warm points run as a batch by matrix products, whose range the rates of the cold points exceed.
        self.sweep(DONE, "steady.toml", "bath.spectrum=ohmic", "model.sites=128",
                   'sweep."bath.inverse_temperature"=[2.0, 1000.0]',
                   FRACTION + "=[0.0, 0.3]")
        with h5py.File(self.folder / "out.h5") as file:
            self.assertEqual(file["status"][()].tolist(), [[1, 1], [1, 1]])
            self.assertLess(file["residual"][()].max(), 1e-11)
            self.assertEqual(file["current"][1, 1],
                             self.current_at("bath.spectrum=ohmic", "model.sites=128",
                                             "bath.inverse_temperature=1000.0", "bath.nonequilibrium_fraction=0.3"))

    def test_zip(self):
        self.sweep(DONE, "steady.toml", "sweep.mode=zip", 'sweep."bath.inverse_temperature"=[0.5, 2.0, 1.0]',
                   FRACTION + "=[0.2, 0.3, 1.0]")
        self.check_output("out.h5")
        with h5py.File(self.folder / "out.h5") as file:
            self.assertEqual([axis[0].name for axis in file["current"].dims], ["/point"])
            self.assertEqual(file["bath.inverse_temperature"][()].tolist(), [0.5, 2.0, 1.0])
            self.assertEqual(file["current"][0], self.current_at("bath.inverse_temperature=0.5",
                                                                 "bath.nonequilibrium_fraction=0.2"))

    def test_zip_of_a_list_and_a_long_grid(self):
        """Grids this long are first read with their ends only."""
        count = 70000
        values = [i / count for i in range(count)]
        text = STEADY.replace("sites = 12", "sites = 2") + f'''[output]
fields = ["current"]
[sweep]
mode = "zip"
"bath.nonequilibrium_fraction" = {values}
"bath.inverse_temperature" = {{ start = 0.0, stop = 7.0, count = {count} }}
'''
        self.write("zip.toml", text)
        self.expect(DONE, "run", "zip.toml", "-o", "out.h5")
        found = datasets(self.folder / "out.h5")
        np.testing.assert_allclose(found["bath.nonequilibrium_fraction"], values, atol=0.0)
        np.testing.assert_allclose(found["bath.inverse_temperature"], np.linspace(0.0, 7.0, count), rtol=1e-15)

    def test_complex_key(self):
        process = self.sweep(DONE, "steady.toml", 'sweep."bath.delta"=[[1.0, 0.0], [0.5, -0.25], 2]')
        self.check_output("out.h5")
        self.assertIn("0.5-0.25i", process.stdout)
        numbers = datasets(self.folder / "out.h5")
        self.assertEqual(numbers["bath.delta"].tolist(), [1, 0.5 - 0.25j, 2])
        self.assertEqual(numbers["current"][1], self.current_at("bath.delta=[0.5, -0.25]"))

    def test_one_point_keeps_its_dimension(self):
        self.sweep(DONE, "steady.toml", FRACTION + "=[0.5]")
        self.check_output("out.h5")
        self.assertEqual(datasets(self.folder / "out.h5")["occupation"].shape, (1, 12))

    def test_chosen_fields(self):
        self.sweep(DONE, "steady.toml", FRACTION + "=[0.5, 0.6]", 'output.fields=["current"]')
        self.check_output("out.h5")
        self.assertEqual(sorted(datasets(self.folder / "out.h5")),
                         ["bath.nonequilibrium_fraction", "current", "error", "momentum", "status"])

    def test_numbers_of_cells(self):
        """A sweep over the size of a lattice keeps the datasets that have the same shape at every size."""
        lattice = """[model]
kind = "tgge_lattice"
preset = "square"
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [0, 0, 0, 0, 1, 0, -1.0, -0.5], [1, 0, 0, 0, 0, 0, 1.0, 1.0], [1, 0, 0, 0, 1, 0, -0.5, -1.5]]
[task]
kind = "steady_state"
"""
        sizes = [[4, 4], [5, 3], [8, 8], [3, 5]]
        swept = f'[sweep]\n"model.cells" = {sizes}\n"bath.inverse_temperature" = [1.0, 2.0]\n'
        self.write("sizes.toml", lattice + swept)
        table = self.expect(DONE, "run", "sizes.toml").stdout
        self.assertIn("3 x 5", table)
        self.check_output("sizes.h5")
        numbers = datasets(self.folder / "sizes.h5")
        self.assertEqual(numbers["model.cells"].tolist(), [16, 15, 64, 15])
        self.assertEqual(numbers["model.cells_1"].tolist(), [4, 5, 8, 3])
        self.assertEqual(numbers["model.cells_2"].tolist(), [4, 3, 8, 5])
        self.assertNotIn("occupation", numbers)
        self.assertEqual(numbers["current"].shape, (4, 2, 2))
        for i in (1, 3):
            self.write("one.toml", lattice.replace('"square"', f'"square"\ncells = {sizes[i]}'))
            self.expect(DONE, "run", "one.toml", "--overwrite", "--set", "bath.inverse_temperature=2.0")
            np.testing.assert_array_equal(datasets(self.folder / "one.h5")["current"], numbers["current"][i, 1])
        # A longer sweep reuses the existing points.
        self.write("sizes.toml", lattice + swept.replace("[3, 5]]", "[3, 5], [6, 6]]"))
        self.expect(DONE, "run", "sizes.toml", "--resume")
        np.testing.assert_array_equal(datasets(self.folder / "sizes.h5")["current"][:4], numbers["current"])
        self.assertEqual(datasets(self.folder / "sizes.h5")["current"].shape, (5, 2, 2))
        self.expect(DONE, "verify", "sizes.h5")

    def test_points_that_fail_are_marked_and_the_others_go_on(self):
        process = self.sweep(POINTS_FAILED, "relax.toml", 'sweep."bath.inverse_temperature"=[1.0, 800.0, 2.0]',
                             "solver.integrator=adams", says="point 1: ")
        self.check_output("out.h5")
        self.assertIn("failed", process.stdout)
        self.assertIn("2 of 3 points done, 1 failed", process.stdout)
        numbers = datasets(self.folder / "out.h5")
        self.assertEqual(numbers["status"].tolist(), [PLAIN, BROKEN, PLAIN])
        self.assertEqual([bool(message) for message in numbers["error"]], [False, True, False])
        self.assertTrue(np.isnan(numbers["occupation"][1]).all())
        self.assertTrue(np.isnan(numbers["current"][1]).all())
        self.assertFalse(np.isnan(numbers["occupation"][[0, 2]]).any())
        # Neighbouring points have the same numbers as without it.
        self.expect(DONE, "run", "relax.toml", "--set", "bath.inverse_temperature=2.0")
        alone = datasets(self.folder / "relax.h5")
        self.assertEqual(numbers["occupation"][2].tobytes(), alone["occupation"].tobytes())

    def test_points_that_do_not_converge_are_marked(self):
        process = self.sweep(POINTS_FAILED, "relax.toml", "solver.max_steps=2", FRACTION + "=[0.0, 0.5]")
        self.check_output("out.h5")
        self.assertIn("0 of 2 points done, 2 not converged", process.stdout)
        numbers = datasets(self.folder / "out.h5")
        self.assertEqual(numbers["status"].tolist(), [NOT_CONVERGED] * 2)
        self.assertEqual(numbers["converged"].tolist(), [0, 0])
        for message in numbers["error"]:
            self.assertIn(b"max_steps", message)

    def test_a_single_run_that_does_not_converge(self):
        self.expect(POINTS_FAILED, "run", "relax.toml", "--set", "solver.max_steps=2", says="max_steps = 2")
        numbers = datasets(self.folder / "relax.h5")
        self.check_output("relax.h5")
        self.assertEqual(numbers["converged"].item(), 0)
        self.assertEqual(numbers["occupation"][0].tolist(), [0.5] * 10)
        self.assertTrue(np.isnan(numbers["occupation"][-1]).all())

    def test_the_resolved_input_gives_the_same_bits(self):
        for name, settings in [("steady.toml", [FRACTION + "={start=0.0, stop=1.0, count=7}", "bath.delta=[0.1, 0.7]"]),
                               ("steady.toml", ["bath.coupling=0.1", "initial.filling=0.3"]),
                               ("relax.toml", ["task.times={start=0.0, stop=3.0, count=11}"])]:
            with self.subTest(name=name):
                self.sweep(DONE, name, *settings)
                self.write("again.toml", attributes(self.folder / "out.h5")["resolved_input"])
                self.expect(DONE, "run", "again.toml", "--overwrite")
                self.assert_same_numbers("out.h5", "again.h5")
                self.assertEqual(attributes(self.folder / "again.h5")["resolved_input"],
                                 (self.folder / "again.toml").read_text())

    def test_threads_do_not_change_bits(self):
        for algorithm in ("direct", "separable"):
            for threads in (1, 2, 3):
                self.expect(DONE, "run", "relax.toml", "--threads", threads, "-o", f"{threads}.h5", "--overwrite",
                            "--set", "model.sites=700", "--set", f"solver.algorithm={algorithm}")
            self.assert_same_numbers("1.h5", "2.h5")
            self.assert_same_numbers("1.h5", "3.h5")


@unittest.skipIf(MPIRUN is None, "mpirun was not found: runs on several ranks are not tested")
class RanksTest(Runs):
    def setUp(self):
        super().setUp()
        self.need_ranks()
        self.write("steady.toml", STEADY)
        self.write("relax.toml", RELAX)

    def test_ranks_do_not_change_bits(self):
        sweep = ["--set", 'sweep."bath.inverse_temperature"=[1.0, 800.0, 2.0, 3.0, 0.5]',
                 "--set", "solver.integrator=adams"]
        self.expect(POINTS_FAILED, "run", "relax.toml", "-o", "serial.h5", *sweep)
        for ranks in (1, 2, 3, 4):
            process = self.expect(POINTS_FAILED, "run", "relax.toml", "-o", f"{ranks}.h5", *sweep, ranks=ranks)
            self.assertEqual(process.stdout.count("points done"), 1, process.said)
            self.assert_same_numbers("serial.h5", f"{ranks}.h5")
            self.assertEqual(attributes(self.folder / f"{ranks}.h5")["ranks"], ranks)
        self.check_output("4.h5")

    def test_more_ranks_than_points(self):
        self.write("hatsugai_kohmoto.toml", HATSUGAI_KOHMOTO)
        for name in ("steady", "relax", "hatsugai_kohmoto"):
            self.expect(DONE, "run", f"{name}.toml", "-o", "serial.h5", "--overwrite")
            process = self.expect(DONE, "run", f"{name}.toml", "-o", "ranks.h5", "--overwrite", ranks=3)
            self.assertNotIn("idle", process.stderr, process.said)  # the ranks share the point
            self.assert_same_numbers("serial.h5", "ranks.h5")

    def test_what_is_wrong_is_said_once(self):
        for arguments, message in [(["run", "steady.toml", "--set", "model.sites=0"], "model.sites = 0: must be"),
                                   (["run", "steady.toml", "--set", "model.sites"], "must be KEY=VALUE"),
                                   (["run", "steady.toml", "--bakend", "cpu"], "did you mean --backend?"),
                                   (["run", "missing.toml"], "No such file"),
                                   (["rnu", "steady.toml"], "did you mean lindrift run?"),
                                   (["figures", "fig99"], "no figure is called")]:
            with self.subTest(arguments=arguments):
                process = self.expect(WRONG, *arguments, ranks=3)
                self.assertEqual(process.stderr.count(message), 1, process.said)
                self.assertEqual(self.names(), ["relax.toml", "steady.toml"])

    def test_an_output_that_cannot_be_written_stops_all(self):
        process = self.expect(WRONG, "run", "steady.toml", "-o", "missing/out.h5", ranks=3)
        self.assertEqual(process.stderr.count("cannot write"), 1, process.said)

    def test_a_single_run_that_fails(self):
        process = self.expect(FAILED, "run", "relax.toml", "--set", "bath.inverse_temperature=800", "--set", "solver.integrator=adams",
                              ranks=2)
        self.assertEqual(process.stderr.count("not finite"), 1, process.said)
        self.assertEqual(self.names(), ["relax.toml", "steady.toml"])

    def test_other_verbs_answer_once(self):
        self.assertEqual(self.expect(DONE, "check", "steady.toml", ranks=2).stdout.count("no errors"), 1)
        self.assertEqual(self.expect(DONE, "info", ranks=2).stdout.count("processor"), 1)
        self.assertEqual(self.expect(DONE, "--version", ranks=2).stdout.count("lindrift"), 1)
        self.assertEqual(self.expect(DONE, "figures", "fig3b", "-o", "pictures", ranks=2).stdout.count("fig3b.png"), 1)


class VerbsTest(Runs):
    def test_help_and_version(self):
        text = self.expect(DONE, "--help").stdout
        for verb in ("run", "check", "models", "info", "bench", "figures", "plot"):
            self.assertIn(f"\n  {verb} ", text)
            for flag in ("-h", "--help"):
                process = self.expect(DONE, verb, flag)
                self.assertRegex(process.stdout, rf"(?m)^(Usage: )?lindrift {verb} ")  # CLI11 2.6 writes it without the word
                self.assertEqual(process.stderr, "")
        self.assertIn("Exit codes", text)
        for option in ("--set KEY=VALUE", "--output FILE", "--overwrite", "--threads N", "--backend auto|cpu|cuda"):
            self.assertIn(option, self.expect(DONE, "run", "--help").stdout)
        version = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertRegex(self.expect(DONE, "--version").stdout, rf"^lindrift {re.escape(version)} \(\S+\)\n$")

    def test_models(self):
        text = self.expect(DONE, "models").stdout
        for word in ("tgge_chain", "relax", "steady_state", "direct", "separable", "cpu"):
            self.assertIn(word, text)
        text = self.expect(DONE, "models", "tgge_chain").stdout
        for word in ("model.sites", "bath.coupling", "bath.delta", "initial.filling", "task.times", "solver.tolerance",
                     "output.fields", "0.05", "128", "required"):
            self.assertIn(word, text)

    def test_manual(self):
        process = subprocess.run([sys.executable, str(ROOT / "docs/update_input.py"), "--check", str(PROGRAM)],
                                 capture_output=True, text=True)
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)

    def test_info(self):
        text = self.expect(DONE, "info").stdout
        for word in ("lindrift", "compilers", "processor", "kernels", "HDF5", "SUNDIALS", "MPI", "CUDA"):
            self.assertRegex(text, rf"(?m)^{word} +\S")


class PicturesTest(Runs):
    def test_figures_and_plot(self):
        process = self.expect(DONE, "figures", "fig3b", "-o", "pictures")
        self.assertEqual(sorted(path.name for path in (self.folder / "pictures").iterdir()), ["fig3b.h5", "fig3b.png"])
        self.assertIn("fig3b.png", process.stdout)
        self.expect(DONE, "plot", "pictures/fig3b.h5", "-o", "fig.png")
        self.expect(DONE, "plot", "pictures/fig3b.h5")
        for name in ("fig.png", "fig3b.png", "pictures/fig3b.png"):
            self.assertEqual((self.folder / name).read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        # Computes and draws again without asking.
        self.expect(DONE, "figures", "fig3b", "-o", "pictures")

    def test_plot_draws_every_kind_of_result(self):
        self.write("steady.toml", STEADY)
        self.write("relax.toml", RELAX)
        self.expect(DONE, "run", "steady.toml")
        self.expect(DONE, "run", "relax.toml")
        for name in ("steady", "relax"):
            self.expect(DONE, "plot", f"{name}.h5")
            self.assertIn(f"{name}.png", self.names())

    def test_nothing_in_the_users_folder_is_imported(self):
        self.write("steady.toml", STEADY)
        self.expect(DONE, "run", "steady.toml")
        for module in ("lindrift", "numpy", "h5py", "random", "numbers", "matplotlib", "sitecustomize"):
            self.write(f"{module}.py", "import sys\nsys.exit(0)\n")
        self.write("matplotlibrc", b"text.usetex: True\nbackend: nonsense\n\xff\n")
        for environment in ({}, {"PYTHONPATH": "."}, {"PYTHONPATH": ""}, {"MPLBACKEND": "nonsense"},
                            {"MATPLOTLIBRC": "matplotlibrc"}):
            with self.subTest(environment):
                process = self.expect(DONE, "plot", "steady.h5", env={**ENVIRONMENT, **environment})
                self.assertEqual((process.stdout, process.stderr), ("steady.png\n", ""))
                (self.folder / "steady.png").unlink()
        self.expect(DONE, "figures", "fig3b", "-o", "pictures")
        self.assertIn("fig3b.png", [path.name for path in (self.folder / "pictures").iterdir()])

    def test_what_is_drawn_can_be_chosen(self):
        self.write("steady.toml", STEADY)
        self.expect(DONE, "run", "steady.toml", "--set", FRACTION + "=[0.5, 0.1, 1.0]")
        pictures = []
        for options in ([], ["--dataset", "occupation"], ["--slice", "bath.nonequilibrium_fraction=0.4"], ["--log"],
                        ["--range", "-0.5:0.5"]):
            self.expect(DONE, "plot", "steady.h5", *options)
            pictures.append((self.folder / "steady.png").read_bytes())
        self.assertEqual(len(set(pictures)), len(pictures))
        self.expect(WRONG, "plot", "steady.h5", "--dataset", "current_spin", says="there is no dataset current_spin")

    def test_a_python_without_packages_or_none_at_all(self):
        self.write("steady.toml", STEADY)
        self.expect(DONE, "run", "steady.toml")
        bare = self.write("bare", f"#!/bin/sh\nexec {sys.executable} -S \"$@\"\n")  # without site: no packages
        bare.chmod(0o700)
        for python, message in (("./bare", "cannot draw: No module named"), ("./no", "cannot start ./no: No such file")):
            self.expect(FAILED, "plot", "steady.h5", env={**ENVIRONMENT, "LINDRIFT_PYTHON": python},
                        says=[message, "LINDRIFT_PYTHON names a python3 with h5py, numpy and matplotlib"])

    def test_figures_stop_in_order(self):
        """The signal reaches the run started by Python."""
        process = subprocess.Popen([PROGRAM, "figures", "hubbard_drift_map", "hubbard_validity", "-o", "."], cwd=self.folder,
                                   env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(process.stdout.readline(), "hubbard_drift_map:\n")
        while not list(self.folder.glob("*.journal/*")) and process.poll() is None:
            time.sleep(0.01)
        process.terminate()
        said = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, STOPPED, said)
        self.assertNotIn("hubbard_validity", said)
        self.assertEqual(list(self.folder.glob("*.png")), [])


class MessagesTest(Runs):
    """Results on stdout, everything else on stderr; no control characters unless the output is a terminal."""

    def setUp(self):
        super().setUp()
        self.write("relax.toml", RELAX)
        self.write("steady.toml", STEADY)

    def assert_plain(self, text):
        self.assertNotRegex(text, r"[\x00-\x08\x0b-\x1f\x7f]")

    def assert_only_infos(self, text):
        for line in text.splitlines():
            self.assertTrue(line.startswith("info: "), text)

    def test_progress_off_the_terminal(self):
        sweep = ["--set", FRACTION + "={start=0.0, stop=1.0, count=9}", "--overwrite"]
        for mode in ("auto", "always", "never"):
            process = self.expect(DONE, "run", "steady.toml", "--progress", mode, *sweep)
            self.assert_plain(process.stdout + process.stderr)
            self.assertEqual("9/9 points" in process.stderr, mode == "always", process.said)
            self.assertNotIn("points  ETA", process.stdout)
            self.assertIn("9 of 9 points done", process.stdout)
        self.assert_only_infos(process.stderr)

    def test_check_says_that_a_bath_is_too_cold_for_adams(self):
        cold = ("relax.toml", "--set", "bath.inverse_temperature=1000.0")
        process = self.expect(DONE, "check", *cold)
        self.assertNotIn("the rates exceed", process.stdout)
        process = self.expect(DONE, "check", *cold, "--set", 'solver.integrator="adams"')
        self.assertIn("the rates exceed the range of double precision", process.stdout)
        self.assertNotIn("nan", process.stdout)
        self.assertNotIn("about -", process.stdout)

    def test_check_sees_how_far_operators_reach(self):
        # |1 + i e^{64 ik}|^2 distinguishes left from right, but on a ring of 64 sites e^{64 ik} would be 1.
        for offset, reciprocal in ((64, False), (0, True)):
            self.write("far.toml", f"""[model]
kind = "tgge_chain"
sites = 1000
[bath]
nonequilibrium_fraction = 0.5
jump = "operators"
[[bath.jump_operator]]
terms = [[0, 0, 1.0, 0.0], [0, {offset}, 0.0, 1.0]]
[task]
kind = "steady_state"
""")
            process = self.expect(DONE, "check", "far.toml")
            self.assertEqual("cannot rectify" in process.stdout, reciprocal, process.said)

    def test_a_run_without_a_current_says_so(self):
        self.write("a.toml", STEADY)
        says = "bath.nonequilibrium_fraction = 0: the steady state is the Gibbs state"
        self.assertIn(says, self.expect(DONE, "check", "a.toml", "--set", "bath.nonequilibrium_fraction=0").stdout)
        self.expect(DONE, "run", "a.toml", "--set", "bath.nonequilibrium_fraction=0", says=says)
        self.expect(DONE, "run", "a.toml", "--overwrite", "--set", 'sweep."bath.equilibrium_fraction"=[0.5, 1]',
                    "--set", "bath.nonequilibrium_fraction=0", says=says)
        self.assertNotIn(says, self.expect(DONE, "check", "a.toml").stdout)
        swept = self.expect(DONE, "check", "a.toml", "--set", 'sweep."bath.nonequilibrium_fraction"=[0, 1]').stdout
        self.assertNotIn(says, swept)
        for example in ("hk_fig1b", "hubbard_fig4a"):
            said = self.expect(DONE, "check", EXAMPLES / f"{example}.toml", "--set", "model.interaction=0").stdout
            self.assertIn("model.interaction = 0: the spins do not meet", said)
        for task in ("gradient", "noise"):
            self.write(f"{task}.toml", STEADY.replace('"steady_state"', f'"{task}"') + 'of = "current"\n')
            self.assertIn(says, self.expect(DONE, "check", f"{task}.toml", "--set", "bath.nonequilibrium_fraction=0").stdout)
        said = self.expect(DONE, "check", EXAMPLES / "hk_ssh.toml", "--set", "sweep={}",
                           "--set", "model.interaction_matrix=[[0, 0], [0, 0]]").stdout
        self.assertIn("model.interaction_matrix = 0: the spins do not meet", said)

    def test_a_cold_relaxation_says_at_which_times_multipliers_are_uncertain(self):
        self.write("a.toml", RELAX.replace("[task]", "[bath]\nnonequilibrium_fraction = 0.5\n[task]"))
        # beta |E| / 2 = beta: e^{-60} / 0.05 = 1.8e-25
        for beta, times, says in ((60, [0.0, 1e-40, 1e-25, 1.0], "up to 1e-25: there lagrange_multiplier may be wrong"),
                                  (60, [0.0, 1e-20, 1.0], None), (20, [0.0, 1e-40, 1.0], None)):
            said = self.expect(DONE, "check", "a.toml", "--set", f"bath.inverse_temperature={beta}", "--set", f"task.times={times}").stdout
            self.assertIn(says or "", said)
            self.assertEqual("lagrange_multiplier may be wrong" in said, says is not None, said)

    def test_a_full_stdout_is_an_error_and_loses_no_file(self):
        self.write("a.toml", STEADY)
        for arguments in (["run", "a.toml"], ["models"], ["check", "a.toml"], ["info"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=ENVIRONMENT, stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, FAILED, done.stderr)
            self.assertIn("No space left on device", done.stderr)
        self.assertEqual(attributes(self.folder / "a.h5")["complete"], 1)

    def test_overflow_is_refused(self):
        self.write("a.toml", STEADY)
        for key in ("delta", "delta_prime"):
            self.expect(WRONG, "check", "a.toml", "--set", f"bath.{key}=[1e160, 1e160]", says=f"bath.{key}: its hop weights may")
        self.expect(WRONG, "run", "a.toml", "--set", "bath.jump=operators", "--set",
                    "bath.jump_operator=[{terms=[[0, 1, 1e160, 0.0]]}]", says="bath.jump_operator: its hop weights may")
        self.expect(WRONG, "check", "a.toml", "--set", "bath.jump=operators", "--set",
                    "bath.jump_operator=[{terms=[[0, 1, 1e-170, 0.0]]}]", says="bath.jump_operator: its hop weights are at most 0")
        too_large = "products of energies above 1e+150 overflow"
        self.expect(WRONG, "check", "a.toml", "--set", "model.hopping=1e308", says=f"model.hopping: 1e+308 is not allowed: {too_large}")
        for example in ("hk_fig1b", "hubbard_fig4a"):
            for key in ("bath.down.two_site_loss", "model.interaction"):
                self.expect(WRONG, "check", EXAMPLES / f"{example}.toml", "--set", f"{key}=1e308", says=too_large)
        self.expect(WRONG, "check", EXAMPLES / "hk_square.toml", "--set",
                    "bath.down.operator=[{kind=\"loss\", terms=[[0, 0, 1e100, 0.0]]}]", says="bath.down.operator[0].terms: 1e+200 is not allowed")

    def test_density_knows_where_a_particle_starts_beside_gain(self):
        self.write("a.toml", '[model]\nkind = "hatsugai_kohmoto"\nsites = 25\n[bath.up]\nloss = 0.1\ngain = 0.05\n[initial]\n'
                             'up_sites = [5]\n[task]\nkind = "density"\ntimes = [0.0, 1.0]\n')
        self.assertIn("drift_coherent is that of what has moved", self.expect(DONE, "check", "a.toml").stdout)
        self.expect(DONE, "run", "a.toml")
        cloud = datasets(self.folder / "a.h5")
        self.assertAlmostEqual(cloud["drift_coherent"][0], 5.0, delta=1e-13)
        # A packet that starts on one site spreads symmetrically until it reaches the end of the site labels.
        self.assertAlmostEqual(cloud["drift_coherent"][1], 5.0, delta=1e-6)

    def test_initial_states_by_name(self):
        self.write("a.toml", RELAX)
        def occupations(*sets):
            words = [word for text in sets for word in ("--set", text)]
            self.expect(DONE, "run", "a.toml", "--overwrite", *words)
            return datasets(self.folder / "a.h5")["occupation"][0]
        energy = -2 * np.cos(2 * np.pi * np.arange(-5, 5) / 10)
        thermal = ("initial.state=thermal", "initial.inverse_temperature=1.7")
        half = 1 / (1 + np.exp(1.7 * energy))  # mu = 0 at half filling of this band
        np.testing.assert_allclose(occupations(*thermal), half, rtol=1e-13)
        np.testing.assert_allclose(occupations(*thermal, "initial.momentum_shift=2"), np.roll(half, 2), rtol=1e-13)
        third = occupations(*thermal, "initial.filling=0.3")
        self.assertAlmostEqual(third.sum(), 3.0, delta=1e-13)
        ratio = np.log((1 - third) / third) - 1.7 * energy
        np.testing.assert_allclose(ratio, ratio[0], atol=1e-13)
        sea = occupations("initial.state=thermal", "initial.inverse_temperature=1000", "initial.momentum_shift=-1", "initial.filling=0.3")
        np.testing.assert_allclose(sea, np.roll([0, 0, 0, 0, 1, 1, 1, 0, 0, 0], -1), atol=1e-15)
        one = occupations("initial.state=single_momentum", "initial.momentum=-3")
        np.testing.assert_allclose(one, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], atol=1e-15)
        self.expect(WRONG, "check", "a.toml", "--set", "initial.momentum=1", says="has no meaning for initial.state")
        self.expect(WRONG, "check", "a.toml", "--set", "initial.state=single_momentum", "--set", "initial.momentum=[1, 2]",
                    says="initial.momentum: the number of integers is 2; there must be one for each direction, 1")
        self.expect(WRONG, "check", "a.toml", "--set", "initial.state=single_momentum", "--set", "initial.momentum=1", "--set",
                    "initial.filling=0.5", says="initial.filling = 0.5: has no meaning for initial.state")

    def test_initial_states_of_lattices(self):
        lattice = ('[model]\nkind = "tgge_lattice"\npreset = "square"\ncells = [4, 6]\n[bath]\njump = "operators"\n'
                   '[[bath.jump_operator]]\nterms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0]]\n[task]\nkind = "relax"\ntimes = [0.0]\n[initial]\n')
        thermal = lattice + 'state = "thermal"\ninverse_temperature = 50.0\nfilling = 0.3\n'

        def occupations(text):
            self.write("a.toml", text)
            self.expect(DONE, "run", "a.toml", "--overwrite")
            return datasets(self.folder / "a.h5")["occupation"].reshape(4, 6)

        sea = occupations(thermal)
        self.assertGreater(np.ptp(sea), 0.99)
        for shift in ([1, -2], [-5, 8], [0, 0]):
            moved = occupations(thermal + f"momentum_shift = {shift}\n")
            np.testing.assert_array_equal(moved, np.roll(sea, shift, axis=(0, 1)))
        filled = occupations(lattice + 'state = "single_momentum"\nmomentum = [1, -7]\n')
        expected = np.zeros((4, 6))
        expected[2 + 1, 3 - 7 + 6] = 1
        np.testing.assert_allclose(filled, expected, atol=1e-15)
        self.write("a.toml", thermal)
        for given, count in (("1", 1), ("[1, 2, 3]", 3)):
            self.expect(WRONG, "check", "a.toml", "--set", f"initial.momentum_shift={given}",
                        says=f"initial.momentum_shift: the number of integers is {count}; there must be one for each direction, 2")
        self.expect(WRONG, "check", "a.toml", "--set", "initial.momentum_shift='x'", says="must be an integer or a list of integers")
        self.expect(WRONG, "check", "a.toml", "--set", "initial.momentum_shift=[0.5, 1]", says="initial.momentum_shift[0]")
        # Which of two degenerate states is filled would depend on the choice of basis.
        self.write("b.toml", (EXAMPLES / "rashba_degenerate.toml").read_text().replace('"steady_state"', '"relax"\ntimes = [0.0]')
                   .replace("filling = 0.5", 'state = "single_momentum"'))
        self.expect(WRONG, "check", "b.toml", says="initial.state: bands 0 and 1 are degenerate at momentum number 10")

    def test_summary(self):
        process = self.expect(DONE, "run", "steady.toml")
        self.assert_only_infos(process.stderr)
        current = datasets(self.folder / "steady.h5")["current"].item()
        self.assertIn(f"current            {current:.12g}\n", process.stdout)
        for word in ("particle_number    6\n", "residual", "steps", "1 of 1 point done in", "written to steady.h5"):
            self.assertIn(word, process.stdout)

    def test_summary_of_a_sweep(self):
        process = self.expect(DONE, "run", "steady.toml", "--set", FRACTION + "={start=0.0, stop=1.0, count=100}")
        lines = process.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["nonequilibrium_fraction", "current", "particle_number", "residual", "steps"])
        self.assertEqual(len({len(line) for line in lines[:12]}), 1, process.stdout)
        self.assertEqual(lines[1].split()[0], "0")
        self.assertEqual(lines[11].split()[0], "1")
        self.assertEqual(lines[12], "(11 of 100 points shown)")

    def test_verify_passes_what_is_right_and_finds_a_flipped_digit(self):
        inputs = {"steady": STEADY, "relax": RELAX,
                  "swept": STEADY + f'[sweep]\n"bath.nonequilibrium_fraction" = [0.2, 0.4]\n',
                  "gradient": STEADY.replace("steady_state", "gradient") + 'of = "current"\nwith_respect_to = ["bath.delta"]\n',
                  "noise": STEADY.replace("steady_state", "noise") + 'of = "current"\n',
                  "ohmic": STEADY.replace("[task]", 'spectrum = "ohmic"\n[task]'),
                  "rashba": STEADY.replace("tgge_chain", "tgge_rashba").replace("sites = 12", "sites = 9\nrashba_y = 1.1\nzeeman_field = 0.5")}
        for kind, task in (("hatsugai_kohmoto", "green"), ("hatsugai_kohmoto", "density"), ("hatsugai_kohmoto", "spectral"),
                           ("hubbard", "green"), ("hubbard", "spectral")):
            grid = "frequencies = [-1.0, 0.3, 2.0]" if task == "spectral" else "times = [0.0, 1.5]"
            inputs[f"{kind}_{task}"] = (f'[model]\nkind = "{kind}"\nsites = 10\ninteraction = 0.7\n[bath.down]\ngain = 0.3\n'
                                        f'two_site_loss = 0.5\n[task]\nkind = "{task}"\n{grid}\n')
        random = np.random.default_rng(7)
        for name, text in inputs.items():
            self.write(f"{name}.toml", text)
            self.expect(DONE, "run", f"{name}.toml")
            said = self.expect(DONE, "verify", f"{name}.h5").stdout
            self.assertIn("nothing is beyond what the file promises", said)
            with h5py.File(self.folder / f"{name}.h5") as file:
                fields = [key for key, values in file.items() if isinstance(values, h5py.Dataset) and values.dtype.kind in "fc" and "CLASS" not in values.attrs and
                          not key.endswith("_error") and key != "residual" and np.any(np.nan_to_num(values[()]) != 0)]
            for field in fields:
                broken = self.folder / "broken.h5"
                shutil.copy(self.folder / f"{name}.h5", broken)
                with h5py.File(broken, "a") as file:
                    values = file[field][()].reshape(-1)
                    place = np.argmax(np.abs(np.nan_to_num(values)) * random.uniform(0.5, 1.0, values.shape))
                    values[place] *= 1 + 1e-5  # changes the sixth digit
                    file[field][...] = values.reshape(file[field].shape)
                if max(abs(values[place]), 0) < 1e-10:
                    continue  # only rounding errors there
                self.assertIn("WRONG", self.expect(POINTS_FAILED, "verify", "broken.h5").stdout, field)
        self.expect(WRONG, "verify", "nothing.h5", says="no such file")

    def test_log_levels(self):
        arguments = ["run", "relax.toml", "--set", "solver.max_steps=2", "--overwrite"]
        self.assertIn("info: algorithm", self.expect(POINTS_FAILED, *arguments).stderr)
        quiet = self.expect(POINTS_FAILED, *arguments, "--log", "warn", says="max_steps")
        self.assertNotIn("info: ", quiet.stderr)
        self.assertEqual(self.expect(POINTS_FAILED, *arguments, "--log", "off").stderr, "")

    def test_more_threads_than_cores_is_mentioned(self):
        self.expect(DONE, "run", "steady.toml", "--threads", "200", says="200 threads on")


if __name__ == "__main__":
    unittest.main()
