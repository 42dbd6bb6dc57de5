"""The compiled Python module: the numbers of the program, bad input, threads, sweeps, gradients.

Run with PYTHONPATH at a folder with the built package; with LINDRIFT_PROGRAM the same problems run through the program, too.
"""

import contextlib
import io
import os
import pathlib
import pickle
import re
import subprocess
import tempfile
import threading
import unittest

import numpy as np

import lindrift as ld

PROGRAM = os.environ.get("LINDRIFT_PROGRAM")


def chain(**changes):
    return ld.TggeChain(sites=100, bath=ld.ThermalBath(inverse_temperature=2.0, nonequilibrium_fraction=0.5),
                        jump=ld.RamanJump(delta=1 + 1j, delta_prime=1 + 0.5j)).replace(**changes)


def rashba():
    return ld.TggeRashba(sites=24, zeeman_field=0.5, rashba_y=1.1, rashba_z=0.9,
                         bath=ld.ThermalBath(nonequilibrium_fraction=0.7), jump=ld.DephasingJump(dephasing_up=0.8))


def hubbard(**changes):
    return ld.HubbardChain(sites=13, interaction=[1.5], down=ld.OpenBath(gain=0.2, two_site_loss=2.0)).replace(**changes)


def hatsugai_kohmoto():
    return ld.HatsugaiKohmoto(sites=17, interaction=4.0, down=ld.OpenBath(gain=1.5, two_site_loss=0.5),
                              up=ld.OpenBath(loss=0.1))


class NumbersTest(unittest.TestCase):
    def test_published_current(self):
        state = ld.steady_state(chain(), filling=0.5)
        self.assertAlmostEqual(state.current, 0.0351936624, delta=1e-10)
        self.assertTrue(state.converged)
        self.assertEqual(state.occupation.shape, (100,))
        path = ld.relax(chain(), times=[0.0, 320.0], lagrange_multiplier=np.zeros(100))
        self.assertAlmostEqual(path.current[0], 0.0, delta=1e-14)
        self.assertAlmostEqual(path.current[1], state.current, delta=1e-9)

    def test_ladder_of_the_published_figure(self):
        model = hubbard(sites=128, interaction=[2.0], approximation="ladder")
        found = ld.green(model, times=[2.0, 10.0])
        np.testing.assert_allclose(found.norm, [0.62154500, 0.09234974], rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.drift, [-0.24999488, -7.44351729], rtol=0, atol=2e-7)

    def test_results_become_xarray(self):
        data = ld.steady_state(rashba()).to_xarray()
        self.assertEqual(dict(data.sizes)["momentum"], 24)
        self.assertEqual(list(data["band"].values), ["+", "-"])
        self.assertEqual(data["current"].attrs["units"], "energy")

    @unittest.skipUnless(PROGRAM, "LINDRIFT_PROGRAM is not set")
    def test_same_bits_as_the_program(self):
        import h5py
        times = [0.5, 2.0]
        cases = {
            "chain": (chain(), {"kind": "steady_state"}, lambda m: ld.steady_state(m, threads=1)),
            "lorentzian": (chain(bath=ld.ThermalBath(nonequilibrium_fraction=0.3, spectrum="lorentzian")),
                           {"kind": "steady_state"}, lambda m: ld.steady_state(m, threads=1)),
            "rashba": (rashba(), {"kind": "relax", "times": times}, lambda m: ld.relax(m, times=times, threads=1)),
            "exact": (hatsugai_kohmoto(), {"kind": "green", "times": times}, lambda m: ld.green(m, times=times, threads=1)),
            "density": (hatsugai_kohmoto(), {"kind": "density", "times": times},
                        lambda m: ld.density(m, times=times, threads=1)),
            "peaks": (hatsugai_kohmoto(), {"kind": "spectral", "frequencies": [0.0, 1.0]},
                      lambda m: ld.spectral(m, frequencies=[0.0, 1.0], threads=1)),
            "hubbard": (hubbard(), {"kind": "green", "times": times}, lambda m: ld.green(m, times=times, threads=1)),
            "ladder": (hubbard(approximation="ladder"), {"kind": "spectral", "frequencies": [0.0, 1.0]},
                       lambda m: ld.spectral(m, frequencies=[0.0, 1.0], threads=1)),
        }
        for name, (model, task, solve) in cases.items():
            with self.subTest(case=name), tempfile.TemporaryDirectory() as folder:
                place = pathlib.Path(folder)
                (place / "case.toml").write_text(model.to_toml(task=task))
                subprocess.run([PROGRAM, "run", "case.toml", "--threads", "1", "--backend", "cpu"], cwd=folder, check=True,
                               capture_output=True)
                own = solve(model).to_xarray()
                with h5py.File(place / "case.h5") as file:
                    compared = [key for key in own.data_vars if key in file]
                    self.assertGreaterEqual(len(compared), 3)
                    for key in compared:
                        np.testing.assert_array_equal(file[key][()], own[key].values, err_msg=f"{name}: {key}")


class InputTest(unittest.TestCase):
    def refuse(self, error, text, call):
        with self.assertRaises(error) as caught:
            call()
        self.assertIn(text, str(caught.exception))

    def test_wrong_values_are_named(self):
        self.refuse(ld.ParameterError, "model.sites: -1", lambda: ld.TggeChain(sites=-1))
        self.refuse(ValueError, "bath.coupling: -1", lambda: ld.ThermalBath(coupling=-1))
        self.refuse(ld.ParameterError, "initial.filling: 2", lambda: ld.steady_state(chain(), filling=2))
        self.refuse(ld.ParameterError, "task.times[1]", lambda: ld.relax(chain(), times=[1.0, 0.0]))
        self.refuse(ld.ParameterError, "task.times", lambda: ld.relax(chain(), times=[np.nan]))
        self.refuse(ld.ShapeError, "must be 100", lambda: ld.steady_state(chain(), lagrange_multiplier=np.zeros(3)))
        self.refuse(ld.ShapeError, "2 x 3", lambda: ld.TableJump(np.zeros((2, 3))))
        self.refuse(ld.ParameterError, "bath.table", lambda: ld.TableJump([[1.0, -1.0], [0.0, 0.0]]))
        self.refuse(ld.ParameterError, "V_1 = 0.5",
                    lambda: ld.green(hubbard(interaction=[1.0, 0.5], approximation="ladder"), times=[1.0]))

    def test_wrong_types_are_named(self):
        self.refuse(TypeError, "model.sites must be an integer, not str", lambda: ld.TggeChain(sites="a"))
        self.refuse(TypeError, "", lambda: ld.steady_state(3))
        self.refuse(TypeError, "", lambda: ld.TggeChain(sitse=3))
        self.refuse(TypeError, "", lambda: chain(jump=3))

    def test_arrays_of_any_layout(self):
        start = np.zeros((100, 3), order="F")[:, 1]
        read_only = np.zeros(100)
        read_only.flags.writeable = False
        for values in (start, read_only, start.astype(np.float32), np.zeros(100, dtype=int), [0.0] * 100):
            self.assertAlmostEqual(ld.steady_state(chain(), lagrange_multiplier=values).current, 0.0351936624, delta=1e-10)
        for values in (np.zeros(100, dtype=complex), np.zeros((10, 10)), ["a"] * 100, np.full(100, np.inf)):
            with self.assertRaises((TypeError, ValueError)):
                ld.steady_state(chain(), lagrange_multiplier=values)

    def test_random_calls_raise_or_answer(self):
        random = np.random.default_rng(1)
        junk = [None, "x", -1, 0, 1e300, np.nan, [], [[]], {}, object(), np.zeros(0), 1 + 1j, True, np.array(["a"])]
        pick = lambda: junk[random.integers(len(junk))]  # noqa: E731
        calls = [lambda: ld.TggeChain(sites=pick(), hopping=pick()), lambda: ld.ThermalBath(coupling=pick(), spectrum=pick()),
                 lambda: ld.steady_state(chain(sites=8), filling=pick(), tolerance=pick()),
                 lambda: ld.relax(chain(sites=8), times=pick(), filling=pick()), lambda: ld.JumpOperators(pick()),
                 lambda: ld.green(hubbard(sites=4), times=pick()), lambda: ld.TableJump(pick()),
                 lambda: ld.spectral(hatsugai_kohmoto(), frequencies=pick(), broadening=pick()),
                 lambda: ld.OpenBath(gain=pick(), gain_table=pick())]
        for _ in range(2000):
            try:
                calls[random.integers(len(calls))]()
            except (TypeError, ValueError, ld.LindriftError):
                pass


class ObjectTest(unittest.TestCase):
    def test_models_are_values(self):
        for model in (chain(), rashba(), hubbard(), hatsugai_kohmoto(),
                      chain(jump=ld.JumpOperators([[(0, 0, 1.0), (0, 1, -1 - 0.5j)]]))):
            self.assertEqual(pickle.loads(pickle.dumps(model)), model)
            self.assertNotEqual(model.replace(sites=model.sites + 1), model)
            self.assertIn(type(model).__name__, repr(model))

    def test_sixteen_threads_give_the_same_bits(self):
        models = [chain(sites=40 + i) for i in range(16)]
        expected = [ld.steady_state(one).occupation for one in models]
        found = [None] * 16

        def solve(i):
            for _ in range(20):
                found[i] = ld.steady_state(models[i]).occupation
        workers = [threading.Thread(target=solve, args=(i,)) for i in range(16)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        for own, known in zip(found, expected):
            np.testing.assert_array_equal(own, known)


class SweepTest(unittest.TestCase):
    def test_points_are_those_of_single_calls(self):
        fractions, betas = np.linspace(0.1, 0.9, 5), [1.0, 2.0]
        data = ld.sweep(ld.steady_state, chain(), {"bath.nonequilibrium_fraction": fractions,
                                                   "bath.inverse_temperature": betas}, threads=2)
        self.assertEqual(data["current"].shape, (5, 2))
        for i, fraction in enumerate(fractions):
            for j, beta in enumerate(betas):
                bath = ld.ThermalBath(inverse_temperature=beta, nonequilibrium_fraction=fraction)
                self.assertEqual(data["current"].values[i, j], ld.steady_state(chain(bath=bath)).current)

    def test_keys_and_values_are_checked(self):
        for over in ({"bath.beta": [1.0]}, {"bath.coupling": [-1.0]}, {"bath.coupling": []}):
            with self.assertRaises((ValueError, ld.LindriftError)):
                ld.sweep(ld.steady_state, chain(), over)


class GradientTest(unittest.TestCase):
    def test_is_the_central_difference(self):
        state = ld.steady_state(chain(sites=21), tolerance=1e-13)
        keys = ["bath.nonequilibrium_fraction", "bath.inverse_temperature", "bath.delta"]
        slope = ld.gradient(state, of="current", with_respect_to=keys)
        step = 1e-4

        def current(fraction=0.5, beta=2.0, delta=1 + 1j):
            bath = ld.ThermalBath(inverse_temperature=beta, nonequilibrium_fraction=fraction)
            jump = ld.RamanJump(delta=delta, delta_prime=1 + 0.5j)
            return ld.steady_state(chain(sites=21, bath=bath, jump=jump), tolerance=1e-13).current
        # Truncation of order step^2 = 1e-8, times third derivatives of order one.
        self.assertAlmostEqual(slope[keys[0]], (current(0.5 + step) - current(0.5 - step)) / (2 * step), delta=1e-7)
        self.assertAlmostEqual(slope[keys[1]], (current(beta=2 + step) - current(beta=2 - step)) / (2 * step), delta=1e-7)
        by_real = (current(delta=1 + step + 1j) - current(delta=1 - step + 1j)) / (2 * step)
        by_imaginary = (current(delta=1 + (1 + step) * 1j) - current(delta=1 + (1 - step) * 1j)) / (2 * step)
        self.assertAlmostEqual(slope[keys[2]], by_real + 1j * by_imaginary, delta=1e-7)


class DocumentsTest(unittest.TestCase):
    def test_examples_run(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        ran = 0
        for name in ("README.md", "docs/python.md"):
            names = {}
            for block in re.findall(r"```python\n(.*?)```", (root / name).read_text(), re.DOTALL):
                if "import h5py" not in block:  # those of the program's files
                    with contextlib.redirect_stdout(io.StringIO()) as said:
                        exec(block, names)
                    ran += 1
                    if name == "README.md":
                        self.assertEqual(said.getvalue()[:8], "0.134719")
        self.assertGreaterEqual(ran, 4)


if __name__ == "__main__":
    unittest.main()
