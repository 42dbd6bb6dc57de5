"""Every kind of output file, opened with the tools that people use: h5py, xarray, netCDF4, ncdump, h5dump, h5diff."""

import re
import shutil
import subprocess
import unittest

import h5py
import numpy as np
import xarray
from problems import HAMILTONIAN, PROBLEMS
from program import DONE, ROOT, ProgramTest

try:
    import netCDF4
except ImportError:
    netCDF4 = None


def datasets(path):
    """name -> values of every dataset except bare dimensions, as read by h5py."""
    with h5py.File(path) as file:
        return {name: item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]
                for name, item in file.items()
                if isinstance(item, h5py.Dataset) and not bytes(item.attrs.get("NAME", b"")).startswith(b"This is a netCDF dimension but")}


def as_complex(values):
    """Converts the compound of r and i that readers of netCDF-4 before netCDF4 1.7 return for a complex number."""
    return values["r"] + 1j * values["i"] if getattr(values.dtype, "names", None) == ("r", "i") else values


class FilesTest(ProgramTest):
    def test_every_model_and_task_is_here(self):
        menu = {tuple(line.split()[:2]) for line in self.expect(DONE, "models").stdout.splitlines()[1:] if line.count("  ") > 1}
        self.assertEqual({tuple(re.findall(r'kind = "(\w+)"', text)[:2]) for text in PROBLEMS.values()}, menu)

    def each_file(self):
        """(name, path, datasets) of one file of every kind."""
        shutil.copy(HAMILTONIAN, self.folder / "hr.dat")
        for name, text in PROBLEMS.items():
            with self.subTest(name):
                path = self.folder / f"{name}.h5"
                if not path.exists():
                    outcome = self.run_program("run", self.write(f"{name}.toml", text), "-o", path)
                    self.assertEqual(outcome.returncode, DONE, outcome.stderr)
                yield name, path, datasets(path)

    def tool(self, *command):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(outcome.returncode, 0, f"{command}\n{outcome.stdout}{outcome.stderr}")
        return outcome.stdout

    def assert_same(self, values, expected, name):
        values, expected = as_complex(np.asarray(values)), np.asarray(expected)
        self.assertEqual(values.shape, expected.shape, name)
        if expected.dtype.kind in "OU":
            self.assertEqual(values.astype(str).tolist(), expected.astype(str).tolist(), name)
        else:
            np.testing.assert_array_equal(values, expected, name)

    def test_every_file_names_its_conventions_and_complex_numbers(self):
        some_complex = 0
        for name, path, expected in self.each_file():
            with h5py.File(path) as file:
                self.assertEqual(file.attrs["Conventions"], "lindrift-1")
                has_complex = any(np.iscomplexobj(values) for values in expected.values())
                self.assertEqual("_PFNC_DOUBLE_COMPLEX_TYPE" in file, has_complex)
                some_complex += has_complex
        self.assertGreaterEqual(some_complex, 4)

    def test_units_are_those_that_the_documentation_lists(self):
        document = (ROOT / "docs" / "input.md").read_text()
        table = document.split("### Units", 1)[1].split("\n#", 1)[0]
        listed = {units for row in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE) for units in re.findall("`([^`]+)`", row)}
        used = set()
        for _, path, _ in self.each_file():
            with h5py.File(path) as file:
                used |= {item.attrs["units"] for item in file.values() if isinstance(item, h5py.Dataset)}
        self.assertEqual(used, listed)

    def test_xarray_reads_every_dataset(self):
        for _, path, expected in self.each_file():
            with xarray.open_dataset(path, engine="h5netcdf") as data:
                self.assertEqual(set(data.variables), set(expected))
                for name, values in expected.items():
                    self.assert_same(data[name].values, values, name)

    @unittest.skipUnless(netCDF4, "python3-netcdf4 is not installed")
    def test_netcdf_reads_every_dataset(self):
        for _, path, expected in self.each_file():
            with netCDF4.Dataset(path) as data:
                data.set_auto_maskandscale(False)
                bare = set(data.dimensions) - set(expected)
                self.assertEqual(set(data.variables) - bare, set(expected))
                for name, values in expected.items():
                    self.assert_same(data[name][...], values, name)
            with xarray.open_dataset(path, engine="netcdf4") as data:
                for name, values in expected.items():
                    self.assert_same(data[name].values, values, name)

    @unittest.skipUnless(shutil.which("ncdump"), "netcdf-bin is not installed")
    def test_ncdump_shows_every_dataset(self):
        for _, path, expected in self.each_file():
            text = self.tool("ncdump", path).replace("\\", "")
            for name in expected:
                self.assertRegex(text, rf"(?m)^ {re.escape(name)} =", name)

    @unittest.skipUnless(shutil.which("h5dump") and shutil.which("h5diff"), "hdf5-tools is not installed")
    def test_h5dump_and_h5diff_read_every_dataset(self):
        for _, path, expected in self.each_file():
            text = self.tool("h5dump", "--header", path)
            for name in expected:
                self.assertIn(f'DATASET "{name}"', text)
            again = path.with_suffix(".again.h5")
            outcome = self.run_program("run", path.with_suffix(".toml"), "-o", again)
            self.assertEqual(outcome.returncode, DONE, outcome.stderr)
            for name in expected:
                self.assertEqual(self.tool("h5diff", path, again, f"/{name}"), "", name)
            changed = next(name for name, values in expected.items() if values.dtype.kind in "fc" and values.size > 1 and np.isfinite(values).all())
            with h5py.File(again, "r+") as file:
                file[changed][...] = np.asarray(file[changed]) + 1.0
            self.assertEqual(subprocess.run(["h5diff", "-q", path, again, f"/{changed}"], check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
