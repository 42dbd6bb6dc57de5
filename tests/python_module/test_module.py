"""The compiled Python module: the numbers of the program, bad input, threads, sweeps, gradients.

Run with PYTHONPATH set to a folder with the built package; with LINDRIFT_PROGRAM the same problems also run through the
program.
"""

import _thread
import contextlib
import importlib.util
import io
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import numpy as np

import lindrift as ld

PROGRAM = os.environ.get("LINDRIFT_PROGRAM")
# The program compares its bits with those of this process, where NumPy may have loaded OpenBLAS with kernels of its choice.
if ld.blas_library().startswith("OpenBLAS"):
    os.environ["OPENBLAS_CORETYPE"] = ld.blas_library().rpartition(", ")[2]
PACKAGE = str(pathlib.Path(ld.__file__).absolute().parent.parent)


def chain(**changes):
    return ld.TggeChain(sites=100, bath=ld.ThermalBath(inverse_temperature=2.0, nonequilibrium_fraction=0.5),
                        jump=ld.RamanJump(delta=1 + 1j, delta_prime=1 + 0.5j)).replace(**changes)


def rashba():
    return ld.TggeRashba(sites=24, zeeman_field=0.5, rashba_y=1.1, rashba_z=0.9,
                         bath=ld.ThermalBath(nonequilibrium_fraction=0.7), jump=ld.DephasingJump(dephasing_up=0.8))


def open_square(kind, **more):
    """An open model on a square lattice, with different hopping for the two spins."""
    loss = ("loss", [(0, 0, 0.7), (1, 0, 0.7j), (0, 1, 0.2)])
    return kind(cells=[4, 3], hopping_terms_up=[(1, 0, -1.0), (0, 1, -0.8 + 0.1j)], hopping_terms_down=[(1, 0, -0.5), (0, 1, -1.0)],
                down=ld.OpenBath(gain=0.4, operator=[loss, ("gain", [(0, 0, 0.3), (1, 1, 0.1)])]), **more)


def hubbard(**changes):
    return ld.HubbardChain(sites=13, interaction=[1.5], down=ld.OpenBath(gain=0.2, two_site_loss=2.0)).replace(**changes)


def hatsugai_kohmoto():
    return ld.HatsugaiKohmoto(sites=17, interaction=4.0, down=ld.OpenBath(gain=1.5, two_site_loss=0.5),
                              up=ld.OpenBath(loss=0.1))


def square(**changes):
    operators = [[(0, 0, 0, 0, 0, 0, 1.0), (1, 0, 0, 0, 0, 0, 1j), (0, 0, 0, 0, 1, 0, 0.4)]]
    return ld.TggeLattice(cells=[6, 5], preset="square", bath=ld.ThermalBath(nonequilibrium_fraction=0.4),
                          jump=ld.JumpOperators(operators)).replace(**changes)


def two_orbitals(**changes):
    """A lattice given by its terms: real and complex amplitudes, an offset, skew axes."""
    terms = [(1, 0, 0, 0, -1.0), (0, 1, 0, 0, -0.7), (1, 1, 0, 1, 0.2 + 0.1j), (0, 0, 1, 1, 0.9), (0, 1, 1, 1, -0.4)]
    operators = [[(0, 0, 0, 0, 0, 1, 1.0), (1, 0, 1, 0, 0, 0, 0.5j)], [(0, 1, 0, 0, 0, 0, 0.3)]]
    return ld.TggeLattice(cells=[4, 5], orbitals=2, hopping_terms=terms, add_hermitian_conjugate=True,
                          lattice_vectors=[[1.0, 0.0], [0.5, 0.8]], positions=[[0.0, 0.0], [0.3, 0.1]],
                          bath=ld.ThermalBath(nonequilibrium_fraction=0.4),
                          jump=ld.JumpOperators(operators)).replace(**changes)


def ssh():
    return ld.OrbitalHatsugaiKohmoto(cells=[6], hopping_terms=[(0, 0, 1, 1.0), (-1, 0, 1, 0.7)], interaction=1.0,
                                     up=ld.OrbitalBath(gain=0.05, loss=0.05),
                                     down=ld.OrbitalBath(gain=0.5, operator=[("loss", [(0, 0, 1.0), (0, 1, 1.0j)])]))


class NumbersTest(unittest.TestCase):
    @unittest.skipUnless(PROGRAM, "LINDRIFT_PROGRAM is not set")
    def test_version_is_the_programs(self):
        said = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout
        self.assertEqual(said.split()[1], ld.__version__)

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

    def compare(self, name, model, tables, solve):
        """Also runs a problem through the program. solve() returns a dict of datasets or has to_xarray()."""
        import h5py
        with self.subTest(case=name), tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "case.toml").write_text(model.to_toml(**tables))
            self.assertEqual(ld.read_toml(place / "case.toml"), model)
            subprocess.run([PROGRAM, "run", "case.toml", "--threads", "1", "--backend", "cpu"], cwd=folder, check=True,
                           capture_output=True)
            own = solve(model)
            own = own if isinstance(own, dict) else {key: one.values for key, one in own.to_xarray().data_vars.items()}
            again = ld.run(place / "case.toml", threads=1, backend="cpu")
            with h5py.File(place / "case.h5") as file:
                compared = [key for key in own if key in file]
                self.assertGreaterEqual(len(compared), min(3, len(own)))
                for key in compared:
                    np.testing.assert_array_equal(file[key][()], own[key], err_msg=f"{name}: {key}")
                    np.testing.assert_array_equal(again[key].values, own[key], err_msg=f"{name}: {key}")

    @unittest.skipUnless(PROGRAM, "LINDRIFT_PROGRAM is not set")
    def test_same_bits_as_the_program(self):
        times, frequencies = [0.5, 2.0], [0.0, 1.0]
        relax = {"task": {"kind": "relax", "times": times}}, lambda m: ld.relax(m, times=times, threads=1)
        steady = {"task": {"kind": "steady_state"}}, lambda m: ld.steady_state(m, threads=1)
        green = {"task": {"kind": "green", "times": times}}, lambda m: ld.green(m, times=times, threads=1)
        spectral = ({"task": {"kind": "spectral", "frequencies": frequencies}},
                    lambda m: ld.spectral(m, frequencies=frequencies, threads=1))
        density = {"task": {"kind": "density", "times": times}}, lambda m: ld.density(m, times=times, threads=1)
        thermal = ({"task": {"kind": "relax", "times": times}, "initial": {"state": "thermal", "momentum_shift": 1}},
                   lambda m: ld.relax(m, times=times, threads=1, initial=ld.InitialState("thermal", momentum_shift=1)))
        moved = ({"task": {"kind": "relax", "times": times}, "initial": {"state": "thermal", "momentum_shift": [1, -2]}},
                 lambda m: ld.relax(m, times=times, threads=1, initial=ld.InitialState("thermal", momentum_shift=[1, -2])))
        ring = ld.HubbardChain(sites=3, interaction=[2.0], down=ld.OpenBath(gain=0.2, two_site_loss=2.0), up=ld.OpenBath(gain=0.1, loss=0.3))
        exact = ({"task": {"kind": "exact", "times": times, "frequencies": frequencies}},
                 lambda m: ld.exact(m, times=times, frequencies=frequencies, threads=1))
        lorentzian = ld.ThermalBath(nonequilibrium_fraction=0.3, spectrum="lorentzian")
        touching = ld.TggeRashba(sites=12, rashba_y=1.1, rashba_z=0.9, bath=ld.ThermalBath(nonequilibrium_fraction=0.5),
                                 jump=ld.JumpOperators([[(0, 0, 0, 0, 0.8), (0, 1, 0, 0, 0.5j), (1, 0, 0, 1, 0.3)]]))
        cases = {
            "chain": (chain(), *steady), "lorentzian": (chain(bath=lorentzian), *steady), "from thermal": (chain(), *thermal),
            "rashba": (rashba(), *relax), "rashba steady": (rashba(), *steady), "degenerate": (touching, *steady),
            "chain relax": (chain(), *relax), "square": (square(), *steady), "square from thermal": (square(), *moved), "square relax": (square(), *relax),
            "orbitals": (two_orbitals(), *steady),
            "operators": (two_orbitals(operators={"s_x": [[0, 1], [1, 0]], "s_y": [[0, -1j], [1j, 0]]}), *steady),
            "orbitals relax": (two_orbitals(), *relax),
            "exact": (hatsugai_kohmoto(), *green), "density": (hatsugai_kohmoto(), *density),
            "peaks": (hatsugai_kohmoto(), *spectral), "hubbard": (hubbard(), *green), "self energy": (hubbard(), *spectral),
            "open square": (open_square(ld.HatsugaiKohmoto, interaction=4.0), *green),
            "open square density": (open_square(ld.HatsugaiKohmoto, interaction=4.0), *density),
            "hubbard square": (open_square(ld.HubbardChain, interaction=[1.5]), *green),
            "hubbard square peaks": (open_square(ld.HubbardChain, interaction=[1.5], approximation="ladder"), *spectral),
            "ring": (ring, *exact), "two spins": (ring.replace(sites=8), *steady),
            "two spins on a square": (open_square(ld.HubbardChain, interaction=[1.5], up=ld.OpenBath(gain=0.1, loss=0.3)), *steady),
            "one particle on a square": (open_square(ld.HubbardChain, interaction=[1.5]), {"task": {"kind": "transport"}},
                                         lambda m: ld.transport(m, threads=1)),
            "one particle": (hubbard(), {"task": {"kind": "transport", "exact_sites": 3}},
                             lambda m: ld.transport(m, exact_sites=3, threads=1)), "cluster": (hatsugai_kohmoto().replace(sites=12, cluster=3), *green),
            "poles": (hatsugai_kohmoto(), {"task": {"kind": "poles", "base_energies": [[4.0, -0.2], [2.0, -0.5]]}},
                      lambda m: ld.poles(m, base_energies=[4.0 - 0.2j, 2.0 - 0.5j], threads=1)),
            "square poles": (open_square(ld.HatsugaiKohmoto, interaction=4.0), {"task": {"kind": "poles"}},
                             lambda m: ld.poles(m, threads=1)),
            "several orbitals": (ssh(), *steady), "orbital green": (ssh(), *green), "orbital peaks": (ssh(), *spectral),
            "interaction matrix": (ssh().replace(interaction=0.0, interaction_matrix=[[1.0, 0.3], [0.0, -0.5]]), *steady),
            "two spins' peaks": (ring.replace(sites=8), {"task": {"kind": "steady_state", "frequencies": frequencies}},
                                 lambda m: ld.steady_state(m, frequencies=frequencies, threads=1)),
            "ladder green": (hubbard(approximation="ladder"), *green), "ladder": (hubbard(approximation="ladder"), *spectral)}
        for name, case in cases.items():
            self.compare(name, *case)

    @unittest.skipUnless(PROGRAM, "LINDRIFT_PROGRAM is not set")
    def test_same_bits_of_derivatives_and_noise(self):
        keys = ["bath.inverse_temperature", "bath.nonequilibrium_fraction", "bath.coupling"]

        def gradient(of, by):
            def solve(model):
                found = ld.gradient(ld.steady_state(model, threads=1), of=of, with_respect_to=by, threads=1)
                return {f"gradient_{key}": np.asarray(value)[np.newaxis] for key, value in found.items()}
            return {"task": {"kind": "gradient", "of": of, "with_respect_to": by}}, solve

        def noise(of):
            return ({"task": {"kind": "noise", "of": of}},
                    lambda model: {"noise": ld.noise(ld.steady_state(model, threads=1), of=of, threads=1)})
        for name, model, of, more in (("chain", chain(sites=31), ["current", "energy_current"], ["bath.delta"]),
                                      ("rashba", rashba(), ["current"], ["model.rashba_y", "bath.dephasing_up"]),
                                      ("square", square(), ["current_2", "energy_current_1"], ["bath.jump_operator"]),
                                      ("orbitals", two_orbitals(), ["current_1"], ["model.hopping_terms"])):
            self.compare(f"{name} gradient", model, *gradient(of[0], keys + more))
            self.compare(f"{name} noise", model, *noise(of))
            # Swept, with several flows: the same in this process and in a file.
            fractions = [model.bath.nonequilibrium_fraction, 0.8]
            for task, function, options in (("gradient", ld.gradient, {"of": of, "with_respect_to": keys + more}),
                                            ("noise", ld.noise, {"of": of})):
                tables = {"task": {"kind": task, **options}, "sweep": {"bath.nonequilibrium_fraction": fractions}}
                self.compare(f"{name} {task}s", model, tables,
                             lambda m, function=function, options=options: {key: one.values for key, one in ld.sweep(
                                 function, m, {"bath.nonequilibrium_fraction": fractions}, **options).data_vars.items()
                                 if key not in ("status", "error")})

    @unittest.skipUnless(PROGRAM, "LINDRIFT_PROGRAM is not set")
    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            table = np.random.default_rng(3).random((4, 4))
            import h5py
            with h5py.File(place / "w.h5", "w") as file:
                file["weights"] = table
            (place / "one_hr.dat").write_text("one band\n1\n3\n1 1 1\n0 0 0 1 1 0.5 0\n1 0 0 1 1 -1 0\n-1 0 0 1 1 -1 0\n")
            (place / "table.toml").write_text('[model]\nkind = "tgge_chain"\nsites = 4\n[bath]\njump = "table"\n'
                                              'table = "w.h5:/weights"\n[task]\nkind = "steady_state"\n'
                                              '[sweep]\n"bath.nonequilibrium_fraction" = [0.25, 0.5]\n')
            model = ld.read_toml(place / "table.toml")
            np.testing.assert_array_equal(model.jump.table, table)
            self.assertEqual(model.bath.nonequilibrium_fraction, 0.25)
            found = ld.run(place / "table.toml", output=place / "kept.h5", threads=1, backend="cpu")
            self.assertEqual(found["current"].values[0], ld.steady_state(model, threads=1).current)
            self.assertEqual(found.to_xarray()["current"].dims, ("bath.nonequilibrium_fraction",))
            self.assertTrue((place / "kept.h5").exists())
            with self.assertRaisesRegex(ld.ParameterError, "overwrite"):
                ld.run(place / "table.toml", output=place / "kept.h5")
            with self.assertRaisesRegex(ld.ParameterError, "sites"):
                ld.run(place / "table.toml", set={"model.sites": -3})
            read = ld.TggeLattice(cells=[9], hamiltonian=place / "one_hr.dat", jump=ld.JumpOperators([[(0, 0, 0, 0, 1.0)]]))
            self.assertEqual(ld.steady_state(read).energy.shape, (1, 9))
            (place / "read.toml").write_text(read.to_toml().replace(str(place) + "/", ""))
            self.assertEqual(ld.read_toml(place / "read.toml"), read)
            for text, expected in (("[model]\nkind = 3\n", "model.kind"), ("[model\n", "read.toml"),
                                   ('[model]\nkind = "tgge_chain"\nsite = 3\n', "model.site"),
                                   ('[model]\nkind = "tgge_chain"\nsites = 0\n', "model.sites: 0"),
                                   ('[model]\nkind = "tgge_chain"\n[bath]\njump = "none"\n', "raman")):
                (place / "read.toml").write_text(text)
                with self.assertRaisesRegex(ld.ParameterError, expected):
                    ld.read_toml(place / "read.toml")


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
        self.refuse(ld.ShapeError, "with 2 numbers R", lambda: ld.TggeLattice(cells=[3, 3], hopping_terms=[(1, 0, 0, 1.0)]))
        self.refuse(ld.ParameterError, "orbital 300", lambda: ld.JumpOperators([[(0, 0, 0, 300, 1.0)]]))
        self.refuse(ld.ParameterError, "leaves the 1 directions", lambda: square(cells=[6], preset="chain"))
        self.refuse(ld.ParameterError, "current_3", lambda: ld.noise(ld.steady_state(square()), of="current_3"))
        self.refuse(ld.ShapeError, "2 x 3", lambda: ld.TableJump(np.zeros((2, 3))))
        self.refuse(ld.ParameterError, "bath.table", lambda: ld.TableJump([[1.0, -1.0], [0.0, 0.0]]))
        self.refuse(ld.ParameterError, "V_1 = 0.5",
                    lambda: ld.green(hubbard(interaction=[1.0, 0.5], approximation="ladder"), times=[1.0]))

    def test_parameters_without_a_meaning_are_refused(self):
        text = 'bath.spectrum_width: has no meaning for bath.spectrum = "exponential", only for "lorentzian" or "ohmic"'
        self.refuse(ld.ParameterError, text, lambda: ld.ThermalBath(spectrum_width=2.0))
        self.refuse(ld.ParameterError, text, lambda: ld.sweep(ld.steady_state, chain(), {"bath.spectrum_width": [1.0]}))
        self.refuse(ld.ParameterError, "model.rashba: has no meaning", lambda: square(rashba=0.1))
        self.refuse(ld.ParameterError, "where model.hamiltonian is given",
                    lambda: ld.TggeLattice(hamiltonian="a_hr.dat", orbitals=2))
        ld.ThermalBath(spectrum="ohmic", spectrum_width=2.0).replace(spectrum="lorentzian")

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


class OperatorsTest(unittest.TestCase):
    def test_currents_of_operators(self):
        model = two_orbitals(operators={"one": np.eye(2), "first": [[1, 0], [0, 0]], "x": [[0, 1], [1, 0]]})
        state = ld.steady_state(model)
        self.assertEqual(state.operator_current.shape, (3, 2))
        np.testing.assert_allclose(state.operator_current[0], state.current, atol=1e-13)
        np.testing.assert_allclose(state.operator_current[1], state.orbital_current[0], atol=1e-13)
        self.assertEqual(state.to_xarray()["operator"].values.tolist(), ["one", "first", "x"])
        self.assertEqual(state.density_matrix.shape, (4, 5, 2, 2))
        np.testing.assert_array_equal(model.operators["x"], [[0, 1], [1, 0]])
        for wrong, error in (({"x": [[0, 1], [0, 0]]}, ld.ParameterError), ({"x": np.eye(3)}, ld.ParameterError),
                             ({"x": [[0, 1]]}, ld.ShapeError), ([[0, 1], [1, 0]], TypeError)):
            with self.assertRaises(error):
                ld.steady_state(two_orbitals(operators=wrong))


class ObjectTest(unittest.TestCase):
    def test_models_are_values(self):
        for model in (chain(), rashba(), hubbard(), hatsugai_kohmoto(), two_orbitals(),
                      two_orbitals(operators={"s_y": [[0, -1j], [1j, 0]], "one": np.eye(2)}),
                      chain(jump=ld.JumpOperators([[(0, 0, 1.0), (0, 1, -1 - 0.5j)]]))):
            self.assertEqual(pickle.loads(pickle.dumps(model)), model)
            other = {"cells": [4, 6]} if isinstance(model, ld.TggeLattice) else {"sites": model.sites + 1}
            self.assertNotEqual(model.replace(**other), model)
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


class InterruptionTest(unittest.TestCase):
    """Ctrl-C, the interpreter's lock and progress during calculations of the library."""

    LONG = {
        "relax": lambda **more: ld.relax(chain(sites=6000), times=np.linspace(0, 1000, 1001), algorithm="direct", **more),
        "steady_state": lambda **more: ld.steady_state(chain(sites=30000), algorithm="direct", **more),
        "sweep": lambda **more: ld.sweep(ld.steady_state, chain(sites=20000), {"bath.nonequilibrium_fraction": [0.1, 0.2]},
                                         algorithm="direct", **more),
        "green": lambda **more: ld.green(hubbard(sites=96, approximation="ladder"), times=[500.0], tolerance=1e-12, **more),
        "spectral": lambda **more: ld.spectral(hubbard(sites=512), frequencies=np.linspace(-4, 4, 101), algorithm="direct",
                                               **more),
        "density": lambda **more: ld.density(hatsugai_kohmoto().replace(sites=1501), times=np.arange(2000.0), **more),
    }

    def test_ctrl_c_stops_within_a_second(self):
        for name, call in self.LONG.items():
            with self.subTest(task=name):
                timer = threading.Timer(0.3, _thread.interrupt_main)
                timer.start()
                start = time.monotonic()
                with self.assertRaises(KeyboardInterrupt):
                    call(threads=1)
                    timer.join()  # if the call was too short, the interruption comes here
                    self.fail("it ended before it was interrupted")
                self.assertLess(time.monotonic() - start, 1.3)

    def test_an_exception_of_progress_stops(self):
        def stop(fraction):
            raise RuntimeError(f"at {fraction}")
        for name, call in self.LONG.items():
            with self.subTest(task=name), self.assertRaisesRegex(RuntimeError, "at 0"):
                call(progress=stop)

    def test_progress_ends_at_one(self):
        class Bar:
            total, n = 50, 0.0

            def update(self, step):
                self.n += step
        seen, bar = [], Bar()
        for progress in (seen.append, bar):
            ld.sweep(ld.steady_state, chain(), {"bath.coupling": np.linspace(0.01, 0.1, 50)}, progress=progress)
        self.assertEqual(seen[-1], 1.0)
        self.assertEqual(seen, sorted(seen))
        self.assertAlmostEqual(bar.n, 50)

    def test_lock_is_released(self):
        ticks, done = [], threading.Event()

        def tick():
            while not done.wait(0.01):
                ticks.append(time.monotonic())
        thread = threading.Thread(target=tick)
        thread.start()
        start = time.monotonic()
        ld.relax(chain(sites=1500), times=[50.0], algorithm="direct", threads=1)
        end = time.monotonic()
        done.set()
        thread.join()
        self.assertGreater(len([one for one in ticks if start < one < end]), (end - start) / 0.1)


class TypesTest(unittest.TestCase):
    PROGRAM = """
import numpy as np
import numpy.typing as npt
import lindrift as ld
chain = ld.TggeChain(sites=100, bath=ld.ThermalBath(nonequilibrium_fraction=0.5), jump=ld.RamanJump(delta=1 + 1j))
state: ld.SteadyState = ld.steady_state(chain.replace(sites=40), filling=0.5, lagrange_multiplier=None)
current: float = state.current
occupation: npt.NDArray[np.float64] = ld.relax(chain, times=[0.0, 1.0]).occupation
lattice: ld.LatticeSteadyState = ld.steady_state(ld.TggeLattice(cells=[4, 4], preset="square"))
drift: npt.NDArray[np.float64] = ld.green(ld.HubbardChain(sites=8), times=[1.0]).drift
slope: dict[str, object] = ld.gradient(state, with_respect_to=["bath.delta"])
result: ld.Result = ld.run("peak.toml", set={"model.sites": 4})
print(ld.__version__, ld.noise(state), ld.read_toml("peak.toml"), ld.sweep(ld.steady_state, chain, {"bath.coupling": [1]}))
"""
    WRONG = {"ld.steady_state(3)": "call-overload", "ld.TggeChain(sitse=4)": "call-arg", "ld.ThermalBath(coupling='a')": "arg-type",
             "state.curent": "attr-defined", "ld.sted_state": "attr-defined"}

    @unittest.skipUnless(importlib.util.find_spec("mypy"), "mypy is not installed")
    def test_stubs(self):
        environment = dict(os.environ)
        if "site-packages" not in PACKAGE:  # mypy looks there anyway, and rejects a path to it
            environment["MYPYPATH"] = PACKAGE

        def check(text):
            with tempfile.TemporaryDirectory() as folder:
                place = pathlib.Path(folder) / "use.py"
                place.write_text(text)
                return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(place)], cwd=folder,
                                      env=environment, capture_output=True, text=True).stdout
        said = check(self.PROGRAM)
        self.assertIn("Success", said, said)
        said = check(self.PROGRAM + "\n".join(self.WRONG))
        for line, (text, kind) in enumerate(self.WRONG.items(), self.PROGRAM.count("\n") + 1):
            self.assertRegex(said, rf"use.py:{line}: error: .*\[{kind}\]", text)


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

    def test_every_point_is_checked_before_one_runs(self):
        with self.assertRaisesRegex(ld.ParameterError, "model.cluster"):
            ld.sweep(ld.green, hatsugai_kohmoto().replace(sites=12), {"model.cluster": [1, 2, 5]}, times=[1.0])
        ohmic = chain(bath=ld.ThermalBath(spectrum="ohmic", nonequilibrium_fraction=0.1))
        reports = []
        with self.assertRaisesRegex(ld.ParameterError, "ohmic"):
            ld.sweep(ld.steady_state, ohmic, {"bath.inverse_temperature": [1.0, 2.0, 0.0]}, progress=reports.append)
        self.assertEqual(reports, [])

    def test_sizes_and_lattices(self):
        data = ld.sweep(ld.steady_state, chain(), {"model.sites": [40, 41]})
        self.assertEqual([float(one) for one in data["current"]],
                         [ld.steady_state(chain(sites=sites)).current for sites in (40, 41)])
        self.assertNotIn("occupation", data)
        data = ld.sweep(ld.steady_state, square(), {"bath.nonequilibrium_fraction": [0.2, 0.4]})
        np.testing.assert_array_equal(data["energy_current"].values[1], ld.steady_state(square()).energy_current)
        data = ld.sweep(ld.steady_state, square(), {"model.cells": [[4, 4], [6, 5]]})
        np.testing.assert_array_equal(data["current"].values[1], ld.steady_state(square()).current)
        self.assertEqual(data["model.cells"].values.tolist(), [16, 30])
        self.assertEqual(data["model.cells_2"].values.tolist(), [4, 5])
        self.assertNotIn("occupation", data)
        with self.assertRaises(ld.ShapeError):
            ld.sweep(ld.steady_state, square(), {"model.cells": [[4, 4], [6]]})

    def test_gradients_and_noise(self):
        key, deltas = "bath.delta", [0.5, 1 + 1j]
        data = ld.sweep(ld.gradient, chain(sites=21), {key: deltas}, of=["current", "energy_current"], with_respect_to=[key, "initial.filling"],
                        filling=0.4, threads=2)
        noise = ld.sweep(ld.noise, chain(sites=21), {key: deltas}, of=["current", "energy_current"], filling=0.4)
        self.assertEqual(data[f"gradient_{key}"].dims, (key, "of"))
        self.assertEqual(noise["noise"].dims, (key, "of", "of_2"))
        self.assertEqual(list(data["of"].values), ["current", "energy_current"])
        for i, delta in enumerate(deltas):
            state = ld.steady_state(chain(sites=21, jump=ld.RamanJump(delta=delta, delta_prime=1 + 0.5j)), filling=0.4)
            self.assertEqual(data["value"].values[i, 0], state.current)
            for j, of in enumerate(("current", "energy_current")):
                slope = ld.gradient(state, of=of)
                self.assertEqual(data[f"gradient_{key}"].values[i, j], slope[key])
                self.assertEqual(data["gradient_initial.filling"].values[i, j], slope["initial.filling"])
            np.testing.assert_array_equal(noise["noise"].values[i], ld.noise(state, of=["current", "energy_current"]))
        everything = ld.sweep(ld.gradient, two_orbitals(), {"bath.coupling": [0.1]}, of="current_1")
        self.assertEqual(dict(everything.sizes), {"bath.coupling": 1, "of": 1, "term": 3, "hopping_term": 5})

    def test_points_without_derivatives(self):
        # With the Raman bath alone, modes are exactly empty or full.
        model = chain(sites=8, jump=ld.RamanJump(delta=1, delta_prime=1 + 0.5j))
        data = ld.sweep(ld.gradient, model, {"bath.nonequilibrium_fraction": [0.5, 1.0]}, with_respect_to="bath.delta")
        self.assertEqual(list(data["status"].values), [1, 2])
        self.assertIn("exactly empty or full", str(data["error"].values[1]))
        self.assertTrue(np.isnan(data["gradient_bath.delta"].values[1, 0]))
        for refused, words in (({"with_respect_to": "bath.spectrum_width"}, "no meaning in this model"), ({"of": "curent"}, "curent"),
                               ({"of": ["current", "current_1"]}, "twice"), ({"filling": 2.0}, "initial.filling")):
            with self.subTest(words), self.assertRaisesRegex(ld.ParameterError, words):
                ld.sweep(ld.gradient, chain(), {"bath.coupling": [0.1]}, **refused)
        with self.assertRaisesRegex(ld.ParameterError, "task.of"):
            ld.sweep(ld.noise, chain(), {"bath.coupling": [0.1]}, of="current_2")

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
        # Truncation error of order step^2 = 1e-8, times third derivatives of order one.
        self.assertAlmostEqual(slope[keys[0]], (current(0.5 + step) - current(0.5 - step)) / (2 * step), delta=1e-7)
        self.assertAlmostEqual(slope[keys[1]], (current(beta=2 + step) - current(beta=2 - step)) / (2 * step), delta=1e-7)
        by_real = (current(delta=1 + step + 1j) - current(delta=1 - step + 1j)) / (2 * step)
        by_imaginary = (current(delta=1 + (1 + step) * 1j) - current(delta=1 + (1 - step) * 1j)) / (2 * step)
        self.assertAlmostEqual(slope[keys[2]], by_real + 1j * by_imaginary, delta=1e-7)


class DocumentsTest(unittest.TestCase):
    def test_examples_run(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        ran = 0
        for name in ("README.md", "docs/python.md", "docs/howto.md", "docs/index.md"):
            names = {}
            for block in re.findall(r"```python\n(.*?)```", (root / name).read_text(), re.DOTALL):
                if "import h5py" not in block:  # those read the program's files
                    with contextlib.redirect_stdout(io.StringIO()) as said:
                        exec(block, names)
                    ran += 1
                    if name == "README.md":
                        self.assertEqual(said.getvalue()[:8], "0.134719")
        self.assertGreaterEqual(ran, 8)

    def test_gallery_runs(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        scripts = sorted((root / "docs/gallery").glob("*.py"))
        self.assertGreaterEqual(len(scripts), 10)
        for script in scripts:
            with self.subTest(script=script.name), tempfile.TemporaryDirectory() as folder:
                ran = subprocess.run([sys.executable, str(script)], cwd=folder, env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": PACKAGE},
                                     capture_output=True, text=True)
                self.assertEqual(ran.returncode, 0, ran.stderr)


if __name__ == "__main__":
    unittest.main()
