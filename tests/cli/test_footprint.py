"""Memory and size of every model and task: what no machine has is refused at once, and `check` tells what a run takes."""

import pathlib
import re
import resource
import subprocess
import sys
import unittest

from program import DONE, ENVIRONMENT, PROGRAM, ROOT, WRONG, ProgramTest, attributes, datasets

# A small input for every model, and what some tasks need instead.
RING = "sites = 8\n"
MODELS = {
    "tgge_chain": RING + "[bath]\nnonequilibrium_fraction = 0.5\n",
    "tgge_rashba": RING + """zeeman_field = 0.8
rashba_y = 1.1
rashba_z = 0.9
[bath]
nonequilibrium_fraction = 0.4
""",
    "tgge_lattice": """cells = [8, 1]
add_hermitian_conjugate = true
hopping_terms = [[1, 0, 0, 0, -1.0, 0.0], [0, 1, 0, 0, -1.0, 0.0]]
[bath]
nonequilibrium_fraction = 0.5
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [1, 0, 0, 0, 0, 0, 0.5, 0.1]]
""",
    "hatsugai_kohmoto": RING + "interaction = 4.0\n[bath.down]\ngain = 1.5\ntwo_site_loss = 0.5\n",
    "hubbard": RING + "interaction = 0.4\n[bath.down]\ngain = 0.2\ntwo_site_loss = 2.0\n",
}
TASKS = {
    ("hatsugai_kohmoto", "steady_state"): """cells = [8, 1]
orbitals = 2
interaction = 1.0
hopping_terms = [[0, 0, 0, 1, 1.0, 0.0], [-1, 0, 0, 1, 0.7, 0.0]]
[bath.up]
gain = 0.05
loss = 0.05
[bath.down]
gain = 0.5
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 0, 1.0, 0.0], [0, 0, 1, 0.0, 1.0]]
""",
    ("hubbard", "steady_state"): MODELS["hubbard"].replace("[bath.down]", "[bath.up]\ngain = 0.1\nloss = 0.4\n[bath.down]"),
}
# Lists that some tasks need, and two keys to sweep over.
LISTS = {"task.times": "[0.0, 0.5, 2.0]", "task.frequencies": "[-1.0, 0.0, 1.5]"}
SWEPT = {"tgge": ("bath.coupling", "bath.inverse_temperature"), "": ("bath.down.loss", "bath.up.two_site_loss_phase")}
UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


SANITIZED = any(mark in pathlib.Path(PROGRAM).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))


LARGE = """[model]
kind = "tgge_lattice"
cells = [4096, 4096]
{model}[bath]
nonequilibrium_fraction = 0.5
spectrum = "{{spectrum}}"
[[bath.jump_operator]]
terms = {terms}
"""
SQUARE = LARGE.format(model='preset = "square"\n', terms="""[
  [0, 0, 0, 0, 0, 0, 1.0, 0.0], [0, 0, 0, 0, 1, 0, -1.0, -0.5],
  [1, 0, 0, 0, 0, 0, 1.0, 1.0], [1, 0, 0, 0, 1, 0, -0.5, -1.5]]""")
LAYER = LARGE.format(model='preset = "rashba_zeeman"\nrashba = 0.8\nzeeman_x = 0.9\nzeeman_z = 0.7\n',
                     terms="[[0, 0, 0, 0, 0, 0, 1.0, 0.0]]")


def bytes_of(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def said_by(*arguments):
    return subprocess.run([PROGRAM, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout


def tasks():
    """Every model and task, with the keys of the task."""
    for line in said_by("models").split("\n\n")[0].splitlines()[1:]:
        model, task = line.split()[:2]
        section = said_by("models", model).split(f"\ntask {task}: ")[1].split("\ntask ")[0]
        yield model, task, [row.split()[0] for row in section.splitlines()[1:] if row.strip()]


def input_of(model, task, keys):
    """A small input of a task."""
    lists = "".join(f"{key.removeprefix('task.')} = {value}\n" for key, value in LISTS.items() if key in keys)
    return f'[model]\nkind = "{model}"\n{TASKS.get((model, task), MODELS[model])}[task]\nkind = "{task}"\n{lists}'


class Footprints(ProgramTest):
    def measure(self, *arguments, limit=resource.RLIM_INFINITY):
        """The finished process, with its peak memory in bytes without files, and the seconds that it computed.

        limit: bytes that it may take at most"""
        wrapper = [sys.executable, "-S", "-E", str(ROOT / "tests/cli/peak_memory.py"), str(self.folder / "peak")]
        start = seconds_of_children()
        process = subprocess.run([*wrapper, PROGRAM, *map(str, arguments)], cwd=self.folder, env=ENVIRONMENT,
                                 capture_output=True, text=True, timeout=300,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        process.seconds = seconds_of_children() - start
        peak = self.folder / "peak.0"
        process.memory = 1024.0 * float(peak.read_text())
        peak.unlink()
        process.said = f"{' '.join(map(str, arguments))}\nexit {process.returncode}\n{process.stdout}{process.stderr}"
        return process


class RefusalTest(Footprints):
    """Sizes that no machine has: exit code 2, at once, with the key and the bytes or the range, without taking or writing them."""

    def refuse(self, text, key):
        self.write("large.toml", text)
        files = self.names()
        for verb in ("check", "run"):
            process = self.measure(verb, "large.toml")
            self.assertEqual(process.returncode, WRONG, f"{text}\n{process.said}")
            self.assertIn(key, process.stderr, f"{text}\n{process.said}")
            if "must be >=" not in process.stderr:  # otherwise it is beyond the range of the key itself
                self.assertRegex(process.stderr, r"\d B|\d [kMGTPE]B", process.said)
                self.assertIn("this machine has", process.stderr, process.said)
            if not SANITIZED:
                self.assertLess(process.memory, 100e6, f"{text}\n{process.said}")
                self.assertLess(process.seconds, 1.0, f"{text}\n{process.said}")
            self.assertEqual(self.names(), files)

    def test_sizes(self):
        for model, task, keys in tasks():
            text = input_of(model, task, keys)
            for size, cells in ((2_000_000_000, "[50000, 40000]"), (1_000_000_000_000, "[1000000, 1000000]")):
                with self.subTest(model=model, task=task, size=size):
                    large = text.replace("\nsites = 8", f"\nsites = {size}").replace("cells = [8, 1]", f"cells = {cells}")
                    self.refuse(large, "model.sites" if "\nsites" in large else "model.cells")

    def test_grids(self):
        for model, task, keys in tasks():
            text = input_of(model, task, keys)
            for key in set(LISTS) & set(keys):
                # The first is a length that a grid may have, for a system that has no memory for it.
                for sites, count in ((6000, 100_000_000), (8, 2_000_000_000), (8, 1_000_000_000_000)):
                    if task == "exact" and sites > 8:
                        continue
                    grid = f"{{ start = 0.0, stop = 2.0, count = {count} }}"
                    with self.subTest(model=model, task=task, key=key, count=count):
                        large = text.replace(f"{key.removeprefix('task.')} = {LISTS[key]}", f"{key.removeprefix('task.')} = {grid}")
                        self.refuse(large.replace("= 8\n", f"= {sites}\n").replace("[8, 1]", f"[{sites}, 1]"), key)

    def test_sweeps(self):
        for model, task, keys in tasks():
            swept = next(keys for start, keys in SWEPT.items() if model.startswith(start))
            for counts in ((2_000_000_000,), (1_000_000_000_000,), (1000, 2_000_000), (1_000_000, 1_000_000)):
                with self.subTest(model=model, task=task, counts=counts):
                    axes = "".join(f'"{key}" = {{ start = 0.1, stop = 0.2, count = {count} }}\n'
                                   for key, count in zip(swept, counts))
                    self.refuse(input_of(model, task, keys) + "[sweep]\n" + axes, "sweep")

    def test_what_is_large_in_another_way(self):
        chain = MODELS["hatsugai_kohmoto"].replace("sites = 8", "sites = 8000000000\ncluster = 8")
        self.refuse('[model]\nkind = "hatsugai_kohmoto"\n' + chain + '[task]\nkind = "green"\ntimes = [0.0]\n', "model.sites")
        with open(self.write("wannier_hr.dat", "a sparse file\n"), "r+") as file:
            file.truncate(10**12)
        lattice = MODELS["tgge_lattice"]
        lattice = lattice.replace(lattice[lattice.index("add_hermitian"):lattice.index("[bath]")], 'hamiltonian = "wannier_hr.dat"\n')
        self.refuse('[model]\nkind = "tgge_lattice"\n' + lattice + '[task]\nkind = "steady_state"\n', "model.hamiltonian")


class LargePlanTest(Footprints):
    """Sizes that a machine may have: `check` takes little of the time and memory that it promises for the run."""

    def plan(self, text):
        self.write("large.toml", text)
        process = self.measure("check", "large.toml", "--threads", "1",
                               **({} if SANITIZED else {"limit": 1_000_000_000}))
        said = f"{text}\n{process.said}"
        if process.returncode != DONE:  # a machine with less memory than the run needs
            self.assertEqual(process.returncode, WRONG, said)
            self.assertIn("this machine has", process.stderr, said)
        if not SANITIZED:
            self.assertLess(process.memory, 200e6, said)
            self.assertLess(process.seconds, 10.0, said)  # about a second on a quiet machine

    def test_systems(self):
        for model, task, keys in tasks():
            if task == "exact":  # 8 sites at most
                continue
            text = input_of(model, task, keys)
            for sites in (100_000, 2_000_000, 30_000_000):
                with self.subTest(model=model, task=task, sites=sites):
                    large = text.replace("\nsites = 8\n", f"\nsites = {sites}\n").replace("[8, 1]", f"[{sites // 8}, 8]")
                    self.assertNotEqual(large, text)
                    self.plan(large)

    def test_methods_of_their_own(self):
        hubbard = input_of("hubbard", "spectral", ["task.frequencies"])
        ladder = hubbard.replace("\ninteraction", '\napproximation = "ladder"\ninteraction')
        clusters = input_of("hatsugai_kohmoto", "green", ["task.times"]).replace("\ninteraction", "\ncluster = 2\ninteraction")
        for text in (hubbard + '[solver]\nalgorithm = "direct"\n', ladder, clusters,
                     hubbard.replace("[task]", "[task]\nmomenta = [0, 3]"),
                     # rates that nearly vanish at one momentum, whose late times take long
                     hubbard.replace("gain = 0.2", "two_site_gain = 0.2\nloss = 1e-4")):
            for sites in (100_000, 10_000_000):
                with self.subTest(text=text, sites=sites):
                    self.plan(text.replace("\nsites = 8\n", f"\nsites = {sites}\n"))

    def test_grids(self):
        for model, task, keys in tasks():
            text = input_of(model, task, keys)
            for key in set(LISTS) & set(keys):
                grid = "{ start = 0.0, stop = 2.0, count = 2_000_000 }"
                with self.subTest(model=model, task=task, key=key):
                    self.plan(text.replace(f"{key.removeprefix('task.')} = {LISTS[key]}", f"{key.removeprefix('task.')} = {grid}"))

    def test_sweeps(self):
        """Whose points are examined by plans of their own, and which have room for their results."""
        for model, task, keys in tasks():
            if model == "hubbard":
                with self.subTest(task=task):
                    self.plan(input_of(model, task, keys) +
                              '[sweep]\n"bath.down.loss" = { start = 0.1, stop = 0.2, count = 1_000_000 }\n')


class LargeLatticeTest(Footprints):
    """4096 x 4096 cells fit into 23 GB, and `check` says so in about a second: from sizes and from coarse lattices."""

    def test_checks_take_a_second(self):
        for name, orbital, spectrum, most in (("one", SQUARE, "exponential", 12e9), ("panels", SQUARE, "lorentzian", 18e9),
                                              ("two", LAYER, "exponential", 18e9), ("two_panels", LAYER, "lorentzian", 23e9)):
            with self.subTest(name):
                self.write("large.toml", orbital.format(spectrum=spectrum) + '[task]\nkind = "steady_state"\n')
                process = self.measure("check", "large.toml")
                if process.returncode == WRONG:  # a machine with less memory
                    self.assertIn("this machine has", process.stderr, process.said)
                    continue
                self.assertEqual(process.returncode, DONE, process.said)
                peak = bytes_of(re.search(r"memory +(\S+ \S+) at most: ", process.stdout)[1])
                self.assertLess(peak, most, process.said)
                if not SANITIZED:
                    self.assertLess(process.memory, 500e6, process.said)
                    self.assertLess(process.seconds, 5.0, process.said)  # on a busy machine


class LargeSweepTest(Footprints):
    """Ten million points: `check` takes the time and the memory of a sample, and a run holds little of each."""

    INPUT = input_of("tgge_chain", "steady_state", []) + '[output]\nfields = ["current"]\n[sweep]\n'

    def test_check(self):
        axis = '"{}" = {{ start = 0.0, stop = 1.0, count = {} }}\n'.format
        coupling, beta, filling = "bath.coupling", "bath.inverse_temperature", '"initial.filling" = [0.25, 0.5]\n'
        for sweep in (axis(coupling, 10_000_000), filling + axis(beta, 1000) + axis(coupling, 5000),
                      'mode = "zip"\n' + axis(coupling, 10_000_000) + axis(beta, 10_000_000)):
            with self.subTest(sweep=sweep):
                self.write("a.toml", self.INPUT + sweep)
                process = self.measure("check", "a.toml")
                self.assertEqual(process.returncode, DONE, process.said)
                self.assertIn("points       10000000", process.stdout)
                if not SANITIZED:
                    self.assertLess(process.memory, 150e6, process.said)
                    self.assertLess(process.seconds, 10.0, process.said)

    @unittest.skipIf(SANITIZED, "sanitizers take memory of their own")
    def test_run(self):
        taken = []
        # Samples of a short run can miss its peak on a busy machine.
        for points, repetitions in ((5_000, 5), (105_000, 1)):
            self.write("a.toml", self.INPUT + f'"bath.coupling" = {{ start = 0.0, stop = 1.0, count = {points} }}\n')
            processes = [self.measure("run", "a.toml", "--overwrite", "--threads", "1") for _ in range(repetitions)]
            for process in processes:
                self.assertEqual(process.returncode, DONE, process.said)
            taken.append(max(process.memory for process in processes))
        self.assertLess((taken[1] - taken[0]) / 100_000, 150.0)


class EstimateTest(Footprints):
    """What `check` says against what `run` takes."""

    def estimate(self, text):
        """Algorithm, peak of the memory and size of the file that `check` expects."""
        self.write("a.toml", text)
        said = self.expect(DONE, "check", "a.toml").stdout
        peak, file = re.search(r"memory +(\S+ \S+) at most: .*; the file will have (\S+ \S+)", said).groups()
        return re.search(r"algorithm +(\S+):", said)[1], bytes_of(peak), bytes_of(file)

    def test_algorithms_have_one_name(self):
        for model, task, keys in tasks():
            with self.subTest(model=model, task=task):
                algorithm = self.estimate(input_of(model, task, keys))[0]
                self.expect(DONE, "run", "a.toml", "--overwrite")
                self.assertEqual(algorithm, attributes(self.folder / "a.h5")["algorithm"])

    def test_files_over_times(self):
        """As many values as the list has, of tasks that know both times and frequencies. The input holds a longer grid as such."""
        for text in ('''[model]
kind = "hubbard"
sites = 3
[bath.down]
gain = 0.2
loss = 2.0
[task]
kind = "exact"
''', '''[model]
kind = "hatsugai_kohmoto"
cells = [4]
orbitals = 2
hopping_terms = [[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0]]
[bath.down]
gain = 0.5
loss = 0.3
[task]
kind = "green"
'''):
            with self.subTest(text):
                _, _, file = self.estimate(text + "times = { start = 0.0, stop = 3.0, count = 12000 }\n")
                self.expect(DONE, "run", "a.toml", "--overwrite")
                size = (self.folder / "a.h5").stat().st_size
                self.assertGreater(size, 200e3)
                self.assertLess(abs(file - size), max(0.1 * size, 20e3))

    def test_steps_of_cold_relaxations(self):
        # The promised time is that of a step times their number. Times depend on the machine, so the number is tested:
        # each step of the implicit method evaluates the rates about seven times.
        for model, sites, beta in (("tgge_chain", 10, 20), ("tgge_chain", 10, 100), ("tgge_chain", 100, 20), ("tgge_chain", 300, 20),
                                   ("tgge_rashba", 20, 20), ("tgge_rashba", 20, 60)):
            with self.subTest(model=model, sites=sites, beta=beta):
                self.write("a.toml", f'[model]\nkind = "{model}"\nsites = {sites}\n'
                                     f'[bath]\nnonequilibrium_fraction = 0.5\ninverse_temperature = {beta}\n'
                                     '[task]\nkind = "relax"\ntimes = [0.0, 1.0]\n[solver]\nintegrator = "bdf"\n')
                said = self.expect(DONE, "check", "a.toml").stdout
                promised = float(re.search(r"work +about (\S+) evaluations", said)[1]) / 7.0
                self.expect(DONE, "run", "a.toml", "--overwrite")
                steps = datasets(self.folder / "a.h5")["steps"]
                self.assertLess(max(promised / steps, steps / promised), 3.0, f"{steps} steps, promised {promised:.0f}")

    @unittest.skipIf(SANITIZED, "sanitizers take memory of their own")
    def test_memory_and_files(self):
        keys = {(model, task): keys for model, task, keys in tasks()}
        self.write("small.toml", input_of("tgge_chain", "steady_state", []))
        start = self.measure("run", "small.toml").memory
        for model, task, sites, values, more in (
                ("tgge_chain", "steady_state", 1_000_000, 0, ""),
                ("tgge_rashba", "steady_state", 300_000, 0, ""),
                ("tgge_chain", "gradient", 500_000, 0, ""),
                ("tgge_chain", "relax", 1000, 2000, ""),
                ("tgge_chain", "relax", 1000, 12000, '[output]\nfields = ["current"]\n'),
                ("tgge_lattice", "steady_state", 150_000, 0, ""),
                ("tgge_chain", "steady_state", 1000, 0, '[sweep]\n"bath.coupling" = { start = 0.1, stop = 0.9, count = 2000 }\n'),
                ("hatsugai_kohmoto", "green", 3000, 600, ""),
                ("hatsugai_kohmoto", "spectral", 2000, 500, ""),
                ("hatsugai_kohmoto", "density", 500_000, 0, ""),
                ("hatsugai_kohmoto", "poles", 400_000, 0, ""),
                ("hubbard", "spectral", 500, 1000, "")):
            with self.subTest(model=model, task=task, sites=sites, values=values):
                text = input_of(model, task, keys[model, task]) + more
                text = text.replace("\nsites = 8\n", f"\nsites = {sites}\n").replace("[8, 1]", f"[{sites}, 1]")
                for key, few in LISTS.items() if values else ():
                    text = text.replace(few, f"{{ start = 0.0, stop = 3.0, count = {values} }}")
                _, memory, file = self.estimate(text)
                process = self.measure("run", "a.toml", "--overwrite")
                self.assertEqual(process.returncode, DONE, process.said)
                size = (self.folder / "a.h5").stat().st_size
                self.assertLess(abs(file - size), max(0.1 * size, 20e3), process.said)
                taken = process.memory - start
                self.assertGreater(taken, 40e6, f"expected {memory:.3g}")
                self.assertLess(max(memory / taken, taken / memory), 1.5, f"expected {memory:.3g}, taken {taken:.3g}")

    @unittest.skipIf(SANITIZED, "sanitizers take memory of their own")
    def test_results_that_are_computed_and_not_kept(self):
        self.write("small.toml", input_of("tgge_chain", "steady_state", []))
        start = self.measure("run", "small.toml").memory
        text = """[model]
kind = "hatsugai_kohmoto"
cells = [1000]
orbitals = 2
hopping_terms = [[0, 0, 1, 1.0, 0.0], [1, 1, 0, 0.7, 0.0]]
[bath.down]
gain = 0.5
loss = 0.8
[bath.up]
loss = 0.1
[task]
kind = "spectral"
frequencies = { start = -3.0, stop = 3.0, count = 500 }
broadening = 0.1
[output]
fields = ["spectral_function"]
"""
        _, memory, _ = self.estimate(text)
        process = self.measure("run", "a.toml")
        self.assertEqual(process.returncode, DONE, process.said)
        taken = process.memory - start
        self.assertGreater(taken, 60e6)  # two matrices at every momentum and frequency
        self.assertLess(max(memory / taken, taken / memory), 1.5, f"expected {memory:.3g}, taken {taken:.3g}")


if __name__ == "__main__":
    unittest.main()
