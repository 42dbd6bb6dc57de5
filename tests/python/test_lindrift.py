"""Tests of the Python package: run with `python3 -m unittest discover -s tests/python`."""

import contextlib
import io
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import h5py
import matplotlib
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(HERE, "..", "..", "python")
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
sys.path[:0] = [HERE, PACKAGE]

import check_output  # noqa: E402
import lindrift  # noqa: E402
import synthetic  # noqa: E402
import synthetic_hubbard  # noqa: E402
import synthetic_open  # noqa: E402
from lindrift import figures, hubbard_figures, plot, style  # noqa: E402
from lindrift.__main__ import STOP_SIGNALS, Stopped, main  # noqa: E402
from lindrift.program import wait_for  # noqa: E402

KEY = "bath.nonequilibrium_fraction"


def run(*arguments):
    """Exit status, standard output and standard error of the command line, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(one) for one in arguments])
        except SystemExit as stop:
            status = stop.code
    return status, out.getvalue(), err.getvalue()


def picture_size(path):
    with open(path, "rb") as file:
        header = file.read(24)
    assert header[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", header[16:24])


class InFolder(unittest.TestCase):
    """Every test runs in its own folder, which is the current one."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def assert_picture(self, path):
        width, height = picture_size(path)
        self.assertGreater(width, 1000)
        self.assertGreater(height, 700)
        self.assertGreater(os.path.getsize(path), 10_000)


class LoadTest(InFolder):
    def test_reads_fields_coordinates_and_attributes(self):
        result = lindrift.load(synthetic.sweep("a.h5", [0.0, 0.5], sites=8))
        self.assertEqual(result[KEY].values.tolist(), [0.0, 0.5])
        self.assertEqual(result["lagrange_multiplier"].dimensions, (KEY, "momentum"))
        self.assertEqual(result["current"].units, "energy")
        self.assertEqual(result["current"].long_name, "particle current")
        self.assertEqual(result["error"].values.tolist(), ["", ""])
        self.assertEqual(set(result.coordinates), {KEY, "momentum"})
        self.assertEqual(result.sweep_keys, (KEY,))
        self.assertEqual(result.attributes["lindrift_version"], "0.1.0")
        self.assertEqual(result.attributes["threads"], 1)
        self.assertEqual(result.parameter("bath.inverse_temperature"), 2.0)
        self.assertEqual(result.parameter("model.kind"), "tgge_chain")
        self.assertIsNone(result.parameter("bath.nothing"))

    def test_reads_zip_sweeps(self):
        result = lindrift.load(synthetic.sweep("a.h5", [0.0, 0.5, 1.0], sites=8, zipped=True))
        self.assertEqual(result.sweep_dimensions, ("point",))
        self.assertEqual(result.sweep_keys, (KEY,))
        self.assertEqual(result.coordinates[KEY].dimensions, ("point",))
        self.assertEqual(result["point"].values.tolist(), [0, 1, 2])

    def test_reads_complex_numbers(self):
        synthetic.write("a.h5", {"site": (("site",), [0, 1], "1", "site"),
                                 "green_retarded": (("site",), np.array([1 + 2j, 3j]), "1", "G")})
        self.assertEqual(lindrift.load("a.h5")["green_retarded"].values.tolist(), [1 + 2j, 3j])

    def test_numbers_of_the_input_without_a_toml_reader(self):
        from lindrift.result import _lookup_number

        text = synthetic.resolved_input(20, beta=2.5)
        self.assertEqual(_lookup_number(text, "bath.inverse_temperature", None), 2.5)
        self.assertEqual(_lookup_number(text, "model.hopping", None), 1.0)
        self.assertIsNone(_lookup_number(text, "bath.hopping", None))

    def test_refuses_what_is_not_a_result(self):
        os.mkdir("folder")
        os.mkfifo("pipe")
        with open("text.h5", "w") as file:
            file.write("no")
        with open("empty.h5", "w"):
            pass
        with h5py.File("foreign.h5", "w") as file:
            file["x"] = [1.0]
        synthetic.steady_state("cut.h5", sites=8)
        os.truncate("cut.h5", os.path.getsize("cut.h5") // 2)
        for path, message in (("missing.h5", "no such file"), ("folder", "folder"), ("pipe", "not a regular file"), ("text.h5", "not an HDF5"),
                              ("empty.h5", "not an HDF5"), ("foreign.h5", "not written by lindrift"),
                              ("cut.h5", "cannot be read")):
            with self.subTest(path), self.assertRaisesRegex(lindrift.LindriftError, message):
                lindrift.load(path)

    def test_names_the_datasets_that_there_are(self):
        result = lindrift.load(synthetic.steady_state("a.h5", sites=8))
        with self.assertRaisesRegex(lindrift.LindriftError, "no dataset density.*occupation"):
            result["density"]


class PlotTest(InFolder):
    def axes(self, path):
        return plot.draw(lindrift.load(path)).axes

    def test_sweep_shows_current_and_distributions(self):
        left, right = self.axes(synthetic.sweep("a.h5", np.linspace(0, 1, 5), sites=8))
        self.assertEqual(left.get_xlabel(), r"$\gamma_{\mathrm{neq}}$")
        self.assertEqual(left.get_ylabel(), "current $I$ ($J$)")
        self.assertEqual(right.get_xlabel(), "momentum $k$")
        self.assertEqual(right.get_ylabel(), r"Lagrange multiplier $\lambda_k$")
        self.assertEqual([one.get_text() for one in right.get_xticklabels()],
                         [r"$-\pi$", r"$-\pi/2$", r"$0$", r"$\pi/2$", r"$\pi$"])
        self.assertEqual(len(right.get_legend().get_texts()), 5)

    def test_units_stay_where_hopping_is_not_one(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file.attrs["resolved_input"] = "[model]\nhopping = 2.0\n"
        result = lindrift.load(path)
        self.assertEqual(style.label(result["current"], result), "current $I$ (energy)")

    def test_points_that_failed_are_left_out_and_unconverged_ones_hollow(self):
        path = synthetic.sweep("a.h5", np.linspace(0, 1, 6), sites=8, status=[1, 0, 2, 3, 1, 1])
        figure = plot.draw(lindrift.load(path))
        line, filled, hollow = figure.axes[0].get_lines()[:3]
        np.testing.assert_allclose(line.get_xdata(), [0.0, 0.6, 0.8, 1.0])
        np.testing.assert_allclose(filled.get_xdata(), [0.0, 0.8, 1.0])
        np.testing.assert_allclose(hollow.get_xdata(), [0.6])
        self.assertEqual(hollow.get_markerfacecolor(), "white")
        self.assertIn("2 of 6 points missing or failed, 1 of 6 points did not converge", figure._suptitle.get_text())

    def test_a_sweep_with_nothing_done_says_so(self):
        path = synthetic.sweep("a.h5", [0.0, 1.0], sites=8, status=[0, 2])
        status, _, err = run("plot", path)
        self.assertEqual(status, 2)
        self.assertIn("no point of the sweep is done", err)

    def test_a_sweep_without_a_number_is_not_drawn(self):
        path = synthetic.sweep("nan.h5", [0.0, 1.0], sites=8)
        with h5py.File(path, "r+") as file:
            file["current"][...] = np.nan
        status, _, err = run("plot", path, "--dataset", "current")
        self.assertEqual(status, 2, err)
        self.assertIn("no value is a finite number", err)

    def test_two_keys_make_lines_or_a_map(self):
        (lines,) = self.axes(synthetic.sweep_of_two("a.h5", [0.0, 0.5, 1.0], [1.0, 2.0], sites=8))
        self.assertEqual([one.get_text() for one in lines.get_legend().get_texts()], ["1", "2"])
        (lines,) = self.axes(synthetic.sweep_of_two("c.h5", [0.0, 0.5, 1.0], np.linspace(1, 2, 12), sites=4))
        self.assertEqual(lines.get_xlabel(), r"inverse temperature $\beta$ (1/$J$)")  # the longer one becomes the axis
        self.assertEqual(len(lines.get_legend().get_texts()), 3)
        heatmap, bar = self.axes(synthetic.sweep_of_two("b.h5", np.linspace(0, 1, 10), np.linspace(1, 2, 12), sites=4))
        self.assertEqual(heatmap.get_xlabel(), r"$\gamma_{\mathrm{neq}}$")
        self.assertEqual(heatmap.get_ylabel(), r"inverse temperature $\beta$ (1/$J$)")
        self.assertEqual(bar.get_ylabel(), "current $I$ ($J$)")

    def test_single_steady_state(self):
        left, right = self.axes(synthetic.steady_state("a.h5", sites=8))
        self.assertEqual(left.get_ylabel(), "occupation $n_k$")
        self.assertEqual(right.get_ylabel(), r"Lagrange multiplier $\lambda_k$")
        self.assertIn("$I$ = 0.0", right.get_title(loc="right"))

    def test_unconverged_run_is_marked(self):
        figure = plot.draw(lindrift.load(synthetic.steady_state("a.h5", sites=8, converged=0)))
        self.assertEqual(figure._suptitle.get_text(), "did not converge")

    def test_relaxation(self):
        multipliers, current, bar = self.axes(synthetic.relaxation("a.h5", sites=8, times=[0.0, 1.0, 5.0]))
        self.assertEqual(multipliers.get_xlabel(), "time $t$ (1/$J$)")
        self.assertEqual(current.get_xlabel(), "time $t$ (1/$J$)")
        self.assertEqual(current.get_ylabel(), "current $I$ ($J$)")
        self.assertEqual(bar.get_ylabel(), "momentum $k$")

    def test_bands_are_two_lines(self):
        left, right = self.axes(synthetic.two_bands("a.h5"))
        self.assertEqual(left.get_ylabel(), r"occupation $n_{k\nu}$")
        self.assertEqual(right.get_ylabel(), r"Lagrange multiplier $\lambda_{k\nu}$")
        self.assertEqual([one.get_text() for one in left.get_legend().get_texts()], ["$+$", "$-$"])
        self.assertIn("$I$ = 0.0", right.get_title(loc="right"))

    def test_spins_have_their_currents_in_a_sweep(self):
        currents, bands = self.axes(synthetic.two_bands_sweep("a.h5", [0.0, 0.5, 0.9], sites=8))
        self.assertEqual([one.get_text() for one in currents.get_legend().get_texts()],
                         ["$I$", r"$I_{\uparrow}$", r"$I_{\downarrow}$"])
        lines = {one.get_label(): one.get_ydata() for one in currents.get_lines()}
        np.testing.assert_allclose(lines["$I$"], lines[r"$I_{\uparrow}$"] + lines[r"$I_{\downarrow}$"], atol=1e-15)
        self.assertEqual([one.get_text() for one in bands.get_legend().get_texts()],
                         ["0", "0.5", "0.9", "band $+$", "band $-$"])

    def test_spins_have_their_currents_against_time(self):
        bands, currents = self.axes(synthetic.two_bands_relaxation("a.h5", np.linspace(0.0, 5.0, 4)))
        self.assertEqual(bands.get_title(loc="left"), "$t$ = 5")
        self.assertEqual(len(currents.get_legend().get_texts()), 3)
        self.assertEqual(currents.get_xlabel(), "time $t$ (1/$J$)")

    def test_zipped_keys_name_the_axis(self):
        equilibrium = np.array([1e-4, 1e-2, 1.0])
        currents, _ = self.axes(synthetic.two_bands_sweep("a.h5", 1.0 - equilibrium, 8, equilibrium=equilibrium))
        self.assertEqual(currents.get_xlabel(), r"$\gamma_{\mathrm{eq}}$")
        self.assertEqual(currents.get_xscale(), "log")

    def test_every_other_kind_of_file_draws(self):
        time, site = (("time",), np.linspace(0, 2, 5), "1/energy", "time"), (("site",), np.arange(-2, 2), "1", "site")
        frequency = (("frequency",), np.linspace(-1, 1, 6), "energy", "frequency")
        momentum = (("momentum",), np.pi * np.arange(-2, 2) / 2, "rad", "momentum")
        text = h5py.string_dtype()
        band = (("band",), np.array(["+", "-"], dtype=text), "1", "band")
        swept = (("model.interaction",), [0.0, 1.0], "energy", "interaction")
        done = (("model.interaction",), np.ones(2, np.uint8), "1", "status")
        numbers = np.random.default_rng(1).normal
        cases = {
            "green": {"time": time, "site": site, "drift": (("time",), numbers(size=5), "1", "drift"),
                      "green_retarded": (("time", "site"), numbers(size=(5, 4)) + 1j, "1", "G")},
            "green_momentum": {"time": time, "momentum": momentum,
                               "green_retarded_momentum": (("time", "momentum"), numbers(size=(5, 4)) + 1j, "1", "G")},
            "spectral": {"momentum": momentum, "frequency": frequency,
                         "spectral_function": (("momentum", "frequency"), numbers(size=(4, 6)) ** 2, "1/energy", "A")},
            "delta_peaks": {"momentum": momentum, "frequency": frequency,
                            "spectral_function": (("momentum", "frequency"), np.where(np.eye(4, 6) > 0, np.inf, 0.0),
                                                  "1/energy", "A")},
            "density": {"time": time, "site": site, "density": (("time", "site"), numbers(size=(5, 4)) ** 2, "1", "n")},
            "drift_only": {"time": time, "drift": (("time",), [np.nan, 1.0, 2.0, 3.0, 4.0], "1", "drift")},
            "bands": {"band": band, "momentum": momentum,
                      "occupation": (("band", "momentum"), numbers(size=(2, 4)), "1", "n"),
                      "lagrange_multiplier": (("band", "momentum"), np.full((2, 4), np.inf), "1", "l")},
            "relax_bands": {"band": band, "momentum": momentum, "time": time,
                            "lagrange_multiplier": (("time", "band", "momentum"), numbers(size=(5, 2, 4)), "1", "l"),
                            "current": (("time",), numbers(size=5), "energy", "current")},
            "sweep_of_drifts": {"model.interaction": swept, "time": time, "status": done,
                                "drift": (("model.interaction", "time"), numbers(size=(2, 5)), "1", "drift")},
            "sweep_of_spectra": {"model.interaction": swept, "momentum": momentum, "frequency": frequency,
                                 "status": done,
                                 "spectral_function": (("model.interaction", "momentum", "frequency"),
                                                       numbers(size=(2, 4, 6)), "1/energy", "A")},
            "complex_sweep": {"bath.delta": (("bath.delta",), np.array([1 + 1j, 1 + 2j]), "1", "delta"),
                              "current": (("bath.delta",), [0.0, 1.0], "energy", "current"),
                              "status": (("bath.delta",), np.ones(2, np.uint8), "1", "status")},
            "three_keys": {name: ((name,), [0.0, 1.0], "1", name) for name in ("model.a", "model.b", "model.c")} |
                          {"current": (("model.a", "model.b", "model.c"), numbers(size=(2, 2, 2)), "energy", "current"),
                           "status": (("model.a", "model.b", "model.c"), np.ones((2, 2, 2), np.uint8), "1", "status")},
            "one_mode": {"momentum": (("momentum",), [0.0], "rad", "momentum"),
                         "occupation": (("momentum",), [0.5], "1", "n")},
            "one_time": {"time": (("time",), [0.0], "1/energy", "time"), "momentum": momentum,
                         "lagrange_multiplier": (("time", "momentum"), numbers(size=(1, 4)), "1", "l")},
            "unknown": {"bias": (("bias",), np.linspace(0, 1, 4), "energy", "bias"),
                        "conductance": (("bias", "probe"), numbers(size=(4, 3)), "1", "conductance")},
        }
        for name, datasets in cases.items():
            with self.subTest(name):
                path = synthetic.write(f"{name}.h5", datasets, resolved_input=synthetic.resolved_input(4))
                status, out, err = run("plot", path)
                self.assertEqual((status, err), (0, ""))
                self.assert_picture(out.strip())

    def test_every_axis_is_sorted(self):
        fractions, temperatures = np.linspace(0, 1, 10), np.linspace(1, 4, 11)
        mixed = np.random.default_rng(3).permutation
        for shuffled in (lambda values: values, mixed):
            figure = plot.draw(lindrift.load(
                synthetic.sweep_of_two("a.h5", shuffled(fractions), shuffled(temperatures), sites=4)))
            mesh = figure.axes[0].collections[0]
            corners, values = mesh.get_coordinates(), np.array(mesh.get_array()).reshape(11, 10)
            np.testing.assert_allclose(corners[:, 0, 1], np.linspace(0.85, 4.15, 12))
            if shuffled is mixed:
                np.testing.assert_array_equal(values, expected)
            expected = values
        line = self.axes(synthetic.sweep("b.h5", [0.5, 0.0, 1.0], sites=8))[0].lines[0]
        np.testing.assert_allclose(line.get_xdata(), [0.0, 0.5, 1.0])
        self.assertTrue(np.all(np.diff(line.get_ydata()) > 0.0))
        line = self.axes(synthetic.sweep("c.h5", [0.5, 0.0, 1.0], sites=8, zipped=True))[0].lines[0]
        np.testing.assert_allclose(line.get_xdata(), [0.0, 0.5, 1.0])

    def test_sorted_results_feed_the_published_figures(self):
        synthetic.sweep("fig3b.h5", [0.5, 1.0, 0.0], sites=8)
        (axes,) = figures.draw("fig3b", ".").axes
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.0, 0.5, 1.0])

    def three_keys(self, path, **changes):
        """11 x 10 x 12 points, of which slices 0 .. 6 along the first key are complete."""
        keys = {"model.a": np.arange(11.0), "bath.delta": np.arange(10.0), "model.c": np.linspace(-1, 1, 12)}
        values = np.arange(11.0)[:, None, None] + np.arange(10.0)[:, None] * np.linspace(-1, 1, 12)
        values[7:] = np.nan
        status = np.where(np.isnan(values), 0, 1).astype(np.uint8)
        return synthetic.write(path, {
            **{key: ((key,), numbers, "1", key) for key, numbers in keys.items()},
            "drift": (tuple(keys), values, "1", "drift"),
            "occupation": ((*keys, "site"), np.ones((11, 10, 12, 4)), "1", "occupation"),
            "site": (("site",), np.arange(4), "1", "site"),
            "status": (tuple(keys), status, "1", "status")} | changes)

    def test_an_incomplete_sweep_of_three_keys_shows_a_slice_with_data(self):
        figure = plot.draw(lindrift.load(self.three_keys("a.h5")))
        self.assertEqual(figure.axes[0].get_title(loc="left"), "model.a = 3")  # the middle one of the complete slices
        mesh = figure.axes[0].collections[0]
        self.assertEqual(np.ma.count_masked(mesh.get_array()), 0)
        self.assertAlmostEqual(mesh.get_array().max(), 3.0 + 9.0)

    def test_messages_name_the_file_and_hold_no_formula(self):
        path = self.three_keys("a.h5", drift=(("model.a", "bath.delta", "model.c"), np.full((11, 10, 12), np.nan), "1", "drift"))
        status, out, err = run("plot", path)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, "error: a.h5: dataset drift: there is nothing to draw: no value is a finite number\n")

    def view(self, path, **view):
        return plot.draw(lindrift.load(path), plot.View(**view)).axes

    def test_slices_fix_dimensions(self):
        path = self.three_keys("a.h5")
        axes = self.view(path, slices=(("model.a", "2.2"), ("model.c", "1")))[0]
        self.assertEqual(axes.get_title(loc="left"), r"model.a = 2, model.c = 1")
        np.testing.assert_allclose(axes.lines[0].get_ydata(), 2.0 + np.arange(10.0))
        (axes,) = self.view(synthetic.relaxation("b.h5", sites=8, times=[0.0, 1.0, 5.0]), dataset="occupation",
                            slices=(("time", "4.9"),))
        self.assertEqual((axes.get_xlabel(), axes.get_title(loc="left")), ("momentum $k$", "$t$ = 5"))
        currents = self.view(synthetic.two_bands_sweep("c.h5", [0.0, 0.5, 0.9], sites=8), dataset="current_spin",
                             slices=(("spin", "down"),))[0]
        self.assertEqual(len(currents.lines[0].get_xdata()), 3)
        spin = lindrift.load("c.h5")["current_spin"].values[:, 1]
        np.testing.assert_allclose(currents.lines[0].get_ydata(), spin)
        for arguments, message in (
                (["--slice", "model.x=1"], "a.h5: --slice model.x: it has no such dimension; it has bath.delta, model.a"),
                (["--slice", "model.a=one"], "a.h5: --slice model.a=one: must be a number"),
                (["--slice", "model.a"], "--slice model.a: must be KEY=VALUE"),
                (["--slice", "model.a=9", "--slice", "bath.delta=1", "--slice", "model.c=0"],
                 "a.h5: the point at model.a=9 bath.delta=1 model.c=0 is missing"),
                (["--slice", "model.a=9", "--slice", "model.c=0"],
                 "a.h5: there is nothing to draw: no point at model.a=9 model.c=0 is done")):
            status, _, err = run("plot", path, *arguments)
            self.assertEqual(status, 2)
            self.assertIn(message, err)
        status, _, err = run("plot", "c.h5", "--slice", "spin=left")
        self.assertIn("c.h5: --slice spin=left: must be one of up, down", err)

    def test_a_dataset_is_drawn_alone(self):
        path = synthetic.sweep("a.h5", [0.0, 0.5, 1.0], sites=8)
        (axes,) = self.view(path, dataset="occupation")
        self.assertEqual((axes.get_ylabel(), len(axes.lines)), ("occupation $n_k$", 3))
        (axes,) = self.view(path, dataset="residual")
        self.assertEqual(axes.get_xlabel(), r"$\gamma_{\mathrm{neq}}$")
        self.assertIn("there is no dataset density", run("plot", path, "--dataset", "density")[2])
        self.assertIn("a.h5: dataset error holds no numbers", run("plot", path, "--dataset", "error")[2])

    def test_scale_and_limits_of_values(self):
        path = synthetic.sweep("a.h5", [0.0, 0.5, 1.0], sites=8)
        axes = self.view(path, log=True, low=1e-4)[0]
        self.assertEqual((axes.get_yscale(), axes.get_ylim()[0]), ("log", 1e-4))
        self.assertEqual(self.view(path, high=0.25)[0].get_ylim()[1], 0.25)
        path = synthetic.sweep_of_two("b.h5", np.linspace(0, 1, 10), np.linspace(1, 2, 12), sites=4)
        norm = self.view(path, low=-1.0, high=2.0)[0].collections[0].norm
        self.assertEqual((norm.vmin, norm.vmax), (-1.0, 2.0))
        norm = self.view(path, log=True)[0].collections[0].norm
        self.assertAlmostEqual(norm(np.sqrt(norm.vmin * norm.vmax)), 0.5)
        self.assertGreater(norm.vmin, 1e-4)  # rounding errors of a zero current do not stretch the scale
        self.assertIn("b.h5: --log: the lower limit, 0, must be positive", run("plot", path, "--log", "--range", "0:1")[2])
        for text in ("3", "a:b", ":", "2:1", "1:1", "1:2:3"):
            with self.subTest(text):
                status, _, err = run("plot", path, "--range", text)
                self.assertEqual(status, 2)
                self.assertIn(f"error: --range {text}: ", err)
        for text, message in ((":", "has neither LOW nor HIGH"), ("2:1", "LOW must be less than HIGH"), ("nan:1", "must be finite"),
                              ("0:inf", "must be finite")):
            self.assertIn(message, run("plot", path, "--range", text)[2])

    def test_every_logarithmic_scale_has_labels(self):
        part = np.linspace(0.0, 1.0, 40)
        labels = {}
        for name, values, least, most in (
                ("narrow", 0.41 + 0.03 * part, 0.41, 0.44), ("constant", 2.0 + 0.0 * part, 1.8, 2.2),
                ("decade", 0.3 + 0.5 * part, 0.3, 0.8), ("small", 1e-7 * (1.0 + part), 1e-7, 2e-7),
                ("decades", 10.0 ** (-9.0 * part), 1e-9, 1.0), ("signed", np.sin(9.0 * part), 0.0, 1.0),
                ("with zeros", np.append(10.0 ** (-3.0 * part), 1e-16), 1e-3, 1.0)):
            for sign in (1.0, -1.0):
                with self.subTest(f"{name} {sign}"):
                    count = len(values)
                    path = synthetic.write("lines.h5", {
                        "time": (("time",), np.arange(float(count)), "1/energy", "time"),
                        "drift": (("time",), sign * values, "1", "drift")})
                    map_path = synthetic.write("map.h5", {
                        "time": (("time",), np.arange(float(count)), "1/energy", "time"),
                        "site": (("site",), np.arange(10), "1", "site"),
                        "density": (("time", "site"), sign * np.outer(values, np.ones(10)), "1", "density")})
                    for axes in (self.view(path, log=True)[0], self.view(map_path, log=True)[-1]):
                        axes.figure.canvas.draw()
                        low, high = axes.get_ylim()
                        slack = 1e-9 * max(-low, high)  # matplotlib draws ticks that rounding moves out, too
                        ticks = [(tick, label.get_text()) for tick, label in zip(axes.get_yticks(), axes.get_yticklabels())
                                 if low - slack <= tick <= high + slack]
                        self.assertGreaterEqual(len(ticks), 3)
                        self.assertNotIn("", [text for _, text in ticks])
                        self.assertFalse([one for one in axes.yaxis.get_minorticklabels() if one.get_text()])
                        for tick, _ in ticks:
                            self.assertTrue(0.8 * least <= abs(tick) <= 3.0 * most, tick)
                            self.assertTrue(name == "signed" or sign * tick > 0.0, tick)
                        labels[name, sign] = [text for _, text in ticks]
                        self.assertNotIn("square-root", axes.get_ylabel())
        self.assertEqual(labels["with zeros", -1.0], ["$-10^{0}$", "$-10^{-1}$", "$-10^{-2}$", "$-10^{-3}$"])
        self.assertEqual(labels["with zeros", 1.0], ["$10^{-3}$", "$10^{-2}$", "$10^{-1}$", "$10^{0}$"])
        self.assertEqual(labels["decade", 1.0][:2], [r"$\mathdefault{0.3}$", r"$\mathdefault{0.4}$"])
        self.assertIn("$0$", labels["signed", 1.0])

    def test_few_momenta_or_times_are_lines(self):
        frequency = (("frequency",), np.linspace(-1, 1, 30), "energy", "frequency")
        momentum = (("momentum",), np.pi * np.arange(-2, 2) / 2, "rad", "momentum")
        (axes,) = self.axes(synthetic.write("a.h5", {
            "momentum": momentum, "frequency": frequency,
            "spectral_function": (("momentum", "frequency"), np.ones((4, 30)), "1/energy", "A")}))
        self.assertEqual((axes.get_xlabel(), len(axes.lines)), (r"frequency $\omega$ (energy)", 4))
        self.assertEqual([one.get_text() for one in axes.get_legend().get_texts()],
                         [r"$-1\pi$", r"$-0.5\pi$", "$0$", r"$0.5\pi$"])
        time, site = (("time",), [0.0, 1.0, 2.5], "1/energy", "time"), (("site",), np.arange(-10, 10), "1", "site")
        (axes,) = self.axes(synthetic.write("b.h5", {
            "time": time, "site": site, "density": (("time", "site"), np.ones((3, 20)), "1", "density")}))
        self.assertEqual([one.get_text() for one in axes.get_legend().get_texts()], ["0", "1", "2.5"])

    def test_a_map_ends_at_its_last_time(self):
        axes = self.axes(synthetic_open.green("a.h5", 1.0, np.linspace(0.0, 7.0, 15)))[0]
        self.assertEqual(axes.get_ylim(), (0.0, 7.0))

    def test_the_bar_says_that_its_scale_is_no_linear_one(self):
        _, bar = self.view(synthetic_open.green("a.h5", 1.0, np.linspace(0.0, 7.0, 15)), dataset="green_retarded")
        self.assertIn("square-root scale", bar.get_ylabel())

    def test_a_swept_complex_key_is_shown_by_what_changes(self):
        turns = 2.0 * np.pi * np.arange(5) / 5
        for name, values, label, numbers in (
                ("phase", 0.7 * np.exp(1j * turns), r"phase of $\delta$ (rad)", turns),
                ("modulus", np.array([1.0, 3.0, 2.0]) * np.exp(0.7j), r"modulus of $\delta$", [1.0, 2.0, 3.0]),
                ("real", np.array([1.0, 3.0]) + 2j, r"real part of $\delta$", [1.0, 3.0]),
                ("neither", np.array([1.0, 2j, 3.0 + 1j]), r"index of $\delta$", [0.0, 1.0, 2.0])):
            with self.subTest(name):
                (axes,) = self.axes(synthetic.write(f"{name}.h5", {
                    "bath.delta": (("bath.delta",), values, "1", "delta"),
                    "current": (("bath.delta",), np.arange(len(values)) + 1.0, "energy", "current"),
                    "status": (("bath.delta",), np.ones(len(values), np.uint8), "1", "status")}))
                self.assertEqual(axes.get_xlabel(), label)
                np.testing.assert_allclose(axes.lines[0].get_xdata(), numbers, atol=1e-12)

    def phases(self, phi):
        """The numbers along the axis of a swept phase, and the values there."""
        values = np.exp(1j * np.asarray(phi, float))
        (axes,) = self.axes(synthetic.write("phase.h5", {
            "bath.delta": (("bath.delta",), values, "1", "delta"),
            "current": (("bath.delta",), np.arange(len(values)) + 1.0, "energy", "current"),
            "status": (("bath.delta",), np.ones(len(values), np.uint8), "1", "status")}))
        return axes.lines[0].get_xdata(), axes.lines[0].get_ydata()

    def test_a_phase_turns_once_whatever_the_order_of_the_file(self):
        for phi, expected in (
                ([0, 1, 2, 3, 4, 5, 6, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5], np.arange(13) / 2),  # a sweep that was refined later
                ([6, 5, 4, 3, 2, 1, 0], np.arange(7)),
                (np.linspace(0, 2 * np.pi, 5), np.linspace(0, 2 * np.pi, 5)),  # both ends of the turn
                (np.linspace(-np.pi, np.pi, 5), np.linspace(-np.pi, np.pi, 5)),
                ([0.3, -0.3, 0.1, -0.2], [-0.3, -0.2, 0.1, 0.3]),  # across 0
                ([3.0, 3.5, 2.5, 4.0], [2.5, 3.0, 3.5, 4.0]),  # across pi
                ([4.0, 5.0, 4.5], np.array([4.0, 4.5, 5.0]) - 2 * np.pi)):
            with self.subTest(phi=phi):
                x, y = self.phases(phi)
                np.testing.assert_allclose(x, expected, atol=1e-9)
                np.testing.assert_allclose(np.exp(1j * x), np.exp(1j * np.asarray(phi, float))[y.astype(int) - 1], atol=1e-9)

    def test_the_key_that_tells_points_apart_is_the_axis(self):
        cells = {name: (("model.cells",), values, "1", "number of cells along each of one to three directions")
                 for name, values in (("model.cells_1", [8, 8, 8]), ("model.cells_2", [6, 2, 4]))}
        path = synthetic.write("a.h5", {"model.cells": (("model.cells",), [48, 16, 32], "1", "cells")} | cells | {
            "current": (("model.cells",), [3.0, 1.0, 2.0], "energy", "current"),
            "status": (("model.cells",), np.ones(3, np.uint8), "1", "status")}, coordinates="model.cells_1 model.cells_2")
        (axes,) = self.axes(path)
        self.assertEqual(axes.get_xlabel(), "cells $L_2$")
        self.assertEqual((list(axes.lines[0].get_xdata()), list(axes.lines[0].get_ydata())), ([2, 4, 6], [1.0, 2.0, 3.0]))
        axes.figure.draw_without_rendering()
        self.assertEqual([one % 1 for one in axes.get_xticks()], [0.0] * len(axes.get_xticks()))

    def test_labels_are_as_long_as_an_axis(self):
        name = "a quantity whose name in words is much longer than the side of a panel of a picture"
        path = synthetic.write("a.h5", {"bias": (("bias",), [0.0, 1.0], "energy", name),
                                        "one": (("bias",), [0.0, 1.0], "1", name), "two": (("bias",), [0.0, 1.0], "1", name)})
        figure = plot.draw(lindrift.load(path))
        figure.draw_without_rendering()
        first, second = (one.xaxis.label.get_window_extent() for one in figure.axes)
        self.assertLess(first.x1, second.x0)
        for axes in figure.axes:
            for label in (axes.xaxis.label, axes.yaxis.label):
                box = label.get_window_extent()
                self.assertTrue(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, label.get_text())

    TEXT = h5py.string_dtype()

    def test_members_without_order_have_names_and_no_line(self):
        of = {name: ((name,), np.array(["current_1", "energy_current_1"], dtype=self.TEXT), "1", "current") for name in ("of", "of_2")}
        path = synthetic.write("a.h5", of | {"noise": (("of", "of_2"), np.eye(2), "value * value / energy", "noise"),
                                             "value": (("of",), [1.0, 2.0], "value", "currents")})
        noise, value = self.axes(path)
        self.assertEqual([one.get_text() for one in value.get_xticklabels()], ["$I_1$", "$I^E_1$"])
        self.assertEqual(value.lines[0].get_linestyle(), "None")
        self.assertEqual([one.get_text() for one in noise.get_legend().get_texts()], ["$I_1$", "$I^E_1$"])
        self.assertEqual(noise.get_ylabel(), r"zero-frequency noise $\epsilon N S(0)$")  # the currents have different units

    def test_a_single_current_of_a_sweep_is_drawn_over_it(self):
        of = {name: ((name,), np.array(["energy_current_1"], dtype=self.TEXT), "1", "current") for name in ("of", "of_2")}
        path = synthetic.write("a.h5", of | {
            "bath.coupling": (("bath.coupling",), [0.1, 0.2], "1", "coupling"), "status": (("bath.coupling",), np.ones(2, np.uint8), "1", "status"),
            "noise": (("bath.coupling", "of", "of_2"), np.ones((2, 1, 1)), "energy^3", "noise"),
            "value": (("bath.coupling", "of"), [[1.0], [2.0]], "energy^2", "currents")})
        noise, value = self.axes(path)
        self.assertEqual(list(value.lines[0].get_ydata()), [1.0, 2.0])
        self.assertEqual(value.get_ylabel(), "current (energy$^{2}$)")
        self.assertIn("energy_current_1", noise.get_title(loc="left"))

    def test_gradients_have_a_row_for_each_parameter(self):
        path = synthetic.write("a.h5", {
            "of": (("of",), np.array(["current_1", "energy_current_1"], dtype=self.TEXT), "1", "current"),
            "gradient_bath.coupling": (("of",), [0.0, 0.0], "value", "derivative"),
            "gradient_bath.delta": (("of",), np.array([1 + 2j, 3j]), "value", "derivative"),
            "gradient_bath.jump_operator": (("of", "term"), np.ones((2, 3)), "value", "derivative")})
        (axes,) = self.axes(path)
        self.assertEqual([one.get_text() for one in axes.get_yticklabels()], ["bath.coupling", "Re bath.delta", "Im bath.delta"])
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.0, 1.0, 2.0])

    def test_poles_are_drawn_and_not_what_was_not_found(self):
        path = synthetic.write("a.h5", {
            "momentum": (("momentum",), np.pi * np.arange(-2, 2) / 2, "rad", "momentum"),
            "branch": (("branch",), np.array(["slow", "fast"], dtype=self.TEXT), "1", "pole"),
            "number": (("number",), np.arange(3), "1", "number"),
            "exceptional_point": (("number",), np.full(3, np.nan), "rad", "momenta"),
            "pole": (("branch", "momentum"), np.arange(8.0).reshape(2, 4) * (1 - 2j), "energy", "pole")})
        real, imaginary = self.axes(path)
        self.assertEqual(real.get_ylabel(), r"$\mathrm{Re}\,E$ (energy)")
        np.testing.assert_allclose(imaginary.lines[1].get_ydata(), [-8.0, -10.0, -12.0, -14.0, -8.0])

    def test_what_is_cut_from_many_dimensions_is_named(self):
        grid = {f"momentum_{i}": ((f"momentum_{i}",), np.pi * np.arange(-2, 2) / 2, "rad", "momentum") for i in (1, 2)}
        values = np.arange(3 * 2 * 16).reshape(3, 2, 4, 4) + 0.0
        path = synthetic.write("a.h5", grid | {
            "time": (("time",), [0.0, 1.0, 2.0], "1/energy", "time"), "band": (("band",), [0, 1], "1", "band"),
            "lagrange_multiplier": (("time", "band", "momentum_1", "momentum_2"), values, "1", "multiplier"),
            "direction": (("direction",), [1, 2], "1", "direction"),
            "current": (("time", "direction"), np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), "energy", "current")})
        multipliers, currents = self.axes(path)
        self.assertEqual(multipliers.get_title(loc="left"), "$t$ = 2, band = 0")
        np.testing.assert_allclose(multipliers.lines[0].get_ydata(), [*values[2, 0, 0], values[2, 0, 0, 0]])
        self.assertEqual(currents.get_xlabel(), "time $t$ (1/$J$)".replace("$J$", "energy"))
        np.testing.assert_allclose([one.get_ydata() for one in currents.lines], [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]])

    def test_no_current_is_no_number(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file["current"][...] = -2e-18
        self.assertEqual(self.axes(path)[1].get_title(loc="right"), "|$I$| < 1e-14 $J$")

    def test_settings_of_the_user_do_not_reach_a_picture(self):
        path = synthetic.steady_state("a.h5", sites=8)
        run("plot", path, "-o", "1.png")
        with matplotlib.rc_context({"text.usetex": True, "font.size": 30.0, "axes.facecolor": "black"}):
            self.assertEqual(run("plot", path, "-o", "2.png")[0], 0)
        with open("1.png", "rb") as one, open("2.png", "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_unknown_axes_are_named_by_the_file(self):
        path = synthetic.write("a.h5", {"bias": (("bias",), [0.0, 1.0], "energy", "bias of the lead"),
                                        "conductance": (("bias",), [0.0, 1.0], "1", "conductance of the lead")})
        (axes,) = self.axes(path)
        self.assertEqual(axes.get_xlabel(), "bias of the lead (energy)")
        self.assertEqual(axes.get_ylabel(), "conductance of the lead")


class PublishedFiguresTest(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.data = folder.name
        make = {
            "fig2": lambda path: synthetic.relaxation(path, times=[0.0, 5.0, 20.0, 80.0, 320.0]),
            "fig3a": lambda path: synthetic.sweep(path, [0.0, 0.1, 0.3, 0.6, 0.9, 1.0]),
            "fig3b": lambda path: synthetic.sweep(path, np.linspace(0, 1, 11)),
            "fig5a": lambda path: synthetic.two_bands_sweep(path, cls.FRACTIONS),
            "fig5b": lambda path: synthetic.two_bands_sweep(path, cls.FRACTIONS, up=0.5, down=0.5),
            "fig5c": lambda path: synthetic.two_bands_sweep(path, [0.0, 0.9]),
            "fig6a": lambda path: synthetic.two_bands_sweep(path, cls.FRACTIONS, up=0.0, down=1.0),
            "fig6b": lambda path: synthetic.two_bands_sweep(path, [0.0, 0.9], up=0.0, down=1.0),
            "current_return": lambda path: synthetic.two_bands_sweep(
                path, 1.0 - cls.WEIGHTS, sites=800, equilibrium=cls.WEIGHTS),
            "inverse_design": synthetic.inverse_design,
            "lattice_raman": synthetic.lattice_raman,
            "lattice_rashba_zeeman": synthetic.lattice_rashba_zeeman,
            "lattice_haldane": synthetic.lattice_haldane,
            "hk_fig1b": lambda path: synthetic_open.green(path, 0.0, cls.TIMES),
            "hk_fig1c": lambda path: synthetic_open.green(path, 4.0, cls.TIMES),
            "hk_fig1c_inset": lambda path: synthetic_open.drifts(path, [0.0, 1.0, 4.0], cls.TIMES),
            "hk_fig2a": lambda path: synthetic_open.spectrum(path, 0.2, 0.1),
            "hk_fig2b": lambda path: synthetic_open.spectrum(path),
            "hk_fig2c": lambda path: synthetic_open.spectrum(path, 1.5),
            "hk_fig3a": lambda path: synthetic_open.density(path, 0.0, cls.TIMES),
            "hk_fig3b": lambda path: synthetic_open.density(path, 4.0, cls.TIMES),
            "hk_fig3c": lambda path: synthetic_open.drifts(path, [0.0, 1.0, 4.0], cls.TIMES, of_density=True),
            "hk_saturation": lambda path: synthetic_open.drifts(
                path, [2.0, 4.0], 10.0 ** np.arange(0.0, 1.8, 0.2), sites=512),
            "hk_exceptional_points": synthetic_open.exceptional_points,
            "hk_ssh": synthetic_open.two_orbitals,
            "hubbard_fig4a": lambda path: synthetic_hubbard.green(path, cls.TIMES),
            "hubbard_fig4b": synthetic_hubbard.spectrum,
            "hubbard_drift_map": synthetic_hubbard.drift_map,
            "hubbard_validity": synthetic_hubbard.validity,
            "hubbard_ladder": lambda path: synthetic_hubbard.validity(path, error=0.001),
            "hubbard_transport": synthetic_hubbard.particle,
            "hubbard_transport_green": synthetic_hubbard.left_drifts,
            "hubbard_square_green": synthetic_hubbard.square_green,
            "hk_square": lambda path: synthetic_hubbard.square_green(path, kind="hatsugai_kohmoto"),
        }
        for name, one in make.items():
            one(os.path.join(cls.data, f"{name}.h5"))

    FRACTIONS = (0.0, 0.5, 0.9, 0.98, 0.98591435, 0.99, 0.999, 1.0)
    TIMES = np.linspace(0.0, 7.0, 15)
    WEIGHTS = 10.0 ** np.arange(-4.9, -2.9, 0.2)

    def setUp(self):
        super().setUp()
        for name in os.listdir(self.data):
            shutil.copy(os.path.join(self.data, name), name)

    def test_all_are_drawn(self):
        status, out, err = run("figures", "--data", ".", "-o", "pictures", "all")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(os.listdir("pictures")), sorted(f"{name}.png" for name in figures.FIGURES))
        for path in out.split():
            self.assert_picture(path)

    def test_hk_light_cones_have_their_fronts(self):
        for name in ("hk_fig1b", "hk_fig3b"):
            axes = figures.draw(name, ".").axes[0]
            for line, side in zip(axes.lines, (-1.0, 1.0)):
                np.testing.assert_allclose(line.get_xdata(), side * 2.0 * self.TIMES)
                np.testing.assert_allclose(line.get_ydata(), self.TIMES)

    def test_hk_fig1c_has_the_drifts_beside_the_cone(self):
        drift = lindrift.load("hk_fig1c_inset.h5")["drift"].values
        panel = figures.draw("hk_fig1c", ".").axes[1]
        np.testing.assert_allclose([line.get_ydata() for line in panel.lines[:3]], drift)
        self.assertEqual([one.get_text() for one in panel.get_legend().get_texts()], ["$0$", "$1$", "$4$", "$2Jt$"])

    def test_hk_exceptional_points_exchange_the_poles(self):
        plane, energies = figures.draw("hk_exceptional_points", ".").axes[:2]
        charges = [len(line.get_xdata()) for line in plane.lines[:2]]
        self.assertEqual(charges, [2, 2])
        one, other = (line.get_xydata() for line in (energies.lines[0], energies.lines[2]))
        np.testing.assert_allclose(one[-1], other[0])
        np.testing.assert_allclose(other[-1], one[0])

    def test_hk_ssh_has_a_panel_for_each_spin(self):
        up, down = figures.draw("hk_ssh", ".").axes
        self.assertEqual(list(up.lines[0].get_ydata()), [0.0, -0.05, -0.03])
        self.assertIn("I_\\downarrow", down.get_ylabel())

    def test_hk_saturation_meets_its_asymptotes(self):
        lag, norm = figures.draw("hk_saturation", ".").axes
        for axes, pairs in ((lag, 2), (norm, 2)):
            curves, asymptotes = axes.lines[0:2 * pairs:2], axes.lines[1:2 * pairs:2]
            for curve, asymptote in zip(curves, asymptotes):
                self.assertAlmostEqual(curve.get_ydata()[-1] / asymptote.get_ydata()[-1], 1.0, delta=0.03)

    def test_hubbard_drift_is_drawn_over_both_scales(self):
        linear, logarithmic = figures.draw("hubbard_fig4a", ".").axes[:2]
        drift = lindrift.load("hubbard_fig4a.h5")["drift"].values
        for axes in (linear, logarithmic):
            np.testing.assert_allclose(axes.lines[0].get_xdata(), drift)
        shares = np.array(linear.collections[0].get_array()).reshape(len(self.TIMES), -1)
        np.testing.assert_allclose(shares.max(axis=1), 1.0)
        self.assertGreater(logarithmic.collections[0].norm(1e-3), 0.3)
        self.assertEqual([one.get_text() for one in linear.get_legend().get_texts()], ["drift $X_G$", r"fronts $\pm 2Jt$"])

    def test_hubbard_drift_map_has_units(self):
        first = figures.draw("hubbard_drift_map", ".").axes[0]
        self.assertEqual((first.get_title(), first.get_xlabel(), first.get_ylabel()),
                         ("$t = 2/J$", r"two-site loss $\gamma$ ($J$)", r"gain $\kappa$ ($J$)"))

    def test_hubbard_exact_propagator(self):
        exact, times = hubbard_figures.exact_propagator, np.array([0.0, 0.7, 2.0])
        free = exact(3, 1.3, 0.0, *synthetic_hubbard.rates(3), times)
        k, site = 2.0 * np.pi * np.arange(3) / 3, np.arange(3) - 1
        expected = -1j / 3 * np.exp(2.6j * np.outer(times, np.cos(k))) @ np.exp(1j * np.outer(k, site))
        np.testing.assert_allclose(free, expected, atol=1e-9)
        # Probabilities.
        slow = exact(2, 1.0, 0.5, np.full(2, 1e-9), np.full(2, 1e-9), times)
        self.assertLess(np.max(np.sum(np.abs(slow) ** 2, axis=1)), 1.0 + 1e-9)
        # To first order the mean field turns the phase: G = G_0 e^{-iUnt}.
        gain, loss = np.full(2, 0.3), np.full(2, 0.7)
        small = exact(2, 1.0, 1e-4, gain, loss, times)
        np.testing.assert_allclose(small, exact(2, 1.0, 0.0, gain, loss, times) * np.exp(-1e-4j * 0.3 * times)[:, None],
                                   atol=1e-7)

    def test_hubbard_validity_falls_with_the_third_order(self):
        norms, errors = figures.draw("hubbard_validity", ".").axes
        self.assertEqual([one.get_text() for one in norms.get_legend().get_texts()[-3:]],
                         ["second order", "ladder", "exact"])
        for line in errors.lines[:2]:
            u, difference = line.get_data()
            self.assertAlmostEqual(np.log(difference[1] / difference[0]) / np.log(u[1] / u[0]), 3.0, delta=0.2)
        second, ladder = (line.get_ydata() for line in errors.lines[:2])
        np.testing.assert_allclose(second / ladder, 10.0, rtol=0.1)

    def test_hubbard_validity_needs_the_same_ring(self):
        synthetic_hubbard.validity("hubbard_ladder.h5", sites=3)
        with self.assertRaisesRegex(lindrift.LindriftError, "hubbard_ladder.h5: its times and sites"):
            figures.draw("hubbard_validity", ".")

    def test_hubbard_transport_has_both_drifts(self):
        paths, speeds = figures.draw("hubbard_transport", ".").axes
        for rank, u in enumerate((0.5, 1.0, 2.0)):
            np.testing.assert_allclose(paths.lines[2 * rank].get_ydata(), -0.3 * u * np.array([0.0, 1.0, 4.0]))
            np.testing.assert_allclose(paths.lines[2 * rank + 1].get_ydata(), 0.1 * u * np.array([0.0, 1.0, 4.0]))
        expected = [np.array([0.5, 1.0, 2.0]) * one for one in (0.1, 0.05, 0.025, -0.3)]
        for line, values in zip(speeds.lines, expected):
            np.testing.assert_allclose(line.get_ydata(), values)
        synthetic_hubbard.left_drifts("hubbard_transport_green.h5", interactions=(0.5, 1.0))
        with self.assertRaisesRegex(lindrift.LindriftError, "hubbard_transport_green.h5: an interaction"):
            figures.draw("hubbard_transport", ".")

    def test_light_cones_of_a_square(self):
        for name in ("hk_square", "hubbard_square_green"):
            result = lindrift.load(f"{name}.h5")
            panels = figures.draw(name, ".").axes[:3]
            for axes, index in zip(panels, (1, 2, 4)):
                weight = np.abs(result["green_retarded"].values[index]) ** 2
                shown = np.array(axes.collections[0].get_array()).reshape(weight.T.shape)
                np.testing.assert_allclose(shown, weight.T / weight.max())
                np.testing.assert_allclose(np.ravel(axes.lines[1].get_data()), result["drift"].values[index])
                self.assertIn(f"$t = {index}$", axes.get_title())
        synthetic_hubbard.square_green("hk_square.h5", times=(0.0, 1.0))
        with self.assertRaisesRegex(lindrift.LindriftError, "hk_square.h5: green_retarded must"):
            figures.draw("hk_square", ".")

    def test_plot_has_a_panel_for_each_component_of_a_current(self):
        first, second = plot.draw(figures.load(os.path.join(self.data, "lattice_rashba_zeeman.h5"))).axes
        self.assertIn("$I_1$", first.get_ylabel())
        self.assertIn("$I_2$", second.get_ylabel())
        self.assertEqual(len(second.lines[0].get_xdata()), 9)

    def test_plot_maps_two_momenta(self):
        path = synthetic.lattice_raman("map.h5", sizes=(9, 8))
        axes = plot.draw(figures.load(path)).axes[0]
        self.assertIn("$k_1$", axes.get_xlabel())
        self.assertIn("$k_2$", axes.get_ylabel())

    def test_lattice_figures(self):
        whole, part, *_ = figures.draw("lattice_raman", self.data).axes
        self.assertEqual((whole.get_xlabel(), whole.get_ylabel()), ("$k_1$", "$k_2$"))
        odd = np.asarray(part.collections[0].get_array()).reshape(5, 7)  # momentum_2 upwards; even sizes repeat the lowest
        np.testing.assert_allclose(odd[0], 0.1 * np.sin(np.linspace(-np.pi, np.pi, 7)), atol=1e-15)
        _, turn = figures.draw("lattice_rashba_zeeman", self.data).axes
        np.testing.assert_allclose(turn.lines[1].get_ydata(), 90.0, atol=1e-9)
        (axes,) = figures.draw("lattice_haldane", self.data).axes
        np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.1 * np.sin(axes.lines[1].get_xdata()), atol=1e-12)
        np.testing.assert_allclose(axes.lines[3].get_ydata(), 0.0, atol=1e-12)

    def test_inverse_design_compares_with_the_published_operator(self):
        axes, plane = figures.draw("inverse_design", ".").axes
        known = lindrift.load("fig3b.h5")
        ratio = 0.3 / np.interp(0.5, known["bath.nonequilibrium_fraction"].values, known["current"].values)
        self.assertIn(f"{ratio:.1f} times", axes.texts[0].get_text())
        amplitudes, slopes = plane.lines[2:4]  # here they are parallel
        np.testing.assert_allclose(amplitudes.get_xydata(), [[1.0, 0.0], [0.0, 0.5]])
        np.testing.assert_allclose(slopes.get_xydata(), [[1.0, 0.0], [0.0, 0.5]], atol=1e-15)

    def test_fig2_ends_on_the_gibbs_state(self):
        axes, _ = figures.draw("fig2", ".").axes
        dashed, solid = axes.get_lines()[0:22:2], axes.get_lines()[1:22:2]
        self.assertEqual((len(dashed), len(solid)), (11, 11))  # k <= 0 of 20 momenta
        for gibbs, line in zip(dashed, solid):
            self.assertAlmostEqual(gibbs.get_ydata()[0], line.get_ydata()[-1], places=3)
        self.assertEqual(axes.get_xlabel(), "time $t$ (1/$J$)")

    def test_fig2_agrees_with_published_numbers(self):
        # lambda at (k = -pi, k = 0) and t = 5, 20, 80: checks the data behind these pictures.
        multiplier = lindrift.load("fig2.h5")["lagrange_multiplier"].values
        np.testing.assert_allclose(multiplier[1:4, 0], [1.8791258385, 3.4947906687, 3.9990011282], atol=2e-5)
        np.testing.assert_allclose(multiplier[1:4, 10], -multiplier[1:4, 0], atol=1e-12)

    def test_fig3a_draws_gibbs_dashed(self):
        (axes,) = figures.draw("fig3a", ".").axes
        labels = [one.get_text() for one in axes.get_legend().get_texts()]
        self.assertEqual(labels, ["$0$ (Gibbs)", "$0.1$", "$0.3$", "$0.6$", "$0.9$", "$1$"])
        self.assertTrue(axes.get_lines()[0].is_dashed())
        self.assertFalse(axes.get_lines()[1].is_dashed())
        self.assertEqual(axes.get_legend().get_title().get_text(), r"$\gamma_{\mathrm{neq}}$")

    def test_fig3b_shows_the_current(self):
        (axes,) = figures.draw("fig3b", ".").axes
        line = axes.get_lines()[0]
        self.assertAlmostEqual(line.get_ydata()[5], 0.0351936624, places=6)
        self.assertIn(r"$\gamma_{\mathrm{neq}}$", axes.get_xlabel())
        self.assertEqual(axes.get_ylabel(), "current $I$ ($J$)")

    def lines(self, axes):
        """label -> values of the lines that the legend names"""
        return {one.get_label(): one.get_ydata() for one in axes.get_lines() if not one.get_label().startswith("_")}

    def test_fig5a_shows_the_peak(self):
        whole, near = figures.draw("fig5a", ".").axes
        lines = self.lines(whole)
        self.assertEqual(list(lines), ["$I$", r"$I_{\uparrow}$", r"$I_{\downarrow}$"])
        self.assertAlmostEqual(lines[r"$I_{\uparrow}$"][0], -0.0102751665, places=6)
        self.assertAlmostEqual(lines[r"$I_{\downarrow}$"][2], 0.0761312528, places=5)
        self.assertEqual([one.get_text() for one in near.texts], ["$0.1348$ at $0.9859$"])
        self.assertLess(near.get_xlim()[0], 0.98591435)

    def test_fig5b_has_no_current_but_spin_currents(self):
        (axes,) = figures.draw("fig5b", ".").axes
        lines = self.lines(axes)
        np.testing.assert_allclose(lines["$I$"], 0.0, atol=1e-12)
        self.assertAlmostEqual(lines[r"$I_{\uparrow}$"][1], -0.0170589904, places=5)

    def test_fig6a_is_fig5a_reversed(self):
        up, down = (self.lines(figures.draw(name, ".").axes[0]) for name in ("fig5a", "fig6a"))
        np.testing.assert_allclose(down["$I$"], -up["$I$"], atol=1e-12)
        np.testing.assert_allclose(down[r"$I_{\uparrow}$"], -up[r"$I_{\downarrow}$"], atol=1e-12)

    def test_fig5c_and_fig6b_show_both_bands_in_two_states(self):
        for name in ("fig5c", "fig6b"):
            left, right = figures.draw(name, ".").axes
            self.assertEqual(left.get_title(), r"$\gamma_{\mathrm{neq}}$ = 0, Gibbs")
            self.assertEqual(right.get_title(), r"$\gamma_{\mathrm{neq}}$ = 0.9")
            self.assertEqual(list(self.lines(right)), ["$n_{k+}$", "$n_{k-}$"])
            self.assertGreater(self.lines(left)["$n_{k-}$"][20], 0.99)  # k = 0, energy -3 J
            self.assertEqual(left.get_xlim(), (-np.pi, np.pi))

    def test_current_return_finds_zero_minimum_and_asymptote(self):
        (axes,) = figures.draw("current_return", ".").axes
        self.assertEqual(axes.get_xscale(), "log")
        self.assertEqual([one.get_text() for one in axes.texts],
                         [r"$I = 0$ at $4.18\times 10^{-4}$", r"$-0.0475$ at $5.73\times 10^{-5}$"])
        (text,) = [one.get_text() for one in axes.get_legend().get_texts()]
        self.assertTrue(text.startswith("$-11.417"), text)
        self.assertAlmostEqual(figures.cold_mode_slope(lindrift.load("current_return.h5")), 11.41733, places=5)
        self.assertAlmostEqual(figures.cold_mode_slope(lindrift.load("fig6a.h5")), -11.41733, places=5)

    def test_current_return_needs_cold_modes(self):
        equilibrium = np.array([1e-3, 1e-2, 1e-1, 1.0])
        synthetic.two_bands_sweep("current_return.h5", 1.0 - equilibrium, 8, 0.5, 0.5, equilibrium)
        with self.assertRaisesRegex(lindrift.LindriftError, "cold modes need one dephased spin"):
            figures.draw("current_return", ".")

    def test_points_that_failed_are_left_out(self):
        synthetic.two_bands_sweep("fig5c.h5", [0.0, 0.9], sites=8, status=[2, 1])
        (axes,) = figures.draw("fig5c", ".").axes
        self.assertEqual(axes.get_ylabel(), r"occupation $n_{k\nu}$")
        synthetic.two_bands_sweep("fig5c.h5", [0.0, 0.9], sites=8, status=[2, 0])
        for name in ("fig5a", "fig5b", "fig6a"):
            synthetic.two_bands_sweep(f"{name}.h5", [0.0, 0.9], sites=8, status=[2, 0])
        for name in ("fig5a", "fig5b", "fig5c", "fig6a"):
            with self.subTest(name), self.assertRaisesRegex(lindrift.LindriftError, "no point of its sweep is done"):
                figures.draw(name, ".")

    def test_inputs_are_examples(self):
        for figure in figures.FIGURES.values():
            for name in figure.inputs:
                self.assertTrue(os.path.exists(os.path.join(EXAMPLES, f"{name}.toml")), name)

    def program(self, *lines):
        with open("program", "w") as file:
            file.write("\n".join(("#!/bin/sh", *lines)) + "\n")
        os.chmod("program", 0o700)
        return "./program"

    def test_inputs_are_computed_once_and_then_drawn(self):
        os.mkdir("pictures")
        program = self.program('echo "$@" >> calls', 'cp "$(basename "$5")" "$5"')
        status, out, err = run("figures", "--program", program, "--examples", "ex", "-o", "pictures", "--run-option=--threads=2",
                               "fig5a", "hk_fig1c", "fig5a")
        self.assertEqual((status, err), (0, ""))
        with open("calls") as file:
            self.assertEqual(file.read().splitlines(),
                             [f"run ex/{name}.toml --overwrite -o pictures/{name}.h5 --threads=2"
                              for name in ("fig5a", "hk_fig1c", "hk_fig1c_inset")])
        self.assertIn("fig5a.png", os.listdir("pictures"))

    def test_nothing_is_drawn_where_a_run_fails(self):
        for code, runs in ((3, 2), (4, 1)):  # a stopped run stops the others
            with self.subTest(code):
                program = self.program("echo >> calls", f"exit {code}")
                status, _, _ = run("figures", "--program", program, "-o", "pictures", "fig2", "fig3b")
                self.assertEqual((status, os.listdir("pictures")), (code, []))
                with open("calls") as file:
                    self.assertEqual(len(file.readlines()), runs)
                os.unlink("calls")

    def test_nothing_is_written_unless_everything_is_there(self):
        os.unlink("fig3b.h5")
        status, out, err = run("figures", "--data", ".", "-o", "pictures", "all")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("fig3b needs ./fig3b.h5; make it with: lindrift run examples/fig3b.toml", err)
        self.assertFalse(os.path.exists("pictures"))

    def test_unknown_name(self):
        status, _, err = run("figures", "fig99")
        self.assertEqual(status, 2)
        self.assertIn("no figure is called fig99", err)
        self.assertIn("there are: fig2, fig3a, fig3b", err)
        self.assertIn("did you mean fig3", run("figures", "fig3c")[2])

    def test_data_of_another_task(self):
        synthetic.steady_state("fig2.h5", sites=8)
        status, _, err = run("figures", "--data", ".", "fig2")
        self.assertEqual(status, 2)
        self.assertIn("there is no dataset time", err)


class CommandLineTest(InFolder):
    def test_bad_files_exit_with_2_and_no_traceback(self):
        with open("text.h5", "w") as file:
            file.write("no")
        environment = {**os.environ, "PYTHONPATH": PACKAGE, "PYTHONDONTWRITEBYTECODE": "1"}
        for path, problem in (("missing.h5", "no such file"), ("text.h5", "is not an HDF5 file"), (".", "is a folder")):
            with self.subTest(path):
                done = subprocess.run([sys.executable, "-m", "lindrift", "plot", path, "-o", "a.png"], env=environment,
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr.startswith(f"error: {path}: {problem}"), done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertFalse(os.path.exists("a.png"))

    def test_wrong_usage_exits_with_2(self):
        self.assertEqual(run()[0], 2)
        self.assertEqual(run("plot")[0], 2)
        synthetic.steady_state("a.h5", sites=8)
        status, _, err = run("plot", "a.h5", "-o", "a.h5")
        self.assertEqual(status, 2)
        self.assertIn(".png", err)

    def test_default_name_is_in_this_folder(self):
        os.mkdir("data")
        synthetic.steady_state("data/a.h5", sites=8)
        self.assertEqual(run("plot", "data/a.h5")[:2], (0, "a.png\n"))
        self.assertEqual(os.listdir("data"), ["a.h5"])

    def test_a_place_that_holds_no_file_is_wrong_usage(self):
        os.mkdir("folder.png")
        os.symlink("missing/b.png", "link.png")
        with open("file", "w"):
            pass
        for place, message in (("missing/a.png", "there is no folder missing; create it first"), ("folder.png", "it is a folder"),
                               ("link.png", "there is no folder missing"), ("file/a.png", "there is no folder file")):
            with self.subTest(place):
                status, out, err = run("plot", "nothing.h5", "-o", place)  # seen before the result is read
                self.assertEqual((status, out), (2, ""))
                self.assertIn(f"cannot write {place}: {message}", err)
        for arguments in (["--data", "."], ["--program", "no_program"]):
            status, _, err = run("figures", "fig2", *arguments, "-o", "file/x")
            self.assertEqual((status, "cannot make the folder file/x" in err or "needs ./fig2.h5" in err), (2, True), err)
        os.makedirs("pictures/fig2.png")
        status, _, err = run("figures", "fig2", "--program", "no_program", "-o", "pictures")  # before anything is computed
        self.assertEqual((status, err), (2, "error: cannot write pictures/fig2.png: it is a folder; name a file in it\n"))
        self.assertEqual(sorted(os.listdir(".")), ["file", "folder.png", "link.png", "pictures"])

    def test_a_picture_is_replaced_as_results_are(self):
        synthetic.steady_state("a.h5", sites=8)
        with open("a.png", "w") as file:
            file.write("precious")
        os.chmod("a.png", 0o444)
        status, _, err = run("plot", "a.h5")
        self.assertEqual((status, err), (1, "error: cannot write a.png: it is read-only (chmod u+w makes it writable); choose another place "
                                            "with -o\n"))
        with open("a.png") as file:
            self.assertEqual(file.read(), "precious")
        for mode in (0o600, 0o640, 0o755):
            os.chmod("a.png", mode)
            self.assertEqual(run("plot", "a.h5")[0], 0)
            self.assertEqual(os.stat("a.png").st_mode & 0o7777, mode)
        os.mkdir("far")
        os.symlink("far/b.png", "middle.png")
        os.symlink(os.path.abspath("middle.png"), "link.png")
        for _ in range(2):  # to a file that is not there, and to one that is
            self.assertEqual(run("plot", "a.h5", "-o", "link.png")[:2], (0, "link.png\n"))
            self.assertTrue(os.path.islink("link.png") and os.path.islink("middle.png"))
            self.assert_picture("far/b.png")
        self.assertEqual((os.listdir("far"), sorted(os.listdir("."))),
                         (["b.png"], ["a.h5", "a.png", "far", "link.png", "middle.png"]))
        os.mkfifo("pipe.png")
        status, _, err = run("plot", "a.h5", "-o", "pipe.png")
        self.assertEqual((status, "it is not a regular file" in err), (2, True), err)
        for words in (["", "-o", "b.png"], ["a.h5", "-o", ""]):
            status, _, err = run("plot", *words)
            self.assertEqual((status, "must not be empty" in err), (2, True), err)
        os.symlink("ring.png", "ring.png")
        status, _, err = run("plot", "a.h5", "-o", "ring.png")
        self.assertEqual((status, "cannot write ring.png: " in err), (1, True), err)

    def start(self, *arguments, before="", **options):
        """A process with the package on its path, in which the statements `before` come first."""
        code = f"import sys, time\nfrom lindrift import files, __main__ as program\n{before}\nsys.exit(program.main(sys.argv[1:]))"
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        return subprocess.Popen([sys.executable, "-c", code, *arguments],
                                env={**os.environ, "PYTHONPATH": PACKAGE, "PYTHONDONTWRITEBYTECODE": "1"}, **options)

    def test_a_full_disk_leaves_the_old_picture_and_no_other_file(self):
        synthetic.steady_state("a.h5", sites=8)
        run("plot", "a.h5")
        with open("a.png", "rb") as file:
            old = file.read()
        process = self.start("plot", "a.h5", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (1, "error: cannot write a.png: File too large; choose another place with -o\n"))
        with open("a.png", "rb") as file:
            self.assertEqual(file.read(), old)
        self.assertEqual(sorted(os.listdir(".")), ["a.h5", "a.png"])

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_a_full_standard_output_does_not_take_the_picture_along(self):
        synthetic.steady_state("a.h5", sites=8)
        with open("/dev/full", "w") as full:
            process = self.start("plot", "a.h5", stdout=full)
            _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (1, "error: cannot write to stdout: No space left on device\n"))
        self.assert_picture("a.png")

    WAIT_IN_WRITING = "files.os.fsync = lambda _: (print('here', flush=True), time.sleep(PATIENCE))"

    def test_a_signal_stops_drawing_without_traceback_and_leftovers(self):
        synthetic.steady_state("a.h5", sites=8)
        for number in STOP_SIGNALS:
            with self.subTest(number):
                process = self.start("plot", "a.h5", before=self.WAIT_IN_WRITING.replace("PATIENCE", "60"))
                self.assertEqual(process.stdout.readline(), "here\n")
                process.send_signal(number)
                _, err = process.communicate(timeout=30)
                self.assertEqual((process.returncode, err), (4, f"stopped by {number.name}\n"))
                self.assertEqual(os.listdir("."), ["a.h5"])

    def test_an_interrupt_while_modules_are_imported_leaves_no_traceback(self):
        with open("numpy.py", "w") as file:
            file.write("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
        for command, status, error in ((["-m", "lindrift", "plot", "a.h5"], 4, "stopped by SIGINT\n"),
                                       (["-c", "import lindrift"], -signal.SIGINT, None)):  # the user's program decides
            done = subprocess.run([sys.executable, *command], text=True, capture_output=True, timeout=60,
                                  env={**os.environ, "PYTHONPATH": os.pathsep.join((os.getcwd(), PACKAGE))})
            self.assertEqual(done.returncode, status)
            self.assertEqual(done.stderr if error else done.stderr[-18:], error or "KeyboardInterrupt\n")

    def test_a_signal_that_the_parent_ignores_stays_ignored(self):
        synthetic.steady_state("a.h5", sites=8)
        process = self.start("plot", "a.h5", before=self.WAIT_IN_WRITING.replace("PATIENCE", "0.3"),
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.assertEqual(process.stdout.readline(), "here\n")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assert_picture("a.png")

    RUN = """#!/bin/sh
for name in INT TERM HUP USR1 USR2 XCPU; do trap "echo $name >> got; exit 4" $name; done
echo $$ > started
while true; do sleep 0.02; done
"""

    def wait_for(self, path):
        end = time.monotonic() + 30
        while not (os.path.exists(path) and os.path.getsize(path)) and time.monotonic() < end:
            time.sleep(0.01)

    def test_a_signal_to_figures_reaches_the_run(self):
        with open("program", "w") as file:
            file.write(self.RUN)
        os.chmod("program", 0o700)
        for number in STOP_SIGNALS:
            for name in ("got", "started"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
            with self.subTest(number):
                process = self.start("figures", "fig2", "fig3b", "--program", "./program", "-o", "pictures")
                self.wait_for("started")
                process.send_signal(number)
                out, err = process.communicate(timeout=30)  # ends when the run, which has the same stdout, has ended too
                self.assertEqual((process.returncode, out, err), (4, "fig2:\n", ""))
                with open("got") as file:  # a second SIGINT would end a run at once
                    self.assertEqual(file.read().strip(), "TERM" if number == signal.SIGINT else number.name[3:])

    def test_a_second_interrupt_ends_the_run_at_once(self):
        with open("program", "w") as file:
            file.write("#!/bin/sh\ntrap 'echo > told' TERM\necho $$ > started\nwhile true; do sleep 0.02; done\n")
        os.chmod("program", 0o700)
        process = self.start("figures", "fig2", "--program", "./program", "-o", "pictures")
        self.wait_for("started")
        process.send_signal(signal.SIGINT)
        self.wait_for("told")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 4)

    def test_a_signal_just_after_the_reader_has_ended(self):
        synthetic.steady_state("a.h5", sites=8)
        wait = os.waitpid

        def wait_and_stop(*arguments):
            wait(*arguments)
            raise Stopped("SIGTERM")

        with mock.patch("os.waitpid", wait_and_stop):
            self.assertEqual(run("plot", "a.h5"), (4, "", "stopped by SIGTERM\n"))

    def test_no_signal_waits_for_a_run_to_end(self):
        # One that another thread takes interrupts no system call of this one, like one that arrives just before the call.
        process = subprocess.Popen(["sleep", "60"])
        sender = threading.Thread(target=lambda: (time.sleep(0.3), os.kill(os.getpid(), signal.SIGUSR1)))
        before = signal.signal(signal.SIGUSR1, lambda *_: process.kill())
        sender.start()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        try:
            wait_for(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            sender.join()
            signal.signal(signal.SIGUSR1, before)
        self.assertEqual(process.returncode, -signal.SIGKILL)

    def test_same_data_make_the_same_picture(self):
        synthetic.steady_state("a.h5", sites=8)
        run("plot", "a.h5", "-o", "1.png")
        run("plot", "a.h5", "-o", "2.png")
        with open("1.png", "rb") as one, open("2.png", "rb") as two:
            self.assertEqual(one.read(), two.read())


class DamagedFilesTest(InFolder):
    def test_lengths_that_do_not_fit_are_refused(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            del file["momentum"]
            file["momentum"] = np.arange(7.0)
            file["momentum"].make_scale("momentum")
            file["occupation"].dims[0].attach_scale(file["momentum"])
        with self.assertRaisesRegex(lindrift.LindriftError, "a.h5: cannot be read: .* 8 values along momentum, which has 7"):
            lindrift.load(path)

    def test_a_crash_of_the_library_is_no_crash_of_ours(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with mock.patch("lindrift.__main__.load", side_effect=lambda _: os.kill(os.getpid(), signal.SIGSEGV)):
            status, out, err = run("plot", path)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, "error: a.h5: cannot be read: the file is damaged in a way that stops the HDF5 library\n")

    def test_a_killed_reader_is_no_damage(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with mock.patch("lindrift.__main__.load", side_effect=lambda _: os.kill(os.getpid(), signal.SIGKILL)):
            status, _, err = run("plot", path)
        self.assertEqual((status, err), (2, "error: a.h5: cannot be read: the process that reads was killed, by someone or for "
                                            "want of memory\n"))

    def test_sizes_beyond_the_file_take_no_memory(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file.create_dataset("empty", (10**15,), "f8")  # its values have no place in the file yet
        with self.assertRaisesRegex(lindrift.LindriftError, "a.h5: cannot be read: empty is to have 1000000000000000 values, of "
                                                            "which the file holds 0 bytes"):
            lindrift.load(path)

    def test_names_that_are_no_text_are_refused(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file[b"caf\xe9"] = 1.0
        with self.assertRaisesRegex(lindrift.LindriftError, "a.h5: cannot be read: the name .* is not UTF-8"):
            lindrift.load(path)

    def test_values_beyond_a_picture_are_left_out(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file["occupation"][:2] = [1.7e308, -1.7e308]
        self.assertEqual(run("plot", path)[0], 0)
        top = max(np.nanmax(np.abs(line.get_ydata())) for line in lindrift.plot.draw(lindrift.load(path)).axes[0].lines)
        self.assertLess(top, 2.0)

    def test_compressed_copies_are_read(self):
        path = synthetic.steady_state("a.h5", sites=8)
        with h5py.File(path, "a") as file:
            file.create_dataset("zeros", data=np.zeros(10**6), chunks=(10**6,), compression="gzip", compression_opts=9)
        self.assertEqual(lindrift.load(path)["zeros"].values.sum(), 0.0)

    def test_flipped_bits_make_a_picture_or_a_message(self):
        with open(synthetic.sweep_of_two("a.h5", np.linspace(0, 1, 10), [1.0, 2.0], sites=4), "rb") as file:
            whole = file.read()
        for number in range(12):
            damaged = bytearray(whole)
            for i in range(1 + number % 4):
                damaged[(number * 7919 + i * 104729) % 6000] ^= 1 << (number + i) % 8
            with open("damaged.h5", "wb") as file:
                file.write(damaged)
            child = os.fork()  # one process per file: HDF5's state after a damaged file must not affect the next
            if child == 0:
                try:
                    os._exit(run("plot", "damaged.h5", "-o", "damaged.svg")[0])
                finally:
                    os._exit(99)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            self.assertIn(status, (0, 2), number)


class CheckOutputTest(InFolder):
    """Tests the checker of real output files."""

    def test_accepts_good_files(self):
        paths = (synthetic.relaxation("relax.h5", sites=8, times=[0.0, 1.0]),
                 synthetic.steady_state("steady.h5", sites=8),
                 synthetic.sweep("sweep.h5", [0.0, 1.0], sites=8, status=[1, 2]),
                 synthetic.sweep("zip.h5", [0.0, 1.0], sites=8, zipped=True),
                 synthetic.sweep_of_two("two.h5", [0.0, 1.0], [1.0, 2.0], sites=8),
                 synthetic.two_bands("bands.h5", sites=8),
                 synthetic.two_bands_relaxation("bands_relax.h5", [0.0, 1.0]),
                 synthetic.two_bands_sweep("bands_zip.h5", [0.5, 0.9], sites=8, equilibrium=[0.5, 0.1]))
        for path in paths:
            with self.subTest(path):
                self.assertEqual(list(check_output.complaints(path)), [])

    def test_complains(self):
        def damage(change):
            path = synthetic.sweep("a.h5", [0.0, 1.0], sites=8)
            with h5py.File(path, "a") as file:
                change(file)
            return " ".join(check_output.complaints(path))

        def turn_round(file):
            file["turned"] = np.zeros((8, 2))
            file["turned"].attrs.update(units="1", long_name="turned")
            file["turned"].dims[0].attach_scale(file["momentum"])
            file["turned"].dims[1].attach_scale(file[KEY])

        self.assertIn("root attribute backend is missing", damage(lambda file: file.attrs.pop("backend")))
        self.assertIn("threads is str, not int", damage(lambda file: file.attrs.update(threads="1")))
        self.assertIn("current has no units", damage(lambda file: file["current"].attrs.pop("units")))
        self.assertIn("current has no dimension scale on axis 0",
                      damage(lambda file: file["current"].dims[0].detach_scale(file[KEY])))
        self.assertIn("do not come first", damage(turn_round))
        self.assertIn("status has a value", damage(lambda file: file["status"].write_direct(np.full(2, 9, np.uint8))))
        self.assertIn("not ascending", damage(lambda file: file["momentum"].write_direct(np.zeros(8))))


if __name__ == "__main__":
    unittest.main()
