"""Wrong inputs and wrong command lines: exit 2, the reason on stderr, and nothing written."""

import os
import resource
import signal
import unittest

import h5py
import numpy as np

import bad_inputs
from problems import HAMILTONIAN
from program import DONE, EXAMPLES, FAILED, STEADY, WRONG, ProgramTest


class CorpusTest(ProgramTest):
    """The tables of bad inputs, which the parser's unit tests use too, given to the whole program."""

    def test_run_and_check_refuse_them(self):
        # Both verbs read an input in the same way: each case has one of them.
        for number, case in enumerate(bad_inputs.cases()):
            with self.subTest(case=case.name):
                path = self.write(f"{case.name}.toml", case.content)
                process = self.expect(WRONG, ("run", "check")[number % 2], path, says=[case.expected, str(path)])
                self.assertEqual(process.stdout, "")
                self.assertEqual(self.names(), [path.name])
                path.unlink()

    def test_none_is_lost(self):
        names = [case.name for case in bad_inputs.cases()]
        self.assertGreaterEqual(len(names), 350)
        self.assertEqual(len(names), len(set(names)))


class InputFileTest(ProgramTest):
    """Files that cannot be read, or have the wrong content."""

    def refuse(self, path, says):
        for verb in ("run", "check"):
            with self.subTest(verb=verb, path=str(path)):
                before = self.names()
                self.expect(WRONG, verb, path, says=[f"{path}: error: ", says] if says else ())
                self.assertEqual(self.names(), before)

    def test_files_that_cannot_be_read(self):
        self.refuse("missing.toml", "No such file or directory")
        self.refuse(self.folder, "Is a directory")
        self.write("plain.toml", STEADY)
        self.refuse("plain.toml/below.toml", "Not a directory")
        self.refuse("a" * 300 + ".toml", "File name too long")
        self.refuse("/dev/null", "model.kind: is required")

    def test_a_link_to_nowhere_and_a_ring_of_links(self):
        (self.folder / "nowhere.toml").symlink_to("missing.toml")
        self.refuse("nowhere.toml", "No such file or directory")
        (self.folder / "ring.toml").symlink_to("ring.toml")
        self.refuse("ring.toml", "symbolic links")

    def test_bytes_that_are_no_text(self):
        # A fixed sequence in which every byte value occurs; all files differ.
        junk = bytes((i * i * 31 + i * 7) % 256 for i in range(5000))
        for number in range(20):
            name = f"junk{number}.toml"
            self.write(name, junk[number * 37:number * 37 + 1 + number * 40])
            self.refuse(name, "")

    def test_a_file_without_end(self):
        self.refuse("/dev/zero", "")

    def test_truncated_examples(self):
        refused = 0
        for number, example in enumerate(sorted(EXAMPLES.glob("*.toml"))):
            whole = example.read_bytes()
            for part in range(1 + number % 5, 21, 5):  # lindrift_fuzz cuts inputs anywhere
                cut = self.write("cut.toml", whole[:len(whole) * part // 21])
                process = self.run_program("check", "cut.toml")
                self.assertIn(process.returncode, (DONE, WRONG), process.said)
                if process.returncode == WRONG:
                    refused += 1
                    self.assertIn("cut.toml", process.stderr)
                cut.unlink()
        self.assertGreater(refused, 20)

    def test_an_output_as_input(self):
        self.write("good.toml", STEADY)
        self.expect(DONE, "run", "good.toml")
        self.refuse("good.h5", "")


class CommandLineTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("in.toml", STEADY)

    def refuse(self, *arguments, says):
        before = {path.name: path.stat().st_size for path in self.folder.iterdir()}
        with self.subTest(arguments=arguments):
            process = self.expect(WRONG, *arguments, says=says)
            self.assertEqual(process.stdout, "")
            self.assertEqual({path.name: path.stat().st_size for path in self.folder.iterdir()}, before)
            self.assertNotIn("terminate called", process.stderr)

    def test_verbs(self):
        self.refuse(says="say what to do: run, check")
        self.refuse("rnu", "in.toml", says="rnu is not a verb of lindrift; did you mean lindrift run?")
        self.refuse("chek", "in.toml", says="did you mean lindrift check?")
        self.refuse("in.toml", says="in.toml is not a verb of lindrift; it is one of run, check")
        self.refuse("", says="it is one of run, check")
        self.refuse("--frobnicate", says="error: ")
        self.refuse("-x", "run", "in.toml", says="error: ")

    def test_options(self):
        for verb in ("run", "check"):
            self.refuse(verb, says="INPUT is required")
            self.refuse(verb, "in.toml", "in.toml", says="unexpected argument in.toml")
            self.refuse(verb, "in.toml", "--bakend", "cpu", says="did you mean --backend?")
            self.refuse(verb, "in.toml", "--bakend=cpu", says=f"{verb} has no option --bakend; did you mean --backend?")
            self.refuse(verb, "in.toml", "-q", says=f"{verb} has no option -q")
            self.refuse(verb, "in.toml", "--threads", "0", says=["--threads: Value 0 not in range", "4096"])
            self.refuse(verb, "in.toml", "--threads", "-2", says="--threads")
            self.refuse(verb, "in.toml", "--threads", "1.5", says="--threads")
            self.refuse(verb, "in.toml", "--threads", "two", says="--threads")
            self.refuse(verb, "in.toml", "--threads", "99999999999999999999", says="--threads")
            self.refuse(verb, "in.toml", "--threads", says="--threads")
            self.refuse(verb, "in.toml", "--backend", "gpu", says="--backend: gpu not in {auto,cpu,cuda}")
            self.refuse(verb, "in.toml", "--backend", says="--backend")
            self.refuse(verb, "in.toml", "--log", "loud", says="--log: loud not in")
            self.refuse(verb, "in.toml", "--set", says="--set")
        self.refuse("run", "in.toml", "--progress", "yes", says="--progress: yes not in {auto,always,never}")
        self.refuse("run", "in.toml", "-o", says="-o")
        self.refuse("check", "in.toml", "--overwrite", says="check has no option --overwrite")

    def test_set(self):
        for text, message in [
            ("model.sites", "--set model.sites: must be KEY=VALUE"),
            ("", "must be KEY=VALUE"),
            ("=3", "not a key"),
            ("model..sites=3", "--set model..sites: error: not a key"),
            (".sites=3", "not a key"),
            ("model.sites.=3", "not a key"),
            ("model.sites.x=3", "model.sites is 12 in the input, not a table"),
            ("model sites=3", "not a key"),
            ("\"model.sites=3", "must be KEY=VALUE"),
            ("model.sites=", "--set model.sites: error: model.sites = \"\": must be an integer"),
            ("model.sites=twelve", "--set model.sites: error: model.sites = \"twelve\": must be an integer"),
            ("model.sites=-3", "model.sites = -3: must be >= 1"),
            ("model.sites=[12]", "model.sites = [12]: must be an integer"),
            ("model.sites=1e30", "model.sites"),
            ("model.site=12", "--set model.site: error: model.site = 12: unknown key; did you mean model.sites?"),
            ("sites=12", "did you mean model.sites?"),
            ("coupling=1", "did you mean bath.coupling?"),
            ("bath.coupling=-1", "bath.coupling = -1: must be >= 0"),
            ("bath.coupling=nan", "bath.coupling = nan: must be finite"),
            ("bath.coupling=1 2", "bath.coupling"),
            ("bath.coupling=1\nmodel.sites=3", "must be one TOML value"),
            ("bath.delta=[1.0]", "bath.delta = [1.0]: must be [re, im] or a number"),
            ("bath.delta=[1.0, 1.0", "bath.delta = \"[1.0, 1.0\": must be [re, im]"),
            ("bath=3", "bath = 3: must be a table"),
            ("task.kind=relax", "task.times: is required"),
            ("task.kind=relaxx", "did you mean \"relax\"?"),
            ("task.times=[0.0]", "has no meaning for task.kind = \"steady_state\""),
            ("model.kind=hubbbard", "model.kind = \"hubbbard\": must be"),
            ("output.fields=[\"curent\"]", "did you mean \"current\"?"),
            ("sweep.\"bath.coupling\"=[]", "must not be empty"),
            ("sweep.\"bath.coupling\"=0.1", "must be a list"),
            ("sweep.\"bath.coupling\"=[0.1, -0.1]", "must be >= 0"),
            ("sweep.\"model.sites\"=[8, 16.5]", "must be an integer"),
            ("sweep.\"bath.cuopling\"=[0.1]", "did you mean bath.coupling?"),
            ("sweep.mode=zap", "did you mean \"zip\"?"),
            ("a=1", "the tables are"),
        ]:
            for verb in ("run", "check"):
                self.refuse(verb, "in.toml", "--set", text, says=message)

    def test_set_is_refused_even_if_the_value_is_no_text(self):
        self.refuse("run", "in.toml", "--set", "bath.coupling=" + "9" * 100000, says="bath.coupling")
        self.refuse("run", "in.toml", "--set", "bath.coupling=" + "[" * 100000, says="bath.coupling")
        self.refuse("run", "in.toml", "--set", b"bath.coupling=\xff\xfe".decode("utf-8", "surrogateescape"),
                    says="bath.coupling")

    def test_sizes_beyond_this_machine(self):
        self.refuse("run", "in.toml", "--set", "model.sites=4e9", says=["model.sites", "of memory"])
        self.refuse("run", "in.toml", "--set", "task.kind=relax", "--set",
                    "task.times={start=0, stop=1, count=100000000}", "--set", "model.sites=100000",
                    says=["task.times: 100000000 times of 100000 sites need", "of memory"])
        # Must be rejected before points are checked one by one, which would take an hour.
        grid = "={start=0, stop=1, count=30000}"
        self.refuse("run", "in.toml", "--set", "sweep.\"bath.coupling\"" + grid, "--set",
                    "sweep.\"bath.nonequilibrium_fraction\"" + grid, says="900000000 points need")

    def test_cuda_without_a_device(self):
        if "no CUDA" not in self.run_program("info").stdout:
            self.skipTest("there is a CUDA device")
        for verb in ("run", "check"):
            self.refuse(verb, "in.toml", "--backend", "cuda",
                        says=["backend = cuda cannot be had: ", "use backend = cpu or auto"])

    def test_models_plot_and_figures(self):
        self.refuse("models", "tgge_chan", says="did you mean tgge_chain?")
        self.refuse("models", "nonsense", says="no model is called nonsense")
        self.refuse("plot", says="FILE is required")
        self.refuse("plot", "missing.h5", says="missing.h5")
        self.refuse("plot", "in.toml", says="is not an HDF5 file")
        self.write("empty.h5", b"")
        self.refuse("plot", "empty.h5", says="empty.h5")
        self.write("cut.h5", b"\x89HDF\r\n\x1a\n" + bytes(100))
        self.refuse("plot", "cut.h5", says="cut.h5")
        self.refuse("plot", ".", says=".")
        self.refuse("figures", "fig3c", says=["no figure is called fig3c", "did you mean fig3"])


class JumpTest(ProgramTest):
    """Jump operators and tables of hop weights that make no sense."""

    def setUp(self):
        super().setUp()
        self.write("in.toml", STEADY)

    def refuse(self, *settings, says):
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        before = self.names()
        for verb in ("run", "check"):
            with self.subTest(verb=verb, settings=settings):
                self.expect(WRONG, verb, "in.toml", *arguments, says=says)
                self.assertEqual(self.names(), before)

    def test_operators_with_spins(self):
        spins = ["model.kind=tgge_rashba", "bath.jump=operators"]
        for terms, message in [("[[0, 0, 1.0, 0.0]]", "must be 6 numbers [a, spin, b, spin, Re, Im]"),
                               ("[[0, 2, 0, 0, 1.0, 0.0]]", "terms[0][1] = 2: must be a spin, 0 (up) or 1 (down)"),
                               ("[[0, 0, 0, -1, 1.0, 0.0]]", "terms[0][3] = -1: must be a spin"),
                               ("[[0, \"up\", 0, 0, 1.0, 0.0]]", "terms[0][1] = \"up\": must be a spin"),
                               ("[[0, 0, 0.5, 0, 1.0, 0.0]]", "terms[0][2] = 0.5: must be an offset in sites"),
                               ("[[0, 0, 0, 0, 1.0, inf]]", "terms[0][5] = inf: must be finite"),
                               ("[]", "terms = []: must not be empty")]:
            self.refuse(*spins, "bath.jump_operator=[{terms=" + terms + "}]", says=message)
        self.refuse(*spins, says="bath.jump_operator: is required")

    def test_tables(self):
        weights = np.ones((12, 12))
        wrong = {"negative": weights - 2, "nan": weights * np.nan, "infinite": weights * np.inf,
                 "small": weights[:5, :5], "oblong": weights[:5], "flat": weights.ravel(), "complex": weights + 0j,
                 "empty": weights[:0, :0], "text": np.full((12, 12), b"1.0")}
        for name, value in wrong.items():
            with h5py.File(self.folder / f"{name}.h5", "w") as file:
                file["w"] = value
        with h5py.File(self.folder / "group.h5", "w") as file:
            file.create_group("w")
            file["ring"] = h5py.SoftLink("/ring")
        whole = (self.folder / "negative.h5").read_bytes()
        self.write("cut.h5", whole[:len(whole) // 2])
        self.write("junk.h5", "no HDF5 at all")
        self.write("nothing.h5", b"")
        for place, message in [("negative.h5:/w", "weight (0, 0) = -1"), ("nan.h5:/w", "must be finite and >= 0"),
                               ("infinite.h5:/w", "must be finite and >= 0"), ("small.h5:/w", "has shape 5 x 5"),
                               ("oblong.h5:/w", "has shape 5 x 12; it must be modes x modes, 12 x 12"),
                               ("flat.h5:/w", "has 1 dimensions; it must have 2"), ("empty.h5:/w", "has shape 0 x 0"),
                               ("complex.h5:/w", "does not hold real numbers"),
                               ("text.h5:/w", "does not hold real numbers"), ("group.h5:/w", "is not a dataset"),
                               ("group.h5:/ring", "ring"), ("group.h5:/v", "holds no dataset /v"),
                               ("group.h5", "must be FILE.h5:/path/of/dataset"), ("cut.h5:/w", "truncated"),
                               ("junk.h5:/w", "not an HDF5 file"), ("nothing.h5:/w", "not an HDF5 file"),
                               ("missing.h5:/w", "no such file"), (".:/w", "not a regular file"),
                               ("/dev/zero:/w", "not a regular file"), ("", "must name a file")]:
            self.refuse("bath.jump=table", f"bath.table=\"{place}\"", says=["--set bath.table: error: ", message])
        self.refuse("bath.jump=table", says="bath.table: is required")

    def test_tables_with_bytes_changed(self):
        """A damaged file may be read or rejected, but must not crash or hang the program."""
        with h5py.File(self.folder / "good.h5", "w") as file:
            file["w"] = np.ones((12, 12))
        whole = (self.folder / "good.h5").read_bytes()
        for number in range(60):
            damaged = bytearray(whole)
            for i in range(1 + number % 4):
                damaged[(number * 7919 + i * 104729) % 1200] ^= 1 << (number + i) % 8
            self.write("damaged.h5", bytes(damaged))
            process = self.run_program("run", "in.toml", "--overwrite", "--set", "bath.jump=table", "--set",
                                       "bath.table=\"damaged.h5:/w\"")
            self.assertIn(process.returncode, (DONE, WRONG), process.said)


LATTICE = """[model]
kind = "tgge_lattice"
cells = [4, 3]
hamiltonian = "h_hr.dat"
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 1, 1.0, 0.0]]
[task]
kind = "steady_state"
"""


class LatticeTest(ProgramTest):
    """Files of Wannier90 that are damaged or do not fit, and lattices that are too large."""

    def setUp(self):
        super().setUp()
        # A comment, 2 orbitals, 7 displacements, a line of weights, then four lines for each displacement.
        self.lines = HAMILTONIAN.read_text().splitlines()
        self.assertEqual(len(self.lines), 32)

    def refuse(self, lines, *says, text=LATTICE):
        """Both verbs refuse a file; the message names the input's line and what `says` lists."""
        self.write("h_hr.dat", "".join(f"{line}\n" for line in lines))
        self.write("in.toml", text)
        for verb in ("run", "check"):
            with self.subTest(verb=verb, says=says):
                process = self.expect(WRONG, verb, "in.toml", says=["in.toml:", *says])
                self.assertEqual(process.stdout, "")
                self.assertEqual(self.names(), ["h_hr.dat", "in.toml"])

    def replaced(self, number, line):
        return [*self.lines[:number - 1], line, *self.lines[number:]]

    def test_truncated(self):
        for kept, place, missing in [(31, 32, "element 28 of 28"), (18, 19, "element 15 of 28"), (4, 5, "element 1 of 28"),
                                     (3, 4, "weight 1 of 7"), (2, 3, "the number of displacements"), (0, 2, "the number of orbitals")]:
            self.refuse(self.lines[:kept], ":4:", "error: model.hamiltonian: /", f"/h_hr.dat:{place}: the file ends where {missing} should stand")
        self.refuse([*self.lines[:31], self.lines[31][:30]], "error: model.hamiltonian: /", "/h_hr.dat:32: a line must be R1 R2 R3 a b Re Im")
        self.refuse(self.replaced(4, "2 1 1 1"), "error: model.hamiltonian: /", "/h_hr.dat:5: '-1' is no weight: an integer >= 1")

    def test_another_number_of_orbitals(self):
        self.refuse(self.replaced(2, "1"), "error: model.hamiltonian: /", "/h_hr.dat:6: orbital 2 must be in 1 .. 1")
        self.refuse(self.replaced(2, "3"), "h_hr.dat:9: the displacement changes before all 9 elements of the last one stand")
        # An input that counts or names orbitals that the file does not have.
        for number in (1, 2, 3):
            self.refuse(self.lines, f":5:1: error: model.orbitals = {number}: has no meaning where model.hamiltonian is given",
                        text=LATTICE.replace("[bath]", f"orbitals = {number}\n[bath]"))
        second = "[[bath.jump_operator]]\nterms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [0, 0, 2, 0, 0, 0, 1.0, 0.0]]\n[task]"
        self.refuse(self.lines, "error: bath.jump_operator[1]: terms[1]: orbital 2 is not allowed: must be in 0 .. 1",
                    text=LATTICE.replace("[task]", second))
        self.refuse(self.lines, "model.positions: must have a row of 2 numbers for each of the 2 orbitals",
                    text=LATTICE.replace("[bath]", "positions = [[0.0, 0.0]]\n[bath]"))
        self.refuse(self.lines, "output.operators: s has 1 rows; it must have one for each of the 2 orbitals",
                    text=LATTICE + "[output.operators]\ns = [[1]]\n")
        self.refuse(self.lines, "error: model.hamiltonian: /", "/h_hr.dat: it hops along direction 2; model.cells has 1",
                    text=LATTICE.replace("[4, 3]", "[4]").replace("[[0, 0, 0, 0, 0, 1,", "[[0, 0, 0, 1,"))

    def off_hermitian(self, by):
        """The file with one element moved by a fraction of the largest element, which is 1."""
        return self.replaced(19, f"0 0 0 1 2 {-1.0 + by!r} 0.0")

    def test_a_file_that_is_not_hermitian(self):
        # Each of the two elements changes by half of what they differ by.
        self.refuse(self.off_hermitian(1e-3), ":4:", "error: model.hamiltonian: /", "/h_hr.dat: the Hamiltonian is not Hermitian: element 0 0 0 1 2 "
                    "is off by 0.0005 of the largest element; at most 1e-4 is taken for rounding")
        self.refuse(self.off_hermitian(2.1e-4), "is not Hermitian")

    def test_a_file_that_is_rounded_is_made_hermitian(self):
        self.write("in.toml", LATTICE)
        currents = {}
        for by, said in ((0.0, "0"), (1e-6, "5e-07"), (1.9e-4, "9.5e-05")):
            self.write("h_hr.dat", "\n".join(self.off_hermitian(by)))
            self.assertIn(f"h_hr.dat was made Hermitian: elements changed by up to {said} of the largest one",
                          self.expect(DONE, "check", "in.toml").stdout)
            self.expect(DONE, "run", "in.toml", "--overwrite")
            with h5py.File(self.folder / "in.h5") as file:
                currents[by] = file["current"][()]
        for by, current in currents.items():
            self.assertLessEqual(np.abs(current - currents[0.0]).max(), by)
        self.assertFalse(np.array_equal(currents[0.0], currents[1.9e-4]))

    def test_a_thousand_million_cells(self):
        presets = {"square": "[40000, 25000]", "cubic": "[1000, 1000, 1000]", "rashba_zeeman": "[1000, 1000000]"}
        for preset, cells in presets.items():
            zeros = "0, " * (4 if preset != "cubic" else 6)
            text = LATTICE.replace('hamiltonian = "h_hr.dat"', f'preset = "{preset}"').replace("[4, 3]", cells)
            self.refuse(self.lines, "model.cells: 1000000000 cells need", "of memory", "this machine has",
                        text=text.replace("0, 0, 0, 0, 0, 1, ", zeros + "0, 0, "))
        self.refuse(self.lines, "model.cells: 1000000000 cells need", "of memory",
                    text=LATTICE.replace("[4, 3]", "[1000000000, 1]"))


class OutputTest(ProgramTest):
    """The output file: checked before anything is computed; a failure leaves nothing behind."""

    def setUp(self):
        super().setUp()
        self.write("in.toml", STEADY)

    def test_an_existing_file_is_kept(self):
        self.write("in.h5", "precious")
        for arguments in (["run", "in.toml"], ["run", "in.toml", "-o", "in.h5"], ["run", "in.toml", "-o", "./in.h5"]):
            self.expect(WRONG, *arguments, says=["in.h5 exists", "--overwrite", "-o"])
            self.assertEqual((self.folder / "in.h5").read_text(), "precious")
        self.expect(DONE, "run", "in.toml", "--overwrite")
        self.assertEqual((self.folder / "in.h5").read_bytes()[1:4], b"HDF")
        self.assertEqual(self.names(), ["in.h5", "in.toml"])

    def test_a_wrong_input_does_not_touch_the_output(self):
        self.write("in.h5", "precious")
        self.expect(WRONG, "run", "in.toml", "--overwrite", "--set", "model.sites=0")
        self.assertEqual((self.folder / "in.h5").read_text(), "precious")

    def test_the_input_is_not_the_output(self):
        for name in ("in.toml", "./in.toml"):
            self.expect(WRONG, "run", "in.toml", "-o", name, "--overwrite", says="is the input")
        (self.folder / "link.h5").symlink_to("in.toml")
        self.expect(WRONG, "run", "in.toml", "-o", "link.h5", "--overwrite", says="is the input")
        self.assertEqual((self.folder / "in.toml").read_text(), STEADY)

    def test_files_that_are_no_results(self):
        self.expect(DONE, "run", "in.toml")
        whole = (self.folder / "in.h5").read_bytes()
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        self.write("empty.h5", "")
        (self.folder / "cut.h5").write_bytes(whole[:3000])
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = [1.0]
        with h5py.File(self.folder / "stripped.h5", "w") as file, h5py.File(self.folder / "in.h5") as stored:
            file.attrs.update(stored.attrs)
        for path, message in (("in.toml", "not an HDF5 file"), ("empty.h5", "not an HDF5 file"), ("cut.h5", "truncated file"),
                              ("folder", "folder"), ("pipe", "not a regular file"), ("/dev/null", "not a regular file"),
                              ("missing.h5", "missing.h5"), ("other.h5", "not"), ("", "must not be empty")):
            for verb in ("verify", "status", "plot"):
                with self.subTest(path, verb=verb):
                    said = self.expect(WRONG, verb, path, says=message).stderr
                    self.assertNotIn("-o names", said)  # they write no output
            if path not in ("in.toml", "missing.h5"):
                with self.subTest(path, verb="run"):
                    self.expect(WRONG, "run", "in.toml", "--resume", "-o", path, says=message)
        self.expect(WRONG, "verify", "stripped.h5", says="stripped.h5: it has no dataset")
        for path in ("cut.h5", "other.h5"):
            self.expect(WRONG, "run", "in.toml", "--resume", "-o", path, says="--overwrite replaces this one")

    def test_an_empty_word_is_not_an_option_left_out(self):
        for words in (["run", "in.toml", "-o"], ["run", "in.toml", "--max-time"], ["check"], ["plot", "in.h5", "-o"],
                      ["plot", "in.h5", "--dataset"], ["bench", "-o"], ["figures", "-o"], ["models"]):
            with self.subTest(words):
                self.expect(WRONG, *words, "", says="must not be empty")
        self.assertEqual(self.names(), ["in.toml"])

    def test_a_name_that_begins_like_an_option(self):
        self.write("-x.toml", STEADY)
        for verb in ("run", "check"):
            self.expect(WRONG, verb, "-x.toml", says=f"{verb} has no option -x.toml; a file of that name is given after --: "
                        f"lindrift {verb} -- -x.toml")
        self.expect(DONE, "run", "--", "-x.toml")
        self.expect(WRONG, "verify", "-x.h5", says="lindrift verify -- -x.h5")
        self.expect(DONE, "verify", "--", "-x.h5")
        self.expect(WRONG, "run", "in.toml", "--outputt=a.h5", says="did you mean --output?")

    def test_places_that_take_no_file(self):
        self.expect(WRONG, "run", "in.toml", "-o", "missing/out.h5",
                    says="cannot write missing/out.h5: there is no folder missing; create it first")
        (self.folder / "folder").mkdir()
        for flags in ([], ["--overwrite"], ["--resume"]):
            self.expect(WRONG, "run", "in.toml", "-o", "folder", *flags, says="cannot write folder: it is a folder")
        self.expect(WRONG, "run", "in.toml", "-o", "in.toml/out.h5", says="there is no folder in.toml")
        (self.folder / "link.h5").symlink_to("missing/out.h5")
        for flags in ([], ["--overwrite"], ["--resume"]):
            self.expect(WRONG, "run", "in.toml", "-o", "link.h5", *flags, says="cannot write link.h5: there is no folder missing")
        (self.folder / "link.h5").unlink()
        self.expect(FAILED, "run", "in.toml", "-o", "o" * 300 + ".h5", says="File name too long")
        self.expect(FAILED, "run", "in.toml", "-o", "/proc/out.h5", says="cannot write /proc/out.h5")
        self.assertEqual(self.names(), ["folder", "in.toml"])

    def test_a_full_disk(self):
        for action in (signal.SIG_IGN, signal.SIG_DFL):
            for limit in (0, 1, 500):
                with self.subTest(limit=limit, action=action):
                    self.expect(FAILED, "run", "in.toml", says="cannot write in.h5", preexec_fn=lambda: limit_files(limit, action))
                    self.assertEqual(self.names(), ["in.toml"])
            # Space for the point but not for the output: the point is not lost.
            self.expect(FAILED, "run", "in.toml", says="cannot write in.h5", preexec_fn=lambda: limit_files(4096, action))
            self.assertEqual(self.names(), ["in.h5.journal", "in.toml"])
            self.expect(DONE, "run", "in.toml", "--resume", says="1 of 1 point is there already")
            self.assertEqual(self.names(), ["in.h5", "in.toml"])
            (self.folder / "in.h5").unlink()
        self.write("in.h5", "precious")
        self.expect(FAILED, "run", "in.toml", "--overwrite", preexec_fn=lambda: limit_files(1000))
        self.assertEqual((self.folder / "in.h5").read_text(), "precious")

    def test_a_single_run_that_fails_leaves_nothing(self):
        self.expect(FAILED, "run", "in.toml", "--set", "task.kind=relax", "--set", "task.times=[1.0]", "--set",
                    "bath.inverse_temperature=800", "--set", "solver.integrator=adams", says="error: ")
        self.assertEqual(self.names(), ["in.toml"])

    def test_figures_into_a_file(self):
        process = self.expect(WRONG, "figures", "fig3b", "-o", "in.toml", says=["cannot make the folder in.toml", "-o"])
        self.assertEqual(process.stdout, "")
        self.assertEqual((self.folder / "in.toml").read_text(), STEADY)

    def test_places_that_take_no_picture(self):
        (self.folder / "folder.png").mkdir()
        (self.folder / "link.png").symlink_to("missing/a.png")
        for place, message in (("missing/a.png", "there is no folder missing"), ("folder.png", "it is a folder"),
                               ("link.png", "there is no folder missing")):
            self.expect(WRONG, "plot", "in.h5", "-o", place, says=f"cannot write {place}: {message}")
        (self.folder / "pictures/fig3b.png").mkdir(parents=True)
        process = self.expect(WRONG, "figures", "fig3b", "-o", "pictures", says="cannot write pictures/fig3b.png: it is a folder")
        self.assertEqual(process.stdout, "")  # nothing was computed


def limit_files(size, action=signal.SIG_IGN):
    """In the child: limits the size of every file, as if the disk were full. `action` is what SIGXFSZ does; a write that
    fails sends it."""
    signal.signal(signal.SIGXFSZ, action)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


if __name__ == "__main__":
    unittest.main()
