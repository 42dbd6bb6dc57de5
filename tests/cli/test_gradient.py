"""Tasks gradient and noise through the program: the contents of the datasets, and what is rejected."""

import json
import unittest

import h5py
import numpy as np

from program import DONE, FAILED, POINTS_FAILED, ROOT, WRONG, ProgramTest, RefusalTest, datasets

CHAIN = """[model]
kind = "tgge_chain"
sites = 40
[bath]
nonequilibrium_fraction = 0.5
[task]
kind = "gradient"
of = "current"
"""
RASHBA = """[model]
kind = "tgge_rashba"
sites = 12
zeeman_field = 0.8
rashba_y = 1.1
rashba_z = 0.9
[bath]
nonequilibrium_fraction = 0.4
jump = "operators"
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 1.0, 0.0], [0, 1, 1, 0, 0.3, 0.2]]
[[bath.jump_operator]]
terms = [[0, 1, 0, 1, 0.5, 0.0]]
[task]
kind = "gradient"
"""


class GradientTest(ProgramTest):
    def current(self, text, **changes):
        """The current of the steady state with some keys set."""
        self.write("steady.toml", text.replace('"gradient"', '"steady_state"').replace('of = "current"\n', ""))
        settings = [part for key, value in changes.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
        self.expect(DONE, "run", "steady.toml", "--overwrite", "--set", "solver.tolerance=1e-12", *settings)
        return float(datasets(self.folder / "steady.h5")["current"])

    def test_every_derivative_of_a_chain_is_a_difference(self):
        self.write("chain.toml", CHAIN)
        self.expect(DONE, "run", "chain.toml")
        found = datasets(self.folder / "chain.h5")
        self.assertEqual(sorted(name for name in found if name.startswith("gradient_")), [
            "gradient_bath.coupling", "gradient_bath.delta", "gradient_bath.delta_prime",
            "gradient_bath.equilibrium_fraction", "gradient_bath.inverse_temperature",
            "gradient_bath.nonequilibrium_fraction", "gradient_initial.filling", "gradient_model.hopping"])
        self.assertEqual(found["value"][0], self.current(CHAIN))
        h = 1e-4  # truncation error 1e-8 times a third derivative, rounding 1e-12
        for key, start in (("bath.inverse_temperature", 2.0), ("bath.nonequilibrium_fraction", 0.5),
                           ("initial.filling", 0.5), ("model.hopping", 1.0)):
            name = key.replace(".", "__")
            slope = (self.current(CHAIN, **{name: start + h}) - self.current(CHAIN, **{name: start - h})) / (2 * h)
            self.assertAlmostEqual(found["gradient_" + key][0], slope, delta=1e-7, msg=key)
        for part, step in ((np.real, h), (np.imag, 1j * h)):
            above, below = (f"[{z.real!r},{z.imag!r}]" for z in (1 + 1j + step, 1 + 1j - step))
            slope = (self.current(CHAIN, bath__delta=above) - self.current(CHAIN, bath__delta=below)) / (2 * h)
            self.assertAlmostEqual(part(found["gradient_bath.delta"][0]), slope, delta=1e-7)

    def test_what_is_asked_for_is_what_there_is(self):
        self.write("two.toml", RASHBA + 'with_respect_to = ["bath.jump_operator", "model.zeeman_field"]\n'
                   '[sweep]\n"bath.nonequilibrium_fraction" = [0.2, 0.4, 0.6]\n')
        self.expect(DONE, "run", "two.toml")
        found = datasets(self.folder / "two.h5")
        self.assertEqual(found["of"].tolist(), [b"current_1", b"energy_current_1"])
        self.assertEqual(found["gradient_bath.jump_operator"].shape, (3, 2, 3))
        self.assertEqual(found["gradient_model.zeeman_field"].shape, (3, 2))
        self.assertNotIn("gradient_model.hopping", found)
        with h5py.File(self.folder / "two.h5") as file:
            self.assertEqual([d[0].name for d in file["gradient_bath.jump_operator"].dims],
                             ["/bath.nonequilibrium_fraction", "/of", "/term"])
        # Hop weights are of second degree in the amplitudes: scaling the operators scales the strength of the bath.
        amplitudes = np.array([1.0, 0.3 + 0.2j, 0.5])
        by_scale = np.real(found["gradient_bath.jump_operator"] @ np.conj(amplitudes))
        self.write("all.toml", RASHBA + '[sweep]\n"bath.nonequilibrium_fraction" = [0.2, 0.4, 0.6]\n')
        self.expect(DONE, "run", "all.toml", "--set", "bath.equilibrium_fraction=0.5")
        self.expect(DONE, "run", "two.toml", "--overwrite", "--set", "bath.equilibrium_fraction=0.5")
        found, whole = datasets(self.folder / "two.h5"), datasets(self.folder / "all.h5")
        by_scale = np.real(found["gradient_bath.jump_operator"] @ np.conj(amplitudes))
        by_strength = whole["gradient_bath.nonequilibrium_fraction"] * np.array([[0.2], [0.4], [0.6]])
        np.testing.assert_allclose(by_scale, 2.0 * by_strength, rtol=1e-10)
        np.testing.assert_array_equal(found["gradient_model.zeeman_field"], whole["gradient_model.zeeman_field"])

    def test_output_fields_keep_what_they_name(self):
        self.write("chain.toml", CHAIN + '[output]\nfields = ["gradient_bath.delta"]\n')
        self.expect(DONE, "run", "chain.toml")
        self.assertEqual(sorted(datasets(self.folder / "chain.h5")), ["gradient_bath.delta", "of"])

    def test_points_without_derivatives_fail_and_say_why(self):
        self.write("touching.toml", RASHBA + '[sweep]\n"model.zeeman_field" = [0.0, 0.5]\n')
        self.expect(POINTS_FAILED, "run", "touching.toml", says="where bands touch")
        found = datasets(self.folder / "touching.h5")
        self.assertEqual(found["status"].tolist(), [2, 1])
        self.assertTrue(np.all(np.isnan(found["gradient_bath.jump_operator"][0])))
        self.assertTrue(np.all(np.isfinite(found["gradient_bath.jump_operator"][1])))
        self.write("full.toml", CHAIN)
        self.expect(FAILED, "run", "full.toml", "--set", "bath.nonequilibrium_fraction=1.0", "--set", "bath.delta=1.0",
                    says="exactly empty or full")

    def test_a_state_that_does_not_converge_has_none(self):
        self.write("chain.toml", CHAIN + "[solver]\nmax_steps = 1\n")
        self.expect(POINTS_FAILED, "run", "chain.toml", says="max_steps")
        self.assertTrue(np.all(np.isnan(datasets(self.folder / "chain.h5")["gradient_bath.delta"])))


class LatticeTest(ProgramTest):
    def test_is_that_of_independent_programs(self):
        data = json.loads((ROOT / "tests/data/tgge_gradients.json").read_text())
        terms = "".join(f"[[bath.jump_operator]]\nterms = {self.integers(channel, 6)}\n" for channel in data["channels"])
        self.write("lattice.toml", f"""[model]
kind = "tgge_lattice"
cells = [4, 3]
orbitals = 2
hopping_terms = {self.integers(data["hopping"], 4)}
[bath]
inverse_temperature = {data["inverse_temperature"]}
nonequilibrium_fraction = {data["gamma_neq"]}
equilibrium_fraction = {data["gamma_eq"]}
{terms}
[initial]
filling = {data["filling"]}
[task]
kind = "gradient"
of = ["current_1", "current_2"]
""")
        self.expect(DONE, "run", "lattice.toml")
        found = datasets(self.folder / "lattice.h5")
        for i, expected in enumerate(data["currents"]):
            amplitude, hopping = found["gradient_bath.jump_operator"][i, 0], found["gradient_model.hopping_terms"][i, 0]
            for actual, name in ((found["gradient_bath.nonequilibrium_fraction"][i], "gamma_neq"),
                                 (found["gradient_bath.equilibrium_fraction"][i], "gamma_eq"),
                                 (found["gradient_bath.inverse_temperature"][i], "inverse_temperature"),
                                 (found["gradient_initial.filling"][i], "filling"),
                                 (amplitude.real, "amplitude_re"), (amplitude.imag, "amplitude_im"),
                                 (hopping.real, "hopping_re"), (hopping.imag, "hopping_im")):
                self.assertAlmostEqual(actual / expected[name], 1.0, delta=1e-9, msg=name)

    @staticmethod
    def integers(terms, count):
        """Entries of terms as an input writes them: the first `count` are integers."""
        return [[int(x) for x in term[:count]] + term[count:] for term in terms]

    def test_noise_of_both_directions(self):
        self.write("noise.toml", """[model]
kind = "tgge_lattice"
cells = [4, 5]
preset = "honeycomb_haldane"
second_neighbour_hopping = 0.2
flux = 0.8
sublattice_energy = 0.3
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 0.5, 0.0], [0, 0, 0, 0, 0, 1, 0.5, 0.0], [0, 0, 1, 0, 0, 0, 0.5, 0.0], [0, 0, 1, 0, 0, 1, 0.5, 0.0]]
[task]
kind = "noise"
""")
        self.expect(DONE, "run", "noise.toml")
        found = datasets(self.folder / "noise.h5")
        self.assertEqual(found["of"].tolist(), [b"current_1", b"current_2", b"energy_current_1", b"energy_current_2"])
        self.assertTrue(np.all(np.linalg.eigvalsh(found["noise"]) > 0.0))
        np.testing.assert_allclose(found["noise"], found["noise"].T, atol=1e-13)
        self.expect(WRONG, "run", "noise.toml", "--set", "task.of=current", says="current_1")
        # Particles, energy, both: current^2 times a time.
        for of, value, noise in (("current_1", "energy", "energy"), ("energy_current_1", "energy^2", "energy^3"),
                                 ("all", "value", "value * value / energy")):
            self.expect(DONE, "run", "noise.toml", "-o", "units.h5", "--overwrite", "--set", f"task.of={of}")
            with h5py.File(self.folder / "units.h5") as file:
                units = {name: file[name].attrs["units"] for name in ("value", "noise")}
            self.assertEqual(units, {"value": value, "noise": noise})

    def test_the_degeneracy_tolerance_has_no_derivative(self):
        self.write("lattice.toml", """[model]
kind = "tgge_lattice"
cells = [4]
preset = "chain"
degeneracy_tolerance = 1e-8
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 1.0, 0.0], [1, 0, 0, 0, 0.0, 0.5]]
[task]
kind = "gradient"
""")
        self.expect(DONE, "run", "lattice.toml")
        self.assertNotIn("gradient_model.degeneracy_tolerance", datasets(self.folder / "lattice.h5"))
        self.expect(WRONG, "run", "lattice.toml", "--set", 'task.with_respect_to="model.degeneracy_tolerance"', says="task.with_respect_to")


class InputTest(RefusalTest):
    def test_currents_and_keys(self):
        of, noise = 'of = "current"', CHAIN.replace('"gradient"', '"noise"')
        self.refuse(CHAIN.replace(of, 'of = "current_3"'), ":8:6: error: task.of", '"current_1"')
        self.refuse(CHAIN.replace(of, 'of = []'), "task.of", "must not be empty")
        self.refuse(noise.replace(of, 'of = ["current", "current_1"]'), "task.of", "twice")
        self.refuse(noise + 'with_respect_to = ["bath.delta"]\n', ":9:1: error: task.with_respect_to")
        self.refuse(CHAIN + 'with_respect_to = ["bath.delt"]\n', "task.with_respect_to[0]", 'did you mean "bath.delta"')
        self.refuse(CHAIN + 'with_respect_to = "bath.spectrum_width"\n', "task.with_respect_to", "no meaning")
        self.refuse(CHAIN + 'with_respect_to = ["bath.jump_operator"]\n', "task.with_respect_to", "no meaning")
        self.refuse(RASHBA + 'with_respect_to = ["model.sites"]\n', "task.with_respect_to[0]", "must be")
        self.refuse(CHAIN + "[output]\nfields = ['occupation']\n", "output.fields[0]")


class NoiseTest(ProgramTest):
    def test_of_the_raman_chain(self):
        self.write("noise.toml", CHAIN.replace('"gradient"', '"noise"'))
        self.expect(DONE, "run", "noise.toml", "--set", "model.sites=100")
        found = datasets(self.folder / "noise.h5")
        self.assertAlmostEqual(found["noise"][0, 0], 0.3407504917, delta=1e-10)

    def test_is_a_symmetric_matrix_of_its_currents(self):
        self.write("noise.toml", RASHBA.replace('"gradient"', '"noise"'))
        self.expect(DONE, "run", "noise.toml")
        noise = datasets(self.folder / "noise.h5")["noise"]
        self.assertEqual(noise.shape, (2, 2))
        self.assertTrue(np.all(np.linalg.eigvalsh(noise) > 0.0))
        self.assertAlmostEqual(noise[0, 1], noise[1, 0], delta=1e-13)


if __name__ == "__main__":
    unittest.main()
