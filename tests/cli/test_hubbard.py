"""The driven Hubbard chain through the program: wrong inputs with their reason, and runs with known numbers."""

import json
import subprocess
import unittest

import h5py
import numpy as np

from program import DONE, EXAMPLES, MPIRUN, PROGRAM, RANKS_ENVIRONMENT, ROOT, WRONG, ProgramTest, RefusalTest, attributes, datasets

GREEN = """[model]
kind = "hubbard"
sites = 16
interaction = 2.0
[bath.down]
gain = 0.2
two_site_loss = 2.0
[task]
kind = "green"
times = [0.0, 0.5, 2.0]
"""
SQUARE = """[model]
kind = "hubbard"
cells = [4, 3]
hopping_terms_up = [[1, 0, -1.0, 0.0], [0, 1, -0.8, 0.1]]
hopping_terms_down = [[1, 0, -0.5, 0.0], [0, 1, -1.0, 0.1]]
interaction = 1.5
[bath.up]
gain = 0.1
loss = 0.3
[bath.down]
gain = 0.4
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 0.8, 0.0], [1, 0, 0.3, 0.6]]
[task]
kind = "steady_state"
"""
SPECTRAL = GREEN.replace('"green"', '"spectral"').replace("times = [0.0, 0.5, 2.0]", "frequencies = [-1.0, 0.0, 1.5]")


class InputTest(RefusalTest):
    def test_what_the_theory_does_not_know(self):
        for key in ("gain", "two_site_gain"):
            self.refuse(SPECTRAL.replace("[bath.down]", f"[bath.up]\n{key} = 0.1\n[bath.down]"), f"bath.up.{key}",
                        "outside the theory")
        self.refuse(SPECTRAL.replace("gain = 0.2", "gain = 0.0"), "bath.down", "both vanish at k = 1.57")
        self.refuse(SPECTRAL.replace("sites = 16", "sites = 1"), "model.sites = 1", ">= 2")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "interaction = [" + "0.1, " * 17 + "]"),
                    "model.interaction", "17 values V_r", "16 sites")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "interaction = []"), "model.interaction")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "interaction = \"strong\""), "model.interaction")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "hartree = \"full\""), "model.hartree", "shifted")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "hopping = 0"), "model.hopping")

    def test_what_the_ladder_does_not_know(self):
        def ladder(text):
            return SPECTRAL.replace("interaction = 2.0", f"interaction = 2.0\napproximation = \"ladder\"\n{text}")
        self.refuse(SPECTRAL.replace("interaction = 2.0", "ladder = \"hole\""), "model.ladder = \"hole\"", "no meaning",
                    "\"second_order\"")
        self.refuse(ladder("hartree = \"bare\""), "model.hartree = \"bare\"", "no meaning", "\"ladder\"")
        self.refuse(ladder("ladder = \"hol\""), "model.ladder", "hole")
        self.refuse(ladder("").replace("interaction = 2.0", "interaction = [2.0, 0.5]"), "model.interaction", "V_1 = 0.5",
                    "second_order")
        # Nor does it know what second order does not.
        for text in (SPECTRAL, GREEN):
            text = text.replace("interaction = 2.0", 'interaction = 2.0\napproximation = "ladder"')
            for bath in ("gain = 0.1", "two_site_gain = 0.1", f"gain_table = {[0.0] * 15 + [0.1]}"):
                self.refuse(text.replace("[bath.down]", f"[bath.up]\n{bath}\n[bath.down]"), f"bath.up.{bath.split()[0]}",
                            "outside the theory")
            self.refuse(text + '[[bath.up.operator]]\nkind = "gain"\nterms = [[0, 0.3, 0.0]]\n', "bath.up.operator[0].kind",
                        "outside the theory")
            self.refuse(text.replace("gain = 0.2", "gain = 0.0"), "bath.down", "both vanish at k = 1.57")

    def test_what_exact_does_not_know(self):
        exact = GREEN.replace('"green"', '"exact"').replace("sites = 16", "sites = 4")
        self.refuse(exact.replace("sites = 4", "sites = 9"), "model.sites: 9", "at most 8 sites", "GB with an empty probe",
                    "GB with both spins driven", "this machine has")
        self.refuse(exact.replace("sites = 4", "cells = [3, 3]\nhopping_terms = [[1, 0, -1.0, 0.0]]").replace("two_site_", ""),
                    "model.cells: 9", "at most 8 sites", "GB with an empty probe")
        self.refuse(exact.replace("interaction = 2.0", 'interaction = 2.0\napproximation = "ladder"'), "model.approximation",
                    "approximates nothing")
        self.refuse(exact.replace("interaction = 2.0", 'interaction = 2.0\nhartree = "bare"'), "model.hartree")
        self.refuse(exact.replace("gain = 0.2", "gain = 0.0"), "bath.down", "both vanish at k = 1.57", "(m = 1)")
        self.refuse(exact.replace("[bath.down]", "[bath.up]\ntwo_site_gain = 0.1\n[bath.down]"), "bath.up",
                    "both vanish at k = -1.57", "(m = -1)")
        self.refuse(exact.replace("[0.0, 0.5, 2.0]", "[0.0, -0.5]"), "task.times")
        self.refuse(exact.replace("interaction = 2.0", "interaction = [1.0, 2.0, 3.0, 4.0, 5.0]"), "5 values V_r")

    def test_what_collisions_do_not_know(self):
        steady = GREEN.replace('"green"', '"steady_state"').replace("times = [0.0, 0.5, 2.0]\n", "")
        up = "[bath.up]\ngain = 0.1\nloss = 0.3\n[bath.down]"
        self.refuse(steady, "bath.up", "vanish at every momentum")
        self.refuse(steady.replace("[bath.down]", up).replace("interaction = 2.0", "interaction = [2.0, 0.5]"),
                    "model.interaction", "V_1 = 0.5", "on site")
        self.refuse(steady.replace("[bath.down]", up).replace("sites = 16", "sites = 4000000000"), "model.sites", "memory")
        self.refuse(steady.replace("[bath.down]", up) + 'order = "third"\n', "task.order", "particle")
        self.refuse(steady.replace("[bath.down]", up).replace("interaction = 2.0", 'interaction = 2.0\napproximation = "ladder"'),
                    "model.approximation", "task.order")
        self.refuse(steady.replace("[bath.down]", "[bath.up]\ngain = 1e-7\n[bath.down]").replace("gain = 0.2", "gain = 0.0"),
                    "bath", "frequencies, more than 1e6")
        # Both spins keep k = pi/2 for ever.
        self.refuse(steady.replace("[bath.down]", "[bath.up]\ntwo_site_loss = 0.1\n[bath.down]").replace("gain = 0.2", "gain = 0.0"),
                    "bath.up", "has no rate at all")
        self.refuse(steady.replace("[bath.down]", up).replace("gain = 0.2", "gain = 0.0") + "frequencies = [0.0]\n",
                    "bath.down", "its line has no width")
        self.refuse(GREEN.replace("[bath.down]", up), "bath.up.gain", "task.kind = steady_state takes it")

    def test_lattices_of_two_driven_spins(self):
        self.refuse(SQUARE.replace("hopping_terms_down = [[1, 0, -0.5, 0.0], [0, 1, -1.0, 0.1]]\n", ""), "model.hopping_terms_down",
                    "must be given, too")
        self.refuse(SQUARE.replace("hopping_terms_up", "hopping_terms"), "model.hopping_terms", "model.hopping_terms_down")
        self.refuse(SQUARE.replace("cells = [4, 3]", "cells = [1, 1]"), "model.cells", "one cell alone")
        self.refuse(SQUARE.replace("cells = [4, 3]", "cells = [4, 3, 2]"), "model.hopping_terms_up", "2 directions was given")
        self.refuse(SQUARE.replace("interaction = 1.5", "interaction = [1.5, 0.2]"), "model.interaction", "a number U")
        self.refuse(SQUARE.replace("gain = 0.4", "gain = 0.4\ntwo_site_loss = 1.0"), "bath.down.two_site_loss", "bath.down.operator")
        self.refuse(SQUARE.replace("cells = [4, 3]", "cells = [50000, 40000]"), "model.cells", "50000 x 40000 cells", "memory")
        self.refuse(SQUARE.replace("[bath.up]\ngain = 0.1\nloss = 0.3\n", ""), "bath.up", "vanish at every momentum")
        self.refuse(SQUARE.replace("interaction = 1.5", 'interaction = 1.5\napproximation = "ladder"'), "model.approximation")
        self.refuse(SQUARE.replace("steady_state", "exact"), "model.cells: 12 is not allowed", "at most 8 sites", "with both spins driven")
        particle = SQUARE.replace("steady_state", "transport")
        self.refuse(particle, "bath.up", "stay alone")
        particle = particle.replace("[bath.up]\ngain = 0.1\nloss = 0.3\n", "")
        self.refuse(particle.replace("interaction = 1.5", "interaction = 0.0"), "model.interaction", "meets nothing")
        self.refuse(particle.replace("cells = [4, 3]", "cells = [50000, 40000]"), "model.cells", "50000 x 40000 cells", "memory")
        self.refuse(particle.replace("cells = [4, 3]", "cells = [1, 1]"), "model.cells", "one cell alone")

    def test_what_transport_does_not_know(self):
        transport = GREEN.replace('"green"', '"transport"').replace("times = [0.0, 0.5, 2.0]\n", "")
        self.refuse(transport.replace("[bath.down]", "[bath.up]\nloss = 0.1\n[bath.down]"), "bath.up", "stay alone")
        self.refuse(transport.replace("interaction = 2.0", "interaction = 0.0"), "model.interaction", "meets nothing")
        self.refuse(transport + "exact_sites = 9\n", "task.exact_sites", "<= 8")
        self.refuse(transport.replace("sites = 16", "sites = 2000000000"), "model.sites", "memory")
        self.refuse(transport.replace("gain = 0.2", "gain = 0.0"), "bath.down", "both vanish")
        self.refuse(transport.replace("gain = 0.2", "loss = 0.2"), "bath.down", "nothing that the particle could meet")
        self.refuse(transport.replace("two_site_loss = 2.0", ""), "bath.down", "spin down is full")

    def test_ladder_by_either_algorithm(self):
        self.write("ladder.toml", SPECTRAL.replace("interaction = 2.0", "interaction = 2.0\napproximation = \"ladder\""))
        numbers = {}
        for algorithm in ("direct", "fft"):
            self.expect(DONE, "run", "ladder.toml", "-o", f"{algorithm}.h5", "--set", f"solver.algorithm=\"{algorithm}\"",
                        "--certify", "5")
            numbers[algorithm] = datasets(self.folder / f"{algorithm}.h5")["self_energy"]
        np.testing.assert_allclose(numbers["fft"], numbers["direct"], rtol=0, atol=1e-10 * np.abs(numbers["direct"]).max())

    def test_tolerances_and_algorithms(self):
        for tolerance in ("0.0", "-1e-10", "1e-16"):
            self.refuse(SPECTRAL + f"[solver]\ntolerance = {tolerance}\n", "solver.tolerance")
        self.refuse(SPECTRAL + "[solver]\nalgorithm = \"separable\"\n", "solver.algorithm", "direct", "fft")

    def test_frequencies_beyond_what_can_be_resolved(self):
        far = SPECTRAL.replace("[-1.0, 0.0, 1.5]", "[-1e9, 0.0]")
        self.refuse(far + "[solver]\nalgorithm = \"fft\"\n", "task.frequencies", "direct")
        self.refuse(SPECTRAL.replace("[-1.0, 0.0, 1.5]", "[1e40]"), "task.frequencies")
        self.refuse(SPECTRAL + "[solver]\nmax_steps = 10\nalgorithm = \"fft\"\n", "task.frequencies", "max_steps")
        self.refuse(GREEN + "[solver]\nmax_steps = 10\n", "task.times", "max_steps")
        self.refuse(GREEN.replace("sites = 16", "sites = 4000000000"), "model.sites", "memory")

    def test_certify_needs_something_to_certify(self):
        self.write("green.toml", GREEN)
        self.expect(WRONG, "run", "green.toml", "--certify", "3", says=["--certify", "green"])
        self.assertEqual(self.names(), ["green.toml"])


class RunTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.known = json.loads((ROOT / "tests/data/hubbard_figure.json").read_text())

    def assert_same_bits(self, text, other_text, names=None):
        """Runs and verifies two inputs and compares these datasets, or all. Returns the datasets of the first."""
        results = []
        for name, content in (("one", text), ("other", other_text)):
            self.write(f"{name}.toml", content)
            self.expect(DONE, "run", f"{name}.toml", "-o", f"{name}.h5")
            self.expect(DONE, "verify", f"{name}.h5")
            results.append(datasets(self.folder / f"{name}.h5"))
        one, other = results
        if names is None:
            self.assertEqual(sorted(one), sorted(other))
        for name in names or one:
            np.testing.assert_array_equal(one[name], other[name], name)
        return one

    def test_spectrum_of_two_driven_spins(self):
        steady = GREEN.replace('"green"', '"steady_state"').replace("times = [0.0, 0.5, 2.0]\n", "")
        text = steady.replace("[bath.down]", "[bath.up]\ngain = 0.02\nloss = 0.08\n[bath.down]")
        self.write("in.toml", text)
        self.expect(DONE, "run", "in.toml", "-o", "plain.h5")
        self.write("in.toml", text + "frequencies = { start = -14.0, stop = 16.0, count = 601 }\n")
        self.expect(DONE, "run", "in.toml", "-o", "out.h5")
        self.expect(DONE, "verify", "out.h5")
        plain, numbers = datasets(self.folder / "plain.h5"), datasets(self.folder / "out.h5")
        np.testing.assert_array_equal(plain["occupation_spin"], numbers["occupation_spin"])
        self.assertNotIn("spectral_function", plain)
        # Tails beyond the grid fall as Gamma / w^2.
        weight = numbers["spectral_function"].sum(axis=1) * 0.05 / (2.0 * np.pi)
        np.testing.assert_allclose(weight, 1.0, atol=0.01)
        self.expect(DONE, "run", "in.toml", "-o", "two.h5", "--threads", "1")
        self.assert_same_numbers("out.h5", "two.h5")

    def test_one_particle(self):
        """The exact drift on four sites and that of both orders, as stored in tests/data/hubbard_one_particle.json."""
        for stored in json.loads((ROOT / "tests/data/hubbard_one_particle.json").read_text())["small"]:
            if stored["sites"] != 4 or stored["interaction"] != 0.5:
                continue
            self.write("one.toml", f"""[model]
kind = "hubbard"
sites = 4
interaction = 0.5
[bath.down]
gain = {stored["gain"]}
two_site_loss = {stored["two_site_loss"]}
two_site_loss_phase = {stored["phase_over_pi"] * np.pi}
[task]
kind = "transport"
exact_sites = 4
""")
            self.expect(DONE, "run", "one.toml", "-o", "one.h5", "--overwrite")
            results = datasets(self.folder / "one.h5")
            self.assertAlmostEqual(results["drift_velocity"], stored["velocity_both"], delta=1e-11)
            self.assertAlmostEqual(results["drift_velocity_ring"], stored["velocity_both"], delta=1e-11)
            self.assertAlmostEqual(results["drift_velocity_exact"], stored["velocity_exact"], delta=1e-11)
            self.assertAlmostEqual(results["diffusion_exact"] / 253.83409700781453, 1.0, delta=1e-10)
            self.assertEqual(results["diffusion_ring"], results["diffusion_constant"])
            self.assertAlmostEqual(results["diffusion_constant"] / stored["diffusion_both"], 1.0, delta=1e-10)
            self.expect(DONE, "verify", "one.h5")

    def test_two_driven_spins(self):
        """Stored currents of 128 sites, by order `both`, which is exact through U^3, and by the second order."""
        self.write("steady.toml", """[model]
kind = "hubbard"
sites = 128
interaction = 1.0
[bath.up]
gain = 0.02
loss = 0.08
[bath.down]
gain = 0.2
two_site_loss = 2.0
[task]
kind = "steady_state"
""")
        self.expect(DONE, "run", "steady.toml", "-o", "both.h5")
        self.assertAlmostEqual(datasets(self.folder / "both.h5")["current_spin"][0], 0.0018416485, delta=1e-10)
        self.expect(DONE, "verify", "both.h5")
        self.expect(DONE, "run", "steady.toml", "-o", "second.h5", "--set", 'task.order="second"')
        self.assertAlmostEqual(datasets(self.folder / "second.h5")["current_spin"][0], 0.0, delta=1e-12)

    def test_two_driven_spins_on_a_square(self):
        """Currents as vectors, and a lattice of one direction without them."""
        self.write("square.toml", SQUARE)
        said = self.expect(DONE, "run", "square.toml", "-o", "square.h5").stdout
        for word in ("current_up_1", "current_up_2", "current_down_1", "current_down_2", "density_up"):
            self.assertIn(word, said)
        self.expect(DONE, "verify", "square.h5")
        results = datasets(self.folder / "square.h5")
        self.assertEqual(results["current_spin"].shape, (2, 2))
        self.assertEqual(results["occupation_spin"].shape, (2, 4, 3))
        with h5py.File(self.folder / "square.h5") as file:
            self.assertEqual([one[0].name for one in file["current_spin"].dims], ["/spin", "/direction"])
            self.assertEqual([one[0].name for one in file["occupation_spin"].dims], ["/spin", "/momentum_1", "/momentum_2"])
        # dE/dk of both spins from the terms, as plain sums.
        k, p = (2.0 * np.pi * (np.arange(size) - size // 2) / size for size in (4, 3))
        k, p = np.meshgrid(k, p, indexing="ij")
        velocities = [[2.0 * np.sin(k), 1.6 * np.sin(p) - 0.2 * np.cos(p)], [np.sin(k), 2.0 * np.sin(p) - 0.2 * np.cos(p)]]
        for spin in range(2):
            for direction in range(2):
                self.assertAlmostEqual(results["current_spin"][spin, direction],
                                       np.mean(velocities[spin][direction] * results["occupation_spin"][spin]), delta=1e-13)
        with h5py.File(self.folder / "square.h5", "r+") as file:
            file["current_spin"][1, 1] += 1e-10
        self.assertNotEqual(self.run_program("verify", "square.h5").returncode, DONE)
        ring = GREEN.replace('"green"', '"steady_state"').replace("times = [0.0, 0.5, 2.0]\n", "")
        ring = ring.replace("[bath.down]", "[bath.up]\ngain = 0.1\nloss = 0.3\n[bath.down]")
        self.assert_same_bits(ring, ring.replace("sites = 16", "cells = [16]\nhopping_terms = [[1, -1.0, 0.0]]"),
                              ("current_spin", "density_spin", "occupation_spin", "residual"))

    def test_one_particle_on_a_square(self):
        self.write("one.toml", SQUARE.replace("steady_state", "transport").replace("[bath.up]\ngain = 0.1\nloss = 0.3\n", ""))
        said = self.expect(DONE, "run", "one.toml", "-o", "one.h5").stdout
        for word in ("drift_velocity_1", "drift_velocity_2", "diffusion_constant_1_1", "diffusion_constant_2_1"):
            self.assertIn(word, said)
        self.expect(DONE, "verify", "one.h5")
        results = datasets(self.folder / "one.h5")
        self.assertEqual((results["drift_velocity"].shape, results["diffusion_constant"].shape), ((2,), (2, 2)))
        self.assertEqual(results["particle_distribution"].shape, (4, 3))
        self.assertGreater(np.linalg.eigvalsh(results["diffusion_constant"]).min(), 0.0)
        for name in ("drift_velocity", "diffusion"):  # of 3 x 2 cells
            self.assertEqual(results[f"{name}_exact"].shape, results[f"{name}_ring"].shape)
        self.assertEqual((results["drift_velocity_exact"].shape, results["diffusion_exact"].shape), ((2,), (2, 2)))
        self.assertGreater(np.linalg.eigvalsh(results["diffusion_exact"]).min(), 0.0)

    def test_one_particle_without_the_exact_one(self):
        self.write("one.toml", SQUARE.replace("steady_state", "transport").replace("[bath.up]\ngain = 0.1\nloss = 0.3\n", ""))
        self.expect(DONE, "run", "one.toml", "-o", "one.h5", "--set", "task.exact_sites=0")
        self.assertTrue(np.all(np.isnan(datasets(self.folder / "one.h5")["diffusion_exact"])))
        self.expect(DONE, "verify", "one.h5")

    def test_exact_rings(self):
        """Both spins driven, then a single probe: references for the second order and the ladder."""
        self.write("exact.toml", """[model]
kind = "hubbard"
sites = 3
[bath.up]
gain = 0.05
loss = 0.05
[bath.down]
gain = 1.5
two_site_loss = 0.5
[task]
kind = "exact"
[sweep]
"model.interaction" = [0.25, 0.5, 1.0, 2.0]
""")
        self.expect(DONE, "run", "exact.toml", "-o", "exact.h5")
        results = datasets(self.folder / "exact.h5")
        np.testing.assert_allclose(results["current_spin"][:, 0], [0.00522, 0.01704, 0.03804, 0.04546], atol=6e-6)
        self.assertEqual(results["occupation_spin"].shape, (4, 2, 3))
        self.assertNotIn("green_retarded", results)
        self.expect(DONE, "verify", "exact.h5")
        # A chain of 60 sites whose momenta mix in groups of 1, 2, 3: rounded norms at t = 6 from the full Lindbladian.
        self.write("mixed.toml", """[model]
kind = "hatsugai_kohmoto"
sites = 60
interaction = 2.0
[bath.down]
gain = 0.2
two_site_loss = 2.0
[task]
kind = "green"
times = [6.0]
[sweep]
"model.cluster" = [1, 2, 3]
""")
        self.expect(DONE, "run", "mixed.toml", "-o", "mixed.h5")
        results = datasets(self.folder / "mixed.h5")
        np.testing.assert_allclose(results["norm"][:, 0], [0.572, 0.360, 0.263], atol=6e-4)
        self.assertEqual(results["green_retarded"].shape, (3, 1, 60))
        self.expect(DONE, "verify", "mixed.h5")
        for change, says in ((('"green"', '"density"'), "model.cluster"), (("sites = 60", "sites = 61"), "must divide"),
                             (("[task]", "[initial]\ndown_occupation = 0.5\n[task]"), "initial.down_occupation")):
            self.write("bad.toml", (self.folder / "mixed.toml").read_text().replace(*change).replace("[1, 2, 3]", "[2]"))
            self.expect(WRONG, "check", "bad.toml", says=["bad.toml", says])

    def test_exact_lattices(self):
        """Two driven spins on a square; then one probe on a line, which is a ring."""
        text = SQUARE.replace("[4, 3]", "[2, 2]").replace("steady_state", "exact") + "times = [0.0, 1.0]\nfrequencies = [-1.0, 0.5, 2.0]\n"
        self.write("square.toml", text)
        self.expect(DONE, "check", "square.toml")
        self.expect(DONE, "run", "square.toml", "-o", "square.h5")
        self.expect(DONE, "verify", "square.h5")
        results = datasets(self.folder / "square.h5")
        self.assertEqual((results["occupation_spin"].shape, results["current_spin"].shape), ((2, 2, 2), (2, 2)))
        self.assertEqual((results["green_retarded"].shape, results["drift"].shape), ((2, 2, 2), (2, 2)))
        self.assertEqual(results["self_energy"].shape, (2, 2, 3))
        np.testing.assert_allclose(results["norm"][0], 1.0, atol=1e-12)
        ring = GREEN.replace('"green"', '"exact"').replace("sites = 16", "sites = 4").replace("two_site_", "")
        self.assert_same_bits(ring, ring.replace("sites = 4", "cells = [4]\nhopping_terms = [[1, -1.0, 0.0]]"),
                              ("green_retarded", "drift", "occupation_spin", "current_spin"))

    def test_the_exact_ring_of_a_long_one(self):
        """model.cluster: the sites of the ring, also swept; the rest of the input is that of the other tasks."""
        long = GREEN.replace('"green"', '"exact"')
        one = self.assert_same_bits(long.replace("sites = 16", "sites = 4"), long.replace("sites = 16", "sites = 16\ncluster = 4"))
        self.expect(DONE, "run", "other.toml", "-o", "sizes.h5", "--set", 'sweep."model.cluster"=[3, 4]')
        sizes = datasets(self.folder / "sizes.h5")
        np.testing.assert_array_equal(sizes["norm"][1], one["norm"])
        self.assertNotIn("green_retarded", sizes)
        self.write("bad.toml", long.replace("sites = 16", "sites = 16\ncluster = 9"))
        self.expect(WRONG, "check", "bad.toml", says=["model.cluster: 9 is not allowed", "at most 8 sites", "GB with an empty probe"])
        self.write("bad.toml", GREEN.replace("sites = 16", "sites = 16\ncluster = 4"))
        self.expect(WRONG, "check", "bad.toml", says=["model.cluster"])

    def test_the_ladder_of_one_cell(self):
        """It is the momentum of a Hatsugai-Kohmoto chain, which is known exactly; second order is not."""
        line = "cells = [1]\nhopping_terms = [[1, -0.7, 0.2]]\n"
        for task in (GREEN, SPECTRAL):
            task = task.replace("sites = 16\n", line).replace("two_site_loss", "loss")
            self.write("bad.toml", task)
            self.expect(WRONG, "check", "bad.toml", says=["model.cells", "one cell alone"])
            self.write("ladder.toml", task.replace("interaction = 2.0", 'interaction = 2.0\napproximation = "ladder"'))
            self.write("momentum.toml", task.replace('"hubbard"', '"hatsugai_kohmoto"'))
            for name in ("ladder", "momentum"):
                self.expect(DONE, "run", f"{name}.toml", "-o", f"{name}.h5", "--overwrite")
                self.expect(DONE, "verify", f"{name}.h5")
            one, other = (datasets(self.folder / f"{name}.h5") for name in ("ladder", "momentum"))
            for name in ("green_retarded", "norm", "spectral_function", "self_energy"):
                if name in other:
                    np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-9)

    def test_fig4a(self):
        said = self.expect(DONE, "run", EXAMPLES / "hubbard_fig4a.toml").stdout
        for word in ("drift", "norm", "green_retarded_error"):
            self.assertIn(word, said)
        numbers = datasets(self.folder / "hubbard_fig4a.h5")
        for name in ("norm", "drift"):
            np.testing.assert_allclose(numbers[name][::10], self.known[name], rtol=1e-10, atol=1e-10)
        profile = np.roll(np.abs(numbers["green_retarded"][::10]) ** 2, 64, axis=1)
        np.testing.assert_allclose(profile, self.known["profile"], atol=1e-11)
        self.assertLess(numbers["green_retarded_error"], 1e-10)

    def test_fig4b(self):
        done = self.expect(DONE, "run", EXAMPLES / "hubbard_fig4b.toml", "--certify", "20")
        self.assertIn("certificate", done.stdout)
        numbers, attribute = datasets(self.folder / "hubbard_fig4b.h5"), attributes(self.folder / "hubbard_fig4b.h5")
        self.assertLess(attribute["certificate"], 1e-10)
        self.assertEqual(attribute["certificate_samples"], 20)
        self.assertEqual(attribute["algorithm"], "fft")
        rows = (np.array(self.known["map_momenta"], int) + 64) % 128
        np.testing.assert_allclose(numbers["spectral_function"][rows][:, ::10], np.transpose(self.known["map"]), atol=1e-9)
        self.assertLess(numbers["spectral_function_error"], 1e-10)

    def test_verify_names_the_method(self):
        """A ladder is summed over pairs in frequency, second order over two momenta; and too strong a sum of both says so."""
        self.write("a.toml", SPECTRAL)
        self.expect(DONE, "run", "a.toml", "-o", "second.h5")
        self.assertIn("self energy, by the double sum", self.expect(DONE, "verify", "second.h5").stdout)
        self.write("b.toml", SPECTRAL.replace("interaction = 2.0", 'interaction = 6.0\napproximation = "ladder"'))
        self.assertNotIn("negative", self.expect(DONE, "run", "b.toml", "-o", "ladder.h5").stderr)
        said = self.expect(DONE, "verify", "ladder.h5").stdout
        for name in ("self energy", "spectral function"):
            self.assertIn(f"{name}, by its pairs at every frequency", said)
        self.assertNotIn("double sum", said)
        said = self.expect(DONE, "run", "b.toml", "-o", "both.h5", "--set", 'model.ladder="both"').stderr
        self.assertIn("of the spectral function", said)
        self.assertIn("negative, the smallest -", said)

    def test_an_interaction_may_be_a_number_a_list_and_swept(self):
        self.write("a.toml", SPECTRAL)
        self.expect(DONE, "run", "a.toml")
        self.expect(DONE, "run", "a.toml", "-o", "b.h5", "--set", "model.interaction=[2.0, 0.0]")
        self.expect(DONE, "run", "a.toml", "-o", "c.h5", "--set", 'sweep."model.interaction"=[1.0, 2.0]')
        a, b, c = (datasets(self.folder / name)["self_energy"] for name in ("a.h5", "b.h5", "c.h5"))
        np.testing.assert_allclose(a, b, rtol=1e-13)
        np.testing.assert_allclose(c[1], a, rtol=1e-13)
        np.testing.assert_allclose(4.0 * c[0], a, rtol=1e-9)

    def test_warnings_stand_in_the_plan_and_in_the_log(self):
        self.write("strong.toml", SPECTRAL.replace("interaction = 2.0", "interaction = 3.0"))
        self.write("late.toml", GREEN.replace("2.0]", "40.0]"))
        self.write("narrow.toml", SPECTRAL.replace("gain = 0.2", "gain = 0.01"))
        for name, words in {"strong": "compared with exact results", "late": "meet behind the ring",
                            "narrow": "do not resolve"}.items():
            self.assertIn(words, self.expect(DONE, "check", f"{name}.toml").stdout)
            self.assertIn(words, self.expect(DONE, "run", f"{name}.toml").stderr)

    def test_ranks_share_one_point_and_change_no_bit(self):
        self.need_ranks()
        for name, text in {"green": GREEN, "fft": SPECTRAL + "[solver]\nalgorithm = \"fft\"\n",
                           "direct": SPECTRAL + "[solver]\nalgorithm = \"direct\"\n"}.items():
            self.write(f"{name}.toml", text)
            self.expect(DONE, "run", f"{name}.toml", "-o", "alone.h5", "--overwrite")
            done = subprocess.run([MPIRUN, "-n", "3", PROGRAM, "run", f"{name}.toml", "-o", "shared.h5", "--overwrite"],
                                  cwd=self.folder, env=RANKS_ENVIRONMENT, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            one, three = datasets(self.folder / "alone.h5"), datasets(self.folder / "shared.h5")
            for key in one:
                np.testing.assert_array_equal(one[key], three[key], err_msg=f"{name}: {key}")


if __name__ == "__main__":
    unittest.main()
