"""`lindrift verify`: what is right passes, however it was computed; a change of any kind of dataset is found."""

import shutil
import unittest

import h5py
import numpy as np

from problems import HAMILTONIAN, PROBLEMS
from program import DONE, POINTS_FAILED, RELAX, STEADY, WRONG, ProgramTest

FRACTION = 'sweep."bath.nonequilibrium_fraction"'
RIGHT = "nothing is beyond what the file promises"


class Verify(ProgramTest):
    def setUp(self):
        super().setUp()
        shutil.copy(HAMILTONIAN, self.folder / "hr.dat")

    def compute(self, text, *options, name="a", **more):
        self.write(f"{name}.toml", text)
        self.expect(DONE, "run", f"{name}.toml", *options, **more)

    def assert_right(self, name="a.h5", **more):
        self.assertIn(RIGHT, self.expect(DONE, "verify", name, **more).stdout)

    def assert_wrong(self, change, what, name="a.h5"):
        """`change` receives a copy of the result file, open."""
        shutil.copy(self.folder / name, self.folder / "changed.h5")
        with h5py.File(self.folder / "changed.h5", "a") as file:
            change(file)
        self.assertIn("WRONG", self.expect(POINTS_FAILED, "verify", "changed.h5").stdout, what)


class RightTest(Verify):
    def test_results_of_every_kind(self):
        for name, text in PROBLEMS.items():
            with self.subTest(name):
                self.compute(text, name=name)
                self.assert_right(f"{name}.h5")

    def test_results_of_threads_ranks_and_resumed_runs(self):
        texts = {name: PROBLEMS[name] for name in ("relax_sweep", "grid", "gradient", "hubbard_spectral", "orbitals")}
        for name, text in texts.items():
            with self.subTest(name):
                self.compute(text, "--threads", "2", name=name)
                self.assert_right(f"{name}.h5")
                self.compute(text, "--overwrite", name=name, ranks=2)
                self.assert_right(f"{name}.h5")
        chain = "[solver]\nchain = 3\n"
        spectrum = STEADY.replace("[task]", 'spectrum = "ohmic"\n[task]')
        for name, text in (("relax", RELAX), ("batch", STEADY), ("chain", spectrum + chain)):
            with self.subTest(name):
                self.compute(text, "--set", FRACTION + "=[0.2, 0.6]", name=name)
                self.compute(text, "--set", FRACTION + "=[0.2, 0.4, 0.5, 0.6]", "--resume", name=name)
                self.assert_right(f"{name}.h5")

    def test_results_that_did_not_converge_or_failed(self):
        self.write("few.toml", RELAX + "[solver]\nmax_steps = 30\n")
        self.expect(POINTS_FAILED, "run", "few.toml", "--set", 'sweep."bath.inverse_temperature"=[0.1, 1.0, 8.0]')
        self.assert_right("few.h5")
        self.write("steady.toml", STEADY + "[solver]\nmax_steps = 2\n")
        self.expect(POINTS_FAILED, "run", "steady.toml", "--set", 'sweep."bath.inverse_temperature"=[0.1, 4.0]')
        self.assert_right("steady.h5")

    def test_some_datasets_only(self):
        for fields in ('["current"]', '["residual", "steps"]', '["converged"]', '["occupation", "residual"]'):
            self.compute(STEADY, "--set", f"output.fields={fields}", "--set", FRACTION + "=[0.2, 0.4]", "--overwrite")
            self.assert_right()


def changed(values, place):
    """The values with one number that is far from right."""
    values = np.array(values)
    flat = values.reshape(-1)
    if values.dtype == object:
        flat[place] = b"nobody"
    elif values.dtype == np.uint8:
        flat[place] = 1 - flat[place]
    elif values.dtype.kind == "i":
        flat[place] += 1
    else:
        flat[place] += 1 + abs(flat[place])
    return values


class WrongTest(Verify):
    def test_every_dataset_counts(self):
        for name in ("relax_sweep", "zip", "hubbard_spectral", "hubbard_steady_state", "orbitals", "lattice_relax"):
            self.compute(PROBLEMS[name], name=name)
            with h5py.File(self.folder / f"{name}.h5") as file:
                content = {key: item[()] for key, item in file.items() if isinstance(item, h5py.Dataset) and key != "error"}
            for key, values in content.items():
                with self.subTest(name, dataset=key):
                    place = np.argmax(np.isfinite(values)) if values.dtype.kind in "fc" else 0
                    def change(file, key=key, new=changed(values, place)):
                        file[key][...] = new
                    self.assert_wrong(change, key, f"{name}.h5")

    def test_numbers_about_the_computation(self):
        self.compute(RELAX + f'[sweep]\n"bath.nonequilibrium_fraction" = [0.2, 0.4]\n', name="relax")
        self.compute(STEADY, name="steady")
        self.compute(PROBLEMS["green"].replace("hatsugai_kohmoto", "hubbard"), name="green")
        for name, key, values in (("relax", "residual", (np.nan, -1.0, 0.5, 1e-3)), ("relax", "steps", (-1, 10**9)),
                                  ("relax", "time", (3.0, np.nan)), ("relax", "bath.nonequilibrium_fraction", (0.3, np.nan)),
                                  ("relax", "momentum", (9.0, np.nan)), ("steady", "residual", (0.5, np.nan, -1.0, np.inf, 1e-9)),
                                  ("steady", "steps", (-1, 10**9)), ("green", "green_retarded_error", (-1.0, np.nan, 0.5, 1e-3))):
            for value in values:
                with self.subTest(name, dataset=key, value=value):
                    def change(file, key=key, value=value):
                        new = np.array(file[key][()])
                        new.reshape(-1)[-1] = value
                        file[key][...] = new
                    self.assert_wrong(change, key, f"{name}.h5")

    def test_a_large_residual_hides_no_error(self):
        self.compute(STEADY, "--set", 'output.fields=["lagrange_multiplier", "residual"]')
        def change(file):
            file["residual"][()] = 0.1
            file["lagrange_multiplier"][3] *= 1 + 1e-6
        self.assert_wrong(change, "residual")

    def test_a_status_fits_the_data(self):
        self.write("a.toml", RELAX + "[solver]\nmax_steps = 500\n")
        self.expect(POINTS_FAILED, "run", "a.toml", "--set", 'sweep."bath.inverse_temperature"=[1.0, 8.0]')
        with h5py.File(self.folder / "a.h5") as file:
            self.assertEqual(list(file["status"]), [1, 3])
        for point, statuses in ((0, (0, 2, 3, 9)), (1, (0, 1, 9))):
            for status in statuses:
                with self.subTest(point=point, status=status):
                    self.assert_wrong(lambda file, point=point, status=status: file["status"].__setitem__(point, status), "status")
        self.compute(STEADY, "--set", 'output.fields=["current"]', "--set", FRACTION + "=[0.2, 0.4]", "--overwrite")
        for status in (0, 2, 3, 9):
            with self.subTest(status=status):
                self.assert_wrong(lambda file, status=status: file["status"].__setitem__(1, status), "status")


class MovedTest(Verify):
    """Folders that were moved or copied with their tables."""

    def inputs(self):
        weights, start = np.random.default_rng(1).random((12, 12)), np.eye(6) / 2
        (self.folder / "one/tables").mkdir(parents=True)
        with h5py.File(self.folder / "one/tables/t.h5", "w") as file:
            file["w"], file["c"] = weights, start
        shutil.copy(HAMILTONIAN, self.folder / "one/hr.dat")
        density = PROBLEMS["density"] + '[initial]\ncorrelation = "tables/t.h5:/c"\n'
        return {"table": STEADY.replace("[task]", 'jump = "table"\ntable = "tables/t.h5:/w"\n[task]'),
                "correlation": density, "wannier90": PROBLEMS["wannier90"] + '[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]\n'}

    def test_a_moved_or_copied_folder(self):
        inputs = self.inputs()
        one, two, copy = (self.folder / name for name in ("one", "two", "copy"))
        for name, text in inputs.items():
            (one / f"{name}.toml").write_text(text)
            self.expect(DONE, "run", f"{name}.toml", cwd=one)
        shutil.copytree(one, copy)
        # What the copy holds counts, not what it was copied from.
        with h5py.File(one / "tables/t.h5", "a") as file:
            file["w"][0, 1] *= 2
        for name in inputs:
            with self.subTest(name):
                self.assert_right(f"copy/{name}.h5")
        with h5py.File(one / "tables/t.h5", "a") as file:
            file["w"][0, 1] /= 2
        one.rename(two)
        for name in inputs:
            with self.subTest(name):
                said = self.expect(DONE, "status", f"two/{name}.h5")
                self.assertIn("complete", said.stdout)
                self.assertNotIn("no such file", said.stderr)
                self.assert_right(f"two/{name}.h5")
                self.assert_right(f"{name}.h5", cwd=two)
        with h5py.File(two / "tables/t.h5", "a") as file:
            file["w"][0, 1] *= 2
        self.expect(WRONG, "verify", "two/table.h5", says=["bath.table", "one/tables/t.h5", "no such file"])
        self.assertIn("complete", self.expect(DONE, "status", "two/table.h5").stdout)

    def test_a_table_elsewhere_is_found_where_it_was(self):
        inputs = self.inputs()
        (self.folder / "one/table.toml").write_text(inputs["table"])
        (self.folder / "results").mkdir()
        self.expect(DONE, "run", "one/table.toml", "-o", "results/a.h5")
        self.assert_right("results/a.h5")


if __name__ == "__main__":
    unittest.main()
