"""The Hatsugai-Kohmoto chain through the program: wrong inputs with their location, and runs with known numbers."""

import json
import resource
import unittest

import h5py
import numpy as np

from program import DONE, ROOT, WRONG, ProgramTest, RefusalTest, attributes, datasets

GREEN = """[model]
kind = "hatsugai_kohmoto"
sites = 8
interaction = 4.0
[bath.down]
gain = 1.5
two_site_loss = 0.5
[task]
kind = "green"
times = [0.0, 0.5, 2.0]
"""
DENSITY = GREEN.replace('"green"', '"density"')
SPECTRAL = GREEN.replace('"green"', '"spectral"').replace("times", "frequencies")
POLES = GREEN.replace('"green"', '"poles"').replace("times = [0.0, 0.5, 2.0]\n", "")
ORBITALS = """[model]
kind = "hatsugai_kohmoto"
cells = [16]
orbitals = 2
interaction = 1.0
hopping_terms = [[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0]]
[bath.up]
gain = 0.05
loss = 0.05
[bath.down]
gain = 0.5
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 1.0, 0.0], [0, 1, 0.0, 1.0]]
[task]
kind = "steady_state"
"""


class InputTest(RefusalTest):
    def test_rate_tables(self):
        bath = "[bath.down]\n"
        self.refuse(GREEN.replace(bath, bath + "loss_table = [1.0, 2.0]\n"),
                    ":6:14: error: bath.down.loss_table: 2 rates were given; it must have one per momentum, 8")
        self.refuse(GREEN.replace(bath, bath + "gain_table = [0.0, 0.0, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0]\n"),
                    ":6:30: error: bath.down.gain_table[3] = -0.5: must be >= 0")
        self.refuse(GREEN.replace("gain = 1.5", "gain = -1.5"), ":6:8: error: bath.down.gain = -1.5: must be >= 0")
        self.refuse(GREEN.replace("gain = 1.5", "two_site_gain_phase = inf"), "bath.down.two_site_gain_phase", "finite")

    def test_sites_of_particles(self):
        initial = DENSITY + "[initial]\n"
        self.refuse(initial + "up_sites = [0, 4]\n", ":12:16: error: initial.up_sites[1]: 4 is not allowed: sites are "
                    "labelled -4 .. 3")
        self.refuse(initial + "up_sites = [0, 1, 0]\n", ":12:19: error: initial.up_sites[2] = 0: must not appear twice")
        self.refuse(initial + "up_sites = []\n", "initial.up_sites")
        self.refuse(initial + "down_sites = [-5]\n", ":12:15: error: initial.down_sites[0]: -5 is not allowed")
        self.refuse(initial + "down_sites = [1]\ndown_occupation = 0.5\n", "initial.down_occupation")

    def test_occupations(self):
        initial = GREEN + "[initial]\n"
        self.refuse(initial + "down_occupation = 1.5\n", ":12:19: error: initial.down_occupation = 1.5: must be >= 0 and <= 1")
        self.refuse(initial + "down_occupation = [0.1, 0.2]\n",
                    ":12:19: error: initial.down_occupation: 2 entries were given; it must have one per momentum, 8")
        self.refuse(initial + "down_occupation = \"thermal\"\n", "initial.down_occupation = \"thermal\"", "steady")
        self.refuse(initial + "up_sites = [0]\n", "initial.up_sites")

    def test_grids(self):
        self.refuse(GREEN.replace("[0.0, 0.5, 2.0]", "[0.0, 2.0, 0.5]"), ":10:20: error: task.times[2] = 0.5", "ascending")
        self.refuse(GREEN.replace("[0.0, 0.5, 2.0]", "[-1.0]"), ":10:10: error: task.times[0] = -1.0: must be >= 0")
        self.refuse(SPECTRAL.replace("[0.0, 0.5, 2.0]", "[1.0, 1.0]"), "task.frequencies[1] = 1", "ascending")
        self.refuse(SPECTRAL + "momenta = [-4, 4]\n", ":11:16: error: task.momenta[1]: 4 is not allowed: m must be in -4 .. 3")
        self.refuse(SPECTRAL + "momenta = [1, 1]\n", "task.momenta[1] = 1: must not appear twice")
        self.refuse(SPECTRAL + "broadening = -0.1\n", "task.broadening = -0.1: must be >= 0")

    def test_keys_without_a_meaning(self):
        self.refuse(GREEN.replace("interaction", "hartree = \"none\"\ninteraction"), "model.hartree")
        self.refuse(GREEN + "[solver]\ntolerance = 1e-10\n", "solver.tolerance")
        self.refuse(GREEN + "[solver]\nalgorithm = \"direct\"\n", "solver.algorithm", "auto")
        self.refuse(GREEN.replace("[task]", "[bath]\ncoupling = 0.1\n[task]"), "bath.coupling")
        self.refuse(GREEN.replace("sites = 8", "sites = 8\nhopping = 0.0"), "model.hopping", "not 0")
        self.refuse(GREEN + "[output]\nfields = [\"density\"]\n", "output.fields")

    def test_sizes_whose_memory_cannot_be_had(self):
        self.refuse(GREEN.replace("sites = 8", "sites = 4000000000"), "model.sites", "memory")
        self.refuse(GREEN.replace("[0.0, 0.5, 2.0]", "{ start = 0.0, stop = 1.0, count = 1000000 }")
                    .replace("sites = 8", "sites = 1000000"), "task.times", "output.fields")

    def test_correlations(self):
        initial = DENSITY + "[initial]\ncorrelation = \"c.h5:/c\"\n"
        self.refuse(initial, ":12:15: error: initial.correlation", "no such file")
        for values, says in ((np.zeros((8, 7)), "8 x 7"), (np.zeros((9, 8)), "9 x 8"),
                             (np.triu(np.ones((8, 8))) * 0.1, "not Hermitian"), (2.0 * np.eye(8), "must be in [0, 1]"),
                             (0.9 - 0.4 * np.eye(8), "the occupation of site"),
                             (np.full((8, 8), np.nan), "initial.correlation"), (np.zeros((2, 8), "S3"), "complex")):
            with self.subTest(says=says):
                path = self.folder / "c.h5"
                with h5py.File(path, "w") as file:
                    file["c"] = values
                self.write("bad.toml", initial)
                self.expect(WRONG, "run", "bad.toml", says=[":12:15: error: initial.correlation", says])
        self.expect(WRONG, "run", self.write("both.toml", initial + "up_sites = [0]\n"), says="initial.up_sites")


    def test_poles(self):
        self.refuse(POLES + "base_energies = [[1.0]]\n", ":10:18: error: task.base_energies[0]", "[Re, Im]")
        self.refuse(POLES + "base_energies = 1.0\n", "task.base_energies")
        self.refuse(POLES + "base_energies = [[1.0, nan]]\n", "task.base_energies", "finite")
        self.refuse(POLES + "max_exceptional_points = 0\n", "task.max_exceptional_points = 0: must be >= 1")
        self.refuse(POLES + "times = [1.0]\n", "task.times")
        self.refuse(POLES.replace("interaction", "cluster = 2\ninteraction"), "model.cluster", "must be 1")
        self.refuse(POLES.replace("sites = 8", "sites = 4000000000"), "model.sites", "memory")
        self.refuse(POLES + "[initial]\ndown_occupation = [0.1, 0.2]\n", "initial.down_occupation", "one per momentum, 8")

    def test_orbitals(self):
        hops = "[[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0]]"
        self.refuse(ORBITALS.replace("cells = [16]", "sites = 16"), "model.cells", "model.orbitals > 1")
        self.refuse(ORBITALS.replace(hops, "[[1, -1.0, 0.0]]"), "model.hopping_terms[0]", "[R.., a, b, Re, Im]")
        self.refuse(ORBITALS.replace(hops, "[[0, 0, 2, 1.0, 0.0]]"), "model.hopping_terms[0]", "orbital")
        self.refuse(ORBITALS.replace("[0, 1, 0.0, 1.0]", "[0, 0.0, 1.0]"), "bath.down.operator[0].terms[1]",
                    "[R.., a, Re, Im]")
        self.refuse(ORBITALS.replace("[0, 1, 0.0, 1.0]", "[0, 2, 0.0, 1.0]"), "bath.down.operator[0].terms[1]",
                    "orbital 2 is not allowed: must be in 0 .. 1")
        self.refuse(ORBITALS.replace("interaction = 1.0", "interaction_matrix = [[1.0]]"), "model.interaction_matrix")
        self.refuse(ORBITALS.replace("interaction = 1.0", "interaction = 1.0\ninteraction_matrix = [[1.0, 0.0], [0.0, 1.0]]"),
                    "model.interaction_matrix", "model.interaction")
        self.refuse(ORBITALS.replace("[bath.down]", "[bath.down]\ntwo_site_loss = 1.0"), "bath.down.two_site_loss", "operator")
        self.refuse(ORBITALS.replace("steady_state", "poles"), "model.orbitals", "must be 1")
        self.refuse(ORBITALS.replace("orbitals = 2", "orbitals = 9"), "model.orbitals = 9: must be >= 1 and <= 8")
        # As much as this needs is on no machine: the bytes are said, and nothing is allocated.
        self.refuse(ORBITALS.replace("orbitals = 2", "orbitals = 8"), "model.orbitals", "165636900 operators", "TB of memory")
        self.refuse(GREEN.replace('"green"', '"steady_state"').replace("times = [0.0, 0.5, 2.0]\n", ""), "task.kind",
                    "needs model.orbitals > 1")
        self.refuse(GREEN.replace("interaction = 4.0", "interaction_matrix = [[4.0]]"), "model.interaction_matrix", "one orbital")

    def test_a_density_has_nothing_for_a_device(self):
        self.write("in.toml", DENSITY)
        for verb in ("run", "check"):
            self.expect(WRONG, verb, "in.toml", "--backend", "cuda",
                        says="--backend cuda: the task density of hatsugai_kohmoto runs on the CPU only; use cpu or auto")
        self.assertEqual(self.names(), ["in.toml"])
        self.assertIn("backend      cpu: the density is made on the CPU", self.expect(DONE, "check", "in.toml").stdout)


class RunTest(ProgramTest):
    def run_input(self, text, *arguments):
        self.write("in.toml", text)
        self.expect(DONE, "run", "in.toml", "-o", "out.h5", "--overwrite", *arguments)
        return datasets(self.folder / "out.h5")

    def test_figures_of_the_paper(self):
        stored = json.loads((ROOT / "tests/data/hatsugai_kohmoto_figures.json").read_text())
        run = next(one for one in stored["propagation"] if one["sites"] == 128 and one["interaction"] == 4.0)
        numbers = self.run_input(GREEN.replace("sites = 8", "sites = 128").replace("[0.0, 0.5, 2.0]", str(run["times"])))
        for name in ("drift", "drift_symmetric", "norm"):
            np.testing.assert_allclose(numbers[name], run[name], rtol=0, atol=1e-11)
        self.assertEqual(numbers["green_retarded"].shape, (len(run["times"]), 128))
        self.assertEqual(numbers["green_retarded"].dtype, np.complex128)
        np.testing.assert_array_equal(numbers["site"], np.arange(-64, 64))
        np.testing.assert_allclose(numbers["momentum"], 2 * np.pi * np.arange(-64, 64) / 128, atol=1e-15)
        cloud = next(one for one in stored["clouds"] if one["interaction"] == 4.0)
        numbers = self.run_input(DENSITY.replace("sites = 8", "sites = 128").replace("[0.0, 0.5, 2.0]", str(cloud["times"])))
        np.testing.assert_allclose(numbers["drift"], cloud["drift"], rtol=0, atol=1e-11)
        columns = np.array(cloud["labels"], int) + 64
        np.testing.assert_allclose(numbers["density"][:, columns], cloud["density"], rtol=0, atol=1e-13)

    def test_spectra(self):
        stored = json.loads((ROOT / "tests/data/hatsugai_kohmoto_spectra.json").read_text())["panels"][1]
        momenta, frequencies = [int(m) for m in stored["momenta"]], stored["frequencies"]
        text = SPECTRAL.replace("sites = 8", "sites = 128").replace("gain = 1.5", "gain = 0.5")
        text = text.replace("[0.0, 0.5, 2.0]", str(frequencies)) + f"momenta = {momenta[::-1]}\n"
        text = text.replace("[bath.down]", "[bath.up]\nloss = 0.4\n[bath.down]")
        self.write("in.toml", text)
        self.expect(WRONG, "run", "in.toml", says="ascending")
        numbers = self.run_input(text.replace(str(momenta[::-1]), str(momenta)))
        np.testing.assert_allclose(numbers["spectral_function"], stored["spectral_function"], rtol=0, atol=1e-12)
        green = numbers["green_retarded_frequency"]
        np.testing.assert_allclose(-2 * green.imag, numbers["spectral_function"], rtol=0, atol=1e-14)
        energy = -2 * np.cos(numbers["momentum"])[:, None]
        np.testing.assert_allclose(numbers["self_energy"], np.array(frequencies) - energy - 1 / green, atol=1e-12)

    def test_a_delta_peak_is_infinite_and_said(self):
        self.write("in.toml", SPECTRAL.replace("[0.0, 0.5, 2.0]", "[3.0, 4.0]") + "momenta = [2]\n")
        process = self.expect(DONE, "run", "in.toml", "-o", "out.h5", says="delta peaks")
        self.assertIn("inf", process.stdout)
        np.testing.assert_array_equal(datasets(self.folder / "out.h5")["spectral_function"], [[0.0, np.inf]])
        self.assertIn("delta peaks", self.expect(DONE, "check", "in.toml").stdout)

    def test_correlations_of_every_form(self):
        rng = np.random.default_rng(1)
        site = self.run_input(DENSITY + "[initial]\nup_sites = [-2]\n")["density"]
        momenta = 2 * np.pi * np.arange(-4, 4) / 8
        vector = np.exp(1j * momenta * 2.0) / np.sqrt(8)  # phi_k = L^(-1/2) e^{-ik j0}, j0 = -2
        vectors = np.array([0.7 * vector, 0.4 * (rng.normal(size=8) + 1j * rng.normal(size=8)) / np.sqrt(8)])
        with h5py.File(self.folder / "c.h5", "w") as file:
            file["one"] = vector[np.newaxis]
            file["matrix"] = np.outer(vector.conj(), vector)
            file["two"] = vectors
            file["both"] = vectors.conj().T @ vectors
            file["real"] = np.eye(8)[:3]
        run = lambda name: self.run_input(DENSITY + f"[initial]\ncorrelation = \"c.h5:/{name}\"\n")["density"]
        np.testing.assert_allclose(run("one"), site, atol=1e-14)
        np.testing.assert_allclose(run("matrix"), site, atol=1e-14)
        np.testing.assert_allclose(run("two"), run("both"), atol=1e-14)
        np.testing.assert_allclose(run("real").sum(axis=1), 3.0, atol=1e-13)

    def test_fields_that_are_not_wanted_take_no_memory(self):
        # Rows over sites for these times would take 2 GB.
        text = GREEN.replace("sites = 8", "sites = 4096").replace(
            "[0.0, 0.5, 2.0]", "{ start = 0.0, stop = 100.0, count = 30000 }") + '[output]\nfields = ["drift", "norm"]\n'
        self.write("in.toml", text)

        def limited():
            resource.setrlimit(resource.RLIMIT_DATA, (600_000_000, 600_000_000))

        self.expect(DONE, "run", "in.toml", "-o", "out.h5", "--threads", "2", preexec_fn=limited)
        self.assertEqual(set(datasets(self.folder / "out.h5")), {"drift", "norm", "time", "site", "momentum"})

    def test_plans_warn_of_walls(self):
        self.write("in.toml", GREEN.replace("2.0]", "2.5]"))
        self.assertIn("the fronts at 2 J t meet", self.expect(DONE, "check", "in.toml").stdout)
        self.write("in.toml", GREEN)
        self.assertNotIn("warning", self.expect(DONE, "check", "in.toml").stdout)
        self.write("in.toml", GREEN.replace("[bath.down]", "[bath.up]\nloss = 500.0\n[bath.down]"))
        self.assertIn("1e-308", self.expect(DONE, "check", "in.toml").stdout)

    def test_poles(self):
        stored = json.loads((ROOT / "tests/data/hatsugai_kohmoto_poles.json").read_text())
        for one in stored["chains"]:
            numbers = self.run_input(POLES.replace("4.0", str(one["interaction"])) + f"base_energies = {one['base_energies']}\n")
            np.testing.assert_array_equal(numbers["winding"], one["windings"])
            np.testing.assert_allclose(np.sort(numbers["loop_area"]), np.sort(one["areas"]), rtol=0, atol=1e-12)
            self.assertEqual(numbers["pole"].shape, (2, 8))
            np.testing.assert_allclose(numbers["residue"].sum(axis=0), 1.0, atol=1e-14)
        self.expect(DONE, "verify", "out.h5")
        self.expect(DONE, "run", ROOT / "examples/hk_exceptional_points.toml", "-o", "square.h5")
        square = datasets(self.folder / "square.h5")
        self.assertEqual(square["exceptional_points"], 4)
        for point, cell in zip(stored["points"], stored["cells"]):
            here = np.abs(np.exp(1j * square["exceptional_point"][:4]) - np.exp(1j * np.array(point))).max(axis=1) < 1e-12
            self.assertEqual(list(square["exceptional_point_charge"][:4][here]), [cell[2]])
        self.assertTrue(np.isnan(square["exceptional_point"][4:]).all())
        self.expect(DONE, "verify", "square.h5")

    def test_orbitals(self):
        stored = json.loads((ROOT / "tests/data/orbital_clusters.json").read_text())
        for ring in stored["rings"][:7]:
            numbers = self.run_input(ORBITALS.replace("interaction = 1.0", f"interaction = {ring['interaction']}"))
            np.testing.assert_allclose(numbers["current_spin"], ring["currents"], rtol=0, atol=1e-12)
            np.testing.assert_allclose(numbers["density_spin"], ring["densities"], rtol=0, atol=1e-12)
        self.assertEqual(numbers["density_matrix"].shape, (2, 16, 2, 2))
        self.expect(DONE, "verify", "out.h5")
        # A matrix of the interaction in the place of its diagonal.
        plain = self.run_input(ORBITALS)
        matrix = self.run_input(ORBITALS.replace("interaction = 1.0", "interaction_matrix = [[1.0, 0.0], [0.0, 1.0]]"))
        np.testing.assert_array_equal(plain["density_matrix"], matrix["density_matrix"])
        spectrum = self.run_input(ORBITALS.replace("steady_state", "spectral") + "frequencies = [-0.5, 0.5]\nmomenta = [[1], [-3]]\n")
        self.assertEqual(spectrum["green_retarded_frequency"].shape, (2, 2, 2, 2))
        self.expect(DONE, "verify", "out.h5")
        propagator = self.run_input(ORBITALS.replace("steady_state", "green") + "times = [0.0, 1.0]\n")
        self.assertEqual(propagator["green_retarded"].shape, (2, 16, 2, 2))
        np.testing.assert_allclose(propagator["norm"][0], 1.0, atol=1e-14)
        self.expect(DONE, "verify", "out.h5")
        # Rank by rank the same bits.
        self.write("in.toml", ORBITALS)
        self.expect(DONE, "run", "in.toml", "-o", "one.h5", "--threads", "1")
        self.expect(DONE, "run", "in.toml", "-o", "three.h5", ranks=3)
        self.assert_same_numbers("one.h5", "three.h5")

    def test_a_resolved_input_runs_again(self):
        for text in (GREEN + "[initial]\ndown_occupation = 0.25\n", GREEN, DENSITY + "[initial]\ndown_sites = [1, -3]\n",
                     SPECTRAL + "broadening = 0.1\n", POLES + "base_energies = [[1.0, -0.25]]\n", ORBITALS):
            first = self.run_input(text)
            resolved = attributes(self.folder / "out.h5")["resolved_input"]
            second = self.run_input(resolved)
            self.assertEqual(attributes(self.folder / "out.h5")["resolved_input"], resolved)
            for name, values in first.items():
                np.testing.assert_array_equal(values, second[name])

    def test_a_size_beyond_integers_is_recommended(self):
        """Times so late that no ring is long enough: found by damaged inputs under a sanitizer."""
        self.write("in.toml", GREEN.replace("[0.0, 0.5, 2.0]", "[0.0, 1e20]"))
        self.assertRegex(self.expect(DONE, "check", "in.toml").stdout, r"4e\+20 sites would do")

    def test_a_sweep_over_the_interaction_on_ranks(self):
        text = GREEN + '[sweep]\n"model.interaction" = [-3.0, 0.0, 2.0]\n"bath.down.two_site_loss" = [0.1, 0.5]\n'
        self.write("in.toml", text)
        self.expect(DONE, "run", "in.toml", "-o", "one.h5", "--threads", "1")
        self.expect(DONE, "run", "in.toml", "-o", "two.h5", ranks=2)
        self.assert_same_numbers("one.h5", "two.h5")
        self.assertEqual(datasets(self.folder / "one.h5")["drift"].shape, (3, 2, 3))

    def test_one_point_is_shared_between_ranks(self):
        grid = "{ start = 0.0, stop = 30.0, count = 300 }"
        for text in (GREEN, DENSITY, SPECTRAL + "broadening = 0.2\n"):
            self.write("in.toml", text.replace("[0.0, 0.5, 2.0]", grid).replace("sites = 8", "sites = 33"))
            self.expect(DONE, "run", "in.toml", "-o", "one.h5", "--threads", "1", "--overwrite")
            self.expect(DONE, "run", "in.toml", "-o", "three.h5", "--overwrite", ranks=3)
            self.assert_same_numbers("one.h5", "three.h5")
            self.assertEqual(attributes(self.folder / "three.h5")["ranks"], 3)

    def test_verify_looks_at_every_momentum_of_a_lattice(self):
        """And at no others: a lattice of six cells has no sites = 128."""
        lattice = "cells = [3, 2]\nhopping_terms = [[1, 0, -1.0, 0.0], [0, 1, -0.7, 0.2]]"
        self.write("lattice.toml", GREEN.replace("sites = 8", lattice).replace("two_site_loss = ", "loss = "))
        self.expect(DONE, "run", "lattice.toml", "-o", "lattice.h5")
        said = self.expect(DONE, "verify", "lattice.h5").stdout
        self.assertRegex(said, r"G\(k,0\) = -i .* 6\n")

    def test_every_picture_is_drawn(self):
        for name, text in (("g", GREEN), ("n", DENSITY), ("s", SPECTRAL.replace("[0.0, 0.5, 2.0]", "[0.1, 0.6, 2.2]")),
                           ("sweep", GREEN + '[sweep]\n"model.interaction" = [0.0, 2.0]\n')):
            self.write(f"{name}.toml", text)
            self.expect(DONE, "run", f"{name}.toml")
            self.expect(DONE, "plot", f"{name}.h5")
            self.assertTrue((self.folder / f"{name}.png").read_bytes().startswith(b"\x89PNG"))


if __name__ == "__main__":
    unittest.main()
