"""The program on the host CUDA device (tests/support/host_cuda): the numbers of the CPU; failures lose nothing."""

import itertools
import re
import subprocess
import unittest

import h5py
import numpy as np
from program import DONE, ENVIRONMENT, FAILED, MPIRUN, POINTS_FAILED, PROGRAM, RANKS_ENVIRONMENT, WRONG, ProgramTest, attributes, datasets

CHAIN = """[model]
kind = "tgge_chain"
sites = {sites}
hopping = 1.3
[bath]
inverse_temperature = 3.1
nonequilibrium_fraction = 0.35
delta = [0.3, 0.9]
delta_prime = [1.2, -0.4]
spectrum = "{spectrum}"
[initial]
filling = 0.37
"""
RASHBA = """[model]
kind = "tgge_rashba"
sites = {sites}
zeeman_field = 0.7
rashba_y = 1.1
rashba_z = 0.4
[bath]
nonequilibrium_fraction = 0.6
dephasing_up = 0.8
spectrum = "{spectrum}"
"""
HATSUGAI_KOHMOTO = """[model]
kind = "hatsugai_kohmoto"
sites = {sites}
hopping = -0.8
interaction = 2.7
[bath.up]
loss = 0.1
[bath.down]
gain = 0.4
two_site_loss = 0.5
two_site_loss_phase = 1.1
"""
HUBBARD = """[model]
kind = "hubbard"
sites = {sites}
interaction = {interaction}
[bath.up]
loss = 0.07
[bath.down]
gain = 0.4
two_site_loss = 0.5
two_site_loss_phase = 1.1
"""
# Energies that differ between the spins and are not even in k.
HUBBARD_SQUARE = """[model]
kind = "hubbard"
cells = [5, 4]
hopping_terms_up = [[1, 0, -1.0, 0.3], [0, 1, -0.6, 0.0]]
hopping_terms_down = [[1, 0, -0.8, 0.0], [0, 1, -0.5, 0.2], [1, 1, 0.2, 0.1]]
interaction = 1.3
[bath.up]
loss = 0.07
[bath.down]
gain = 0.4
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 0.7, 0.0], [1, 0, 0.0, 0.6], [0, 1, 0.2, 0.1]]
"""
LADDER = HUBBARD.replace("[bath.up]", 'approximation = "ladder"\nladder = "{ladder}"\n[bath.up]')
# Bands that touch at k = 0 and k = pi.
DEGENERATE = """[model]
kind = "tgge_rashba"
sites = 12
rashba_y = 1.1
[bath]
jump = "operators"
nonequilibrium_fraction = 0.35
jump_operator = [{ terms = [[0, 0, 0, 0, 1.0, 0.0], [0, 0, 1, 1, 0.0, 1.0]] }]
"""
# Groups of momenta that mix; spin up is a probe, or both spins are driven.
MIXED = HATSUGAI_KOHMOTO.replace("[bath.up]", "cluster = {cluster}\n[bath.up]")
MIXED_DRIVEN = MIXED.replace("[bath.up]", "[bath.up]\ngain = 0.3")
# Every spin is driven, so that the steady states have all operators; with two orbitals or three.
ORBITALS = {
    2: """[model]
kind = "hatsugai_kohmoto"
cells = [{cells}]
orbitals = 2
interaction = 1.5
hopping_terms = [[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0], [1, 1, 1, 0.2, 0.1]]
[bath.up]
gain = 0.05
loss = 0.05
[bath.down]
gain = 0.5
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 1.0, 0.0], [0, 1, 0.0, 1.0]]
""",
    # Spin up is a probe.
    3: """[model]
kind = "hatsugai_kohmoto"
cells = [{cells}]
orbitals = 3
interaction_matrix = [[1.5, 0.2, 0.0], [0.2, -0.8, 0.1], [0.0, 0.3, 2.0]]
hopping_terms = [[0, 0, 1, 1.0, 0.0], [0, 1, 2, 0.6, 0.2], [-1, 0, 2, 0.7, 0.0]]
[bath.down]
gain = 0.5
loss = 0.1
[[bath.down.operator]]
kind = "loss"
terms = [[0, 0, 1.0, 0.0], [1, 2, 0.0, 1.0]]
""",
}
STEADY = '[task]\nkind = "steady_state"\n'
RELAX = '[task]\nkind = "relax"\ntimes = [0.0, 1.0, 20.0]\n'
GREEN = '[task]\nkind = "green"\ntimes = [0.0, 0.5, 6.0]\n'
SPECTRAL = '[task]\nkind = "spectral"\nfrequencies = { start = -5.0, stop = 6.0, count = 41 }\nbroadening = 0.02\n'
OPERATORS = 'jump = "operators"\n[[bath.jump_operator]]\nterms = [[0, 0, 1.0, 0.0], [0, 1, -1.0, -0.5], [2, -3, 0.3, 0.1]]\n'
SWEEP = '[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.3, 0.5, 0.7, 0.9]\n'
LATTICE = """[model]
kind = "tgge_lattice"
preset = "honeycomb_haldane"
cells = [{sites}, 1]
second_neighbour_hopping = 0.2
sublattice_energy = 0.3
flux = 0.7
[bath]
inverse_temperature = 2.0
nonequilibrium_fraction = 0.5
spectrum = "{spectrum}"
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 0.5, 0.0], [0, 0, 1, 1, 0, 0, 0.5, 0.3]]
"""
BATH = """[bath]
inverse_temperature = 2.0
nonequilibrium_fraction = 0.5
spectrum = "{spectrum}"
[[bath.jump_operator]]
"""
# One orbital and Raman hops, L_j = (c+_j + d c+_{j+x}) (c_j - e c_{j+y}).
SQUARE = """[model]
kind = "tgge_lattice"
preset = "square"
cells = {cells}
""" + BATH + """terms = [
  [0, 0, 0, 0, 0, 0, 1.0, 0.0], [0, 0, 0, 0, 1, 0, -1.0, -0.5],
  [1, 0, 0, 0, 0, 0, 1.0, 1.0], [1, 0, 0, 0, 1, 0, -0.5, -1.5]]
"""
# Two orbitals, the spins, of which one is dephased.
LAYER = """[model]
kind = "tgge_lattice"
preset = "rashba_zeeman"
cells = {cells}
rashba = 0.8
zeeman_x = 0.9
zeeman_y = 0.5
zeeman_z = 0.7
""" + BATH + "terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0]]\n"
# Three orbitals, no symmetry, two channels: more elements in the vectors of the operators than small Gram matrices have.
THREE = """[model]
kind = "tgge_lattice"
cells = {cells}
orbitals = 3
add_hermitian_conjugate = true
hopping_terms = [
  [0, 0, 0, 0, 3.0, 0.0], [0, 0, 2, 2, -2.5, 0.0], [0, 0, 0, 1, 0.3, 0.2], [1, 0, 0, 0, -1.0, 0.3], [0, 1, 1, 1, 0.4, -0.2],
  [1, -1, 0, 2, 0.3, 0.5], [0, 1, 2, 1, -0.4, 0.1]]
""" + BATH + """terms = [[0, 0, 0, 1, 0, 2, 0.7, 0.2], [0, 1, 1, 0, 0, 1, 0.4, -0.5], [0, 0, 1, 0, 0, 0, 0.3, 0.3]]
[[bath.jump_operator]]
terms = [[0, 0, 2, 0, 0, 2, 0.6, 0.0], [0, 0, 0, 0, 1, 1, 0.2, 0.6]]
"""
# Points that thread blocks find: of every bath of two products and of one, some of them too cold for the moments.
BLOCKS = CHAIN.format(sites=45, spectrum="exponential") + STEADY
COLD = '[sweep]\nmode = "zip"\n"bath.inverse_temperature" = {beta}\n"bath.nonequilibrium_fraction" = {fraction}\n'


def blocks(spectrum, sites=45):
    return CHAIN.format(sites=sites, spectrum=spectrum) + STEADY


def relaxations(spectrum, sites=9, times="[0.0, 0.01, 1.0]", solver=""):
    """Points that thread blocks integrate. The simulated device takes a millisecond or more for a step."""
    return CHAIN.format(sites=sites, spectrum=spectrum) + f'[task]\nkind = "relax"\ntimes = {times}\n[solver]\n{solver}\n'


def algorithm(name):
    return f'[solver]\nalgorithm = "{name}"\n'


def cases():
    """(name, input): every model, task, algorithm and kind of bath, at sizes around those of the blocks."""
    for sites in (1, 2, 3, 127, 1000):
        yield f"chain_{sites}", CHAIN.format(sites=sites, spectrum="exponential") + STEADY
        yield f"chain_direct_{sites}", CHAIN.format(sites=sites, spectrum="lorentzian") + STEADY + algorithm("direct")
        yield f"chain_panels_{sites}", CHAIN.format(sites=sites, spectrum="lorentzian") + STEADY + algorithm("separable")
    yield "chain_exponential_direct", CHAIN.format(sites=131, spectrum="exponential") + STEADY + algorithm("direct")
    yield "chain_ohmic", CHAIN.format(sites=131, spectrum="ohmic") + STEADY
    yield "chain_relax", CHAIN.format(sites=37, spectrum="lorentzian") + RELAX
    chain = CHAIN.format(sites=41, spectrum="exponential")
    chain = "".join(line for line in chain.splitlines(True) if not line.startswith("delta"))
    yield "operators", chain.replace("[initial]", OPERATORS + "[initial]") + STEADY
    for spectrum in ("exponential", "lorentzian", "ohmic"):
        yield f"rashba_{spectrum}", RASHBA.format(sites=67, spectrum=spectrum) + STEADY
    yield "rashba_relax", RASHBA.format(sites=37, spectrum="exponential") + RELAX
    for name, text in (("square", SQUARE), ("layer", LAYER)):
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            yield f"{name}_{spectrum}", text.format(cells="[13, 12]", spectrum=spectrum) + STEADY + algorithm("separable")
    for spectrum in ("exponential", "lorentzian"):
        yield f"three_{spectrum}", THREE.format(cells="[7, 5]", spectrum=spectrum) + STEADY + algorithm("separable")
        cold = SQUARE.format(cells="[13, 9]", spectrum=spectrum).replace("inverse_temperature = 2.0", "inverse_temperature = 30.0")
        yield f"square_cold_{spectrum}", cold + STEADY + algorithm("separable")
        isolated = SQUARE.format(cells="[9, 13]", spectrum=spectrum).replace("[[bath", "equilibrium_fraction = 1e-8\n[[bath")
        yield f"square_isolated_{spectrum}", isolated + STEADY + algorithm("separable")
    yield "square_relax", SQUARE.format(cells="[7, 6]", spectrum="lorentzian") + RELAX
    yield "layer_direct", LAYER.format(cells="[5, 6]", spectrum="ohmic") + STEADY + algorithm("direct")
    yield "batch", CHAIN.format(sites=150, spectrum="ohmic") + STEADY + algorithm("direct") + SWEEP
    yield "blocks", BLOCKS + SWEEP
    for spectrum in ("lorentzian", "ohmic"):
        yield f"blocks_{spectrum}", blocks(spectrum) + SWEEP
        yield f"blocks_rashba_{spectrum}", RASHBA.format(sites=33, spectrum=spectrum) + STEADY + '[sweep]\n"model.zeeman_field" = [0.1, 0.9]\n'
    yield "blocks_rashba", RASHBA.format(sites=67, spectrum="exponential") + STEADY + '[sweep]\n"model.zeeman_field" = [0.1, 0.9]\n'
    for spectrum in ("exponential", "lorentzian", "ohmic"):
        yield f"relaxations_{spectrum}", relaxations(spectrum, 45) + SWEEP
        yield f"relaxations_rashba_{spectrum}", RASHBA.format(sites=33, spectrum=spectrum) + RELAX.replace(", 20.0", "") + '[sweep]\n"model.zeeman_field" = [0.1, 0.9]\n'
    # Too cold for blocks at the second temperature: a batch.
    yield "relaxations_given_back", relaxations("ohmic", 128, "[0.02]") + '[sweep]\n"bath.inverse_temperature" = [3.0, 22.0]\n' + SWEEP[8:]
    for sites in (1, 37, 1000):
        yield f"hk_green_{sites}", HATSUGAI_KOHMOTO.format(sites=sites) + GREEN
    yield "hk_spectral", HATSUGAI_KOHMOTO.format(sites=37) + SPECTRAL
    for sites, interaction in ((2, "1.3"), (37, "[1.3, 0.4, -0.2]")):
        yield f"hubbard_green_{sites}", HUBBARD.format(sites=sites, interaction=interaction) + GREEN
        for name in ("direct", "fft"):
            yield f"hubbard_{name}_{sites}", HUBBARD.format(sites=sites, interaction=interaction) + SPECTRAL + algorithm(name)
    yield "hubbard_square_green", HUBBARD_SQUARE + GREEN
    yield "hubbard_square_fft", HUBBARD_SQUARE + SPECTRAL + algorithm("fft")
    square_ladder = HUBBARD_SQUARE.replace("[bath.up]", 'approximation = "ladder"\nladder = "both"\n[bath.up]')
    yield "ladder_square_green", square_ladder + GREEN
    yield "ladder_square_spectral", square_ladder + SPECTRAL
    for sites, ladder in ((2, "particle"), (37, "hole"), (37, "both")):
        text = LADDER.format(sites=sites, interaction="1.3", ladder=ladder)
        yield f"ladder_green_{sites}_{ladder}", text + GREEN
        yield f"ladder_spectral_{sites}_{ladder}", text + SPECTRAL
    for orbitals, cells in ((2, 1), (2, 7), (3, 3)):
        text = ORBITALS[orbitals].format(cells=cells)
        yield f"orbitals_{orbitals}_steady_{cells}", text + STEADY
        yield f"orbitals_{orbitals}_green_{cells}", text + GREEN
        yield f"orbitals_{orbitals}_spectral_{cells}", text + SPECTRAL
    for sites, cluster, text in ((2, 2, MIXED), (9, 3, MIXED), (12, 4, MIXED), (6, 2, MIXED_DRIVEN), (6, 3, MIXED_DRIVEN)):
        name = f"{sites}_{cluster}{'' if text is MIXED else '_driven'}"
        yield f"mixed_green_{name}", text.format(sites=sites, cluster=cluster) + GREEN
        yield f"mixed_spectral_{name}", text.format(sites=sites, cluster=cluster) + SPECTRAL + "momenta = [-1, 0]\n"


class HostCuda(ProgramTest):
    def values(self, *arguments, **settings):
        return {name: value for name, value in datasets(self.on(*arguments, **settings)).items() if value.dtype.kind in "fci"}

    def assert_failures_leave_points_right_or_missing(self, name, **most):
        """Injects a failure of each call of a kind, up to the given number of them or in a range, and resumes."""
        whole = self.values(name, "cuda")
        output = self.folder / f"{name}.cuda.h5"
        for kind, calls in most.items():
            for failing in range(1, calls + 1) if isinstance(calls, int) else calls:
                with self.subTest(kind=kind, failing=failing):
                    environment = dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_FAIL=f"{kind}:{failing}")
                    output.unlink(missing_ok=True)
                    self.run_program("run", f"{name}.toml", "-o", output, "--overwrite", "--backend", "cuda", env=environment)
                    self.expect(DONE, "run", f"{name}.toml", "-o", output, "--backend", "cuda", "--resume", "--retry-failed")
                    found = datasets(output)
                    for dataset, value in whole.items():
                        self.assertEqual(value.tobytes(), found[dataset].tobytes(), dataset)

    def on(self, name, backend, code=DONE, ranks=None, says=(), variables=(), **settings):
        """The result of an input on a backend; `settings` are those of the host CUDA device."""
        environment = dict(ENVIRONMENT if ranks is None else RANKS_ENVIRONMENT, OMP_NUM_THREADS="1")
        environment.update(variables)
        environment.update({f"LINDRIFT_HOST_CUDA_{key.upper()}": str(value) for key, value in settings.items()})
        output = self.folder / f"{name}.{backend}.h5"
        self.expect(code, "run", f"{name}.toml", "-o", output, "--overwrite", "--backend", backend, ranks=ranks, says=says,
                    env=environment)
        return output

    def planned(self, name, **settings):
        """Bytes on the device that `check` prints, to three digits; None if it prints none."""
        environment = dict(ENVIRONMENT, **{f"LINDRIFT_HOST_CUDA_{key.upper()}": str(value) for key, value in settings.items()})
        said = self.expect(DONE, "check", f"{name}.toml", "--backend", "cuda", env=environment).stdout
        found = re.search(r"^device +([0-9.e+]+) (B|kB|MB|GB) for a", said, re.MULTILINE)
        return float(found[1]) * {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}[found[2]] if found else None

    def used(self, name, **settings):
        """Peak number of bytes that a run holds on the device."""
        counts = self.folder / "counts"
        counts.unlink(missing_ok=True)
        self.on(name, "cuda", count=counts, **settings)
        return int(counts.read_text().split()[-1])

    def assert_agree(self, one, other, tolerance=1e-9):
        """Allows ten times the solvers' tolerance, relative to the largest value; zeros by symmetry hold rounding."""
        one, other = datasets(one), datasets(other)
        self.assertEqual(sorted(one), sorted(other))
        for name, value in one.items():
            if name in ("steps", "residual", "error") or name.endswith("_error"):
                continue  # rounding, and details of the computation
            if value.dtype.kind not in "fc":
                self.assertTrue(np.array_equal(value, other[name]), name)
                continue
            self.assertTrue(np.array_equal(np.isfinite(value), np.isfinite(other[name])), name)
            largest = np.abs(value[np.isfinite(value)]).max(initial=1e-3)
            difference = np.abs(value - other[name])
            self.assertLessEqual(difference[np.isfinite(difference)].max(initial=0.0), tolerance * largest, name)


class NumbersTest(HostCuda):
    def test_every_model_and_task_agrees_with_the_cpu_and_takes_the_planned_memory(self):
        for name, text in cases():
            with self.subTest(name):
                self.write(f"{name}.toml", text)
                used = self.used(name, order="random")
                device = self.folder / f"{name}.cuda.h5"
                self.assertEqual(attributes(device)["backend"], "cuda")
                self.assert_agree(self.on(name, "cpu"), device)
                # The plan holds what either task of an equation calls: some vectors more than one of them needs, and with moments
                # the logarithms of the rates, which only cold states need. With sums over pairs, the observables of a lattice count as
                # if they called the same.
                least = {"rashba_relax": 0.5, "square_relax": 0.7, "layer_direct": 0.7}.get(name)
                least = least or 0.94 if "[bath]" in text and "tgge" in text else 0.995
                planned = self.planned(name)
                self.assertLessEqual(used, planned * 1.005)
                self.assertGreaterEqual(used, planned * least)

    def test_the_order_of_threads_and_the_number_of_processors_do_not_matter(self):
        self.write("a.toml", CHAIN.format(sites=300, spectrum="lorentzian") + STEADY + algorithm("direct"))
        first = datasets(self.on("a", "cuda", order="forward"))
        for settings in ({"order": "backward"}, {"order": "random", "seed": 7}, {"order": "random", "seed": 8}):
            other = datasets(self.on("a", "cuda", **settings))
            for name, value in first.items():
                self.assertEqual(value.tobytes(), other[name].tobytes(), name)
        # The chunks of a sum over columns depend on the number of processors, and the last bits on the chunks.
        self.assert_agree(self.on("a", "cpu"), self.on("a", "cuda", processors=1))

    def test_what_the_device_cannot_do_is_done_on_the_cpu_or_refused(self):
        ladder = LADDER.format(sites=14, interaction="1.3", ladder="auto")
        square = HUBBARD_SQUARE.replace('"hubbard"', '"hatsugai_kohmoto"')
        for name, text in {"ladder_direct": ladder + SPECTRAL + algorithm("direct"), "hk_square": square + GREEN,
                           "matrices": DEGENERATE + STEADY}.items():  # fmt: skip
            with self.subTest(name):
                self.write(f"{name}.toml", text)
                self.assertEqual(attributes(self.on(name, "auto"))["backend"], "cpu")
                for verb in (["check"], ["run", "-o", "refused.h5"]):
                    self.expect(WRONG, verb[0], f"{name}.toml", *verb[1:], "--backend", "cuda", says="backend = cuda is impossible: ")
                self.assertFalse((self.folder / "refused.h5").exists())

    @unittest.skipUnless(MPIRUN, "no mpirun")
    def test_two_ranks_share_a_device_and_a_point(self):
        self.write("a.toml", CHAIN.format(sites=1100, spectrum="lorentzian") + STEADY + algorithm("direct"))
        self.write("b.toml", HUBBARD.format(sites=24, interaction="1.3") + SPECTRAL)
        ladder = LADDER.format(sites=23, interaction="1.3", ladder="both")
        self.write("c.toml", ladder + GREEN)
        self.write("d.toml", ladder + SPECTRAL)
        self.write("e.toml", ORBITALS[2].format(cells=5) + SPECTRAL)
        self.write("f.toml", ORBITALS[2].format(cells=1) + STEADY)
        self.write("g.toml", MIXED.format(sites=9, cluster=3) + GREEN)
        self.write("h.toml", MIXED_DRIVEN.format(sites=6, cluster=2) + SPECTRAL)
        for name in "abcdefgh":
            alone = datasets(self.on(name, "cuda"))
            shared = datasets(self.on(name, "cuda", ranks=2))
            for dataset, value in alone.items():
                if value.dtype.kind in "fc":
                    self.assertEqual(value.tobytes(), shared[dataset].tobytes(), f"{name}: {dataset}")

    def test_messages_of_ranks_go_through_the_host_or_not(self):
        with h5py.File(self.folder / "w.h5", "w") as file:
            file["w"] = np.random.default_rng(5).uniform(0.1, 1.0, (600, 600))
        vectors = 'delta = [0.3, 0.9]\ndelta_prime = [1.2, -0.4]\n'
        for spectrum in ("exponential", "ohmic"):
            for sites, jump in ((1100, vectors), (600, 'jump = "table"\ntable = "w.h5:/w"\n')):  # 551 levels, and 600
                with self.subTest(spectrum=spectrum, jump=jump):
                    self.write("a.toml", CHAIN.format(sites=sites, spectrum=spectrum).replace(vectors, jump) + STEADY + algorithm("direct"))
                    alone = datasets(self.on("a", "cuda", open=1))
                    copies = {}
                    for direct in "01":
                        counts = self.folder / "counts"
                        counts.unlink(missing_ok=True)
                        variables = {"LINDRIFT_CUDA_AWARE_MPI": direct}
                        shared = datasets(self.on("a", "cuda", ranks=2, variables=variables, open=1, count=counts))
                        copies[direct] = int(re.search(r"copy (\d+)", counts.read_text())[1])
                        for name in ("occupation", "current"):
                            self.assertEqual(alone[name].tobytes(), shared[name].tobytes(), name)
                    self.assertLess(copies["1"], copies["0"], "two copies a message less")


class MemoryTest(HostCuda):
    def test_lattices_of_4096_times_4096_cells_fit_on_a_card(self):
        """Memory is proportional to the number of cells: 128 times 128 of them, a 1024th, show what fits on a 1024th of a card of
        80 GB."""
        card, cells = 80e9 / 1024, 128 * 128
        # One orbital has moments. Two keep up to 60 Krylov vectors over the modes, of 16 bytes a cell; with panels some tens more.
        for name, text, spectrum, least, most in (("one", SQUARE, "exponential", 100, 1000), ("two", LAYER, "exponential", 100, 1400),
                                                  ("panels", LAYER, "ohmic", 100, 2000)):  # fmt: skip
            with self.subTest(name):
                self.write("small.toml", text.format(cells="[64, 128]", spectrum=spectrum) + STEADY + algorithm("separable"))
                self.write("a.toml", text.format(cells="[128, 128]", spectrum=spectrum) + STEADY + algorithm("separable"))
                planned = self.planned("a", memory=int(card))
                self.assertIsNotNone(planned)
                self.assertLess(abs(planned / self.planned("small") - 2.0), 0.03)
                self.assertGreater(planned / cells, least)
                self.assertLess(planned / cells, most)
                environment = dict(ENVIRONMENT, LINDRIFT_HOST_CUDA_MEMORY=str(int(0.9 * planned)))
                said = self.expect(DONE, "check", "a.toml", "--backend", "cuda", env=environment).stdout
                self.assertRegex(said, r"warning: on the device such a point will fail: it needs [0-9.e-]+ GB of the device's memory, and")
                self.assertNotRegex(said, "(?m)^device ")

    def test_batches_shrink_where_memory_is_short_and_the_numbers_stay(self):
        cases = {"spectral": HATSUGAI_KOHMOTO.format(sites=37) + SPECTRAL, "green": HATSUGAI_KOHMOTO.format(sites=127) + GREEN,
                 "direct": HUBBARD.format(sites=37, interaction="1.3") + SPECTRAL + algorithm("direct"),
                 "orbitals": ORBITALS[2].format(cells=7) + SPECTRAL, "orbital_states": ORBITALS[2].format(cells=7) + STEADY,
                 "mixed": MIXED.format(sites=9, cluster=3) + SPECTRAL, "mixed_green": MIXED.format(sites=9, cluster=3) + GREEN}  # fmt: skip
        for name, text in cases.items():
            with self.subTest(name):
                self.write(f"{name}.toml", text)
                whole = datasets(self.on(name, "cuda"))
                memory = int(0.8 * self.used(name))
                self.assertLess(self.planned(name, memory=memory), memory)
                self.assertLess(self.used(name, memory=memory), memory)
                for dataset, value in datasets(self.on(name, "cuda", memory=memory)).items():
                    if value.dtype.kind in "fc":
                        self.assertEqual(value.tobytes(), whole[dataset].tobytes(), dataset)

    def test_what_does_not_fit_is_said_before_anything_is_allocated(self):
        self.write("a.toml", CHAIN.format(sites=4096, spectrum="lorentzian") + STEADY + algorithm("direct")
                   + '[sweep]\n"bath.nonequilibrium_fraction" = [0.0, 1e-5]\n')
        self.assertIsNone(self.planned("a", memory=500_000))
        counts = self.folder / "counts"
        result = self.on("a", "auto", memory=500_000, count=counts)
        self.assertEqual(counts.read_text().split()[:2], ["allocation", "0"])
        self.assertEqual(datasets(result)["status"].tolist(), [1, 1])
        self.assert_agree(self.on("a", "cpu"), result)
        self.on("a", "cuda", code=POINTS_FAILED, memory=500_000)
        with h5py.File(self.folder / "a.cuda.h5") as file:
            self.assertIn(b"of the device's memory", file["error"][0])

    @unittest.skipUnless(MPIRUN, "no mpirun")
    def test_ranks_that_share_a_device_share_its_memory(self):
        self.write("a.toml", CHAIN.format(sites=1000, spectrum="lorentzian") + STEADY + algorithm("direct")
                   + '[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]\n')
        memory = int(1.5 * self.used("a"))
        self.on("a", "cuda", memory=memory)
        self.on("a", "cuda", ranks=2, code=POINTS_FAILED, memory=memory)


class FailureTest(HostCuda):
    """A sweep of direct sums at a size at which `auto` chooses the device; steady states close to the thermal one take few of
    them."""

    def setUp(self):
        super().setUp()
        self.write("a.toml", CHAIN.format(sites=4096, spectrum="lorentzian") + STEADY + algorithm("direct")
                   + '[sweep]\n"bath.nonequilibrium_fraction" = [0.0, 1e-5]\n')
        self.cpu = self.on("a", "cpu")

    def calls(self, backend):
        """How often a run makes each kind of call."""
        counts = self.folder / "counts"
        self.on("a", backend, count=counts)
        words = counts.read_text().split()
        return {kind: int(number) for kind, number in zip(words[::2], words[1::2])}

    def test_automatic_choice_finishes_on_the_cpu(self):
        calls = self.calls("auto")
        for kind in ("allocation", "launch", "copy"):
            count = calls[kind]
            self.assertGreater(count, 2, kind)
            for failing in ("1", f"{count // 3}+", f"{count}"):
                with self.subTest(kind=kind, failing=failing):
                    result = self.on("a", "auto", fail=f"{kind}:{failing}")
                    self.assertEqual(datasets(result)["status"].tolist(), [1, 1])
                    self.assertIn(b"CPU", b"".join(datasets(result)["error"]), "the file says what was done")
                    self.assert_agree(self.cpu, result)

    def test_a_device_that_was_asked_for_marks_no_wrong_number(self):
        middle = self.calls("cuda")["launch"] // 2
        environment = dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_FAIL=f"launch:{middle}+")
        output = self.folder / "a.cuda.h5"
        output.unlink()
        process = self.run_program("run", "a.toml", "-o", output, "--backend", "cuda", env=environment)
        self.assertNotEqual(process.returncode, DONE, process.said)
        if output.exists():
            with h5py.File(output) as file:
                self.assertFalse(np.isin(file["status"][()], [2]).any(), "a dead device fails no point")
        # Once the device works again, the same command continues.
        self.expect(DONE, "run", "a.toml", "-o", output, "--backend", "cuda", "--resume")
        self.assert_agree(self.cpu, output)


class CountTest(HostCuda):
    """Launches and copies of a run, which set the time of a small point on a card. These bounds may only fall."""

    def counts(self, name, text, **settings):
        self.write(f"{name}.toml", text)
        counts = self.folder / "counts"
        counts.unlink(missing_ok=True)
        self.on(name, "cuda", count=counts, open=1, **settings)
        words = counts.read_text().split()
        return {kind: int(number) for kind, number in zip(words[::2], words[1::2])}

    def assert_at_most(self, counts, **most):
        for kind, number in most.items():
            self.assertLessEqual(counts[kind], number, f"{kind}: {counts}")

    def test_one_steady_state_of_a_thousand_modes(self):
        with h5py.File(self.folder / "w.h5", "w") as file:
            file["w"] = np.random.default_rng(3).uniform(0.1, 1.0, (1024, 1024))
        exponential = CHAIN.format(sites=1024, spectrum="exponential")
        table = "".join(line for line in exponential.splitlines(True) if not line.startswith("delta"))
        most = {"exponential": (exponential, 1, 2, 1),
                "lorentzian": (CHAIN.format(sites=1024, spectrum="lorentzian"), 1, 2, 1),
                "ohmic": (CHAIN.format(sites=1024, spectrum="ohmic"), 1, 2, 1),
                "table": (table.replace("[initial]", 'jump = "table"\ntable = "w.h5:/w"\n[initial]'), 135, 96, 88),
                "rashba": (RASHBA.format(sites=512, spectrum="exponential"), 1, 2, 1),
                "lattice": (LATTICE.format(sites=512, spectrum="exponential"), 268, 566, 353)}  # fmt: skip
        for name, (text, launches, copies, pageable) in most.items():
            with self.subTest(name):
                self.assert_at_most(self.counts(name, text + STEADY), launch=launches, copy=copies, pageable=pageable)

    def test_newton_of_many_modes_stays_on_the_device(self):
        """From 4096 modes on only sums cross between its steps."""
        for name, text, spectrum, launches, copies, pageable in (("one", SQUARE, "exponential", 301, 191, 39),
                                                                 ("panels", SQUARE, "lorentzian", 878, 232, 54)):  # fmt: skip
            with self.subTest(name):
                text = text.format(cells="[64, 64]", spectrum=spectrum) + STEADY
                self.assert_at_most(self.counts(name, text), launch=launches, copy=copies, pageable=pageable)
                self.assert_agree(self.on(name, "cpu"), self.folder / f"{name}.cuda.h5")

    def test_bands_of_many_modes_come_from_the_device(self):
        """Beside the solver, all momenta take two launches, or three and their eigensolves, and two copies of pinned memory."""
        for name, text, launches, copies, pageable, eigensolves in (("one", SQUARE, 301, 191, 39, 0), ("layer", LAYER, 453, 192, 39, 0),
                                                                    ("three", THREE, 1583, 749, 44, 4096)):  # fmt: skip
            with self.subTest(name):
                text = text.format(cells="[64, 64]", spectrum="exponential") + STEADY
                counts = self.counts(name, text)
                self.assertEqual(counts["eigensolve"], eigensolves)
                self.assert_at_most(counts, launch=launches, copy=copies, pageable=pageable)
                self.assert_agree(self.on(name, "cpu"), self.folder / f"{name}.cuda.h5")
                self.assertLessEqual(counts["memory"], 1.005 * self.planned(name))

    def test_bands_that_an_eigensolve_does_not_find_fail_a_point(self):
        self.write("a.toml", THREE.format(cells="[37, 37]", spectrum="exponential") + STEADY)
        self.on("a", "cuda", code=FAILED, open=1, fail="eigensolve:76",
                says="did not converge on the device, at the momentum with integers m = -16, -17")

    def test_all_momenta_of_several_orbitals_take_two_launches(self):
        for name, text, launches in (("states", STEADY, 1), ("green", GREEN, 2), ("spectral", SPECTRAL, 2)):
            with self.subTest(name):
                self.assert_at_most(self.counts(name, ORBITALS[2].format(cells=9) + text), launch=launches, copy=2 * launches, pageable=0)

    def test_all_momenta_that_mix_take_two_launches(self):
        for name, text in (("green", GREEN), ("spectral", SPECTRAL)):
            with self.subTest(name):
                self.assert_at_most(self.counts(name, MIXED.format(sites=9, cluster=3) + text), launch=2, copy=4, pageable=0)

    def test_a_thousand_steady_states_take_one_launch(self):
        sweep = '[sweep]\n"bath.nonequilibrium_fraction" = { start = 0.01, stop = 0.99, count = 1000 }\n'
        self.assert_at_most(self.counts("batch", BLOCKS + sweep), launch=1, copy=2, pageable=1)
        for spectrum in ("lorentzian", "ohmic"):
            self.assert_at_most(self.counts("batch", blocks(spectrum, sites=5) + sweep), launch=1, copy=2, pageable=1)


    def test_a_thousand_relaxations_take_one_launch(self):
        rough = "tolerance = 1e-2"
        for spectrum, points in (("exponential", 1000), ("lorentzian", 100), ("ohmic", 100)):
            sweep = f'[sweep]\n"bath.nonequilibrium_fraction" = {{ start = 0.01, stop = 0.99, count = {points} }}\n'
            text = relaxations(spectrum, 3, "[0.01]", rough) + sweep
            self.assert_at_most(self.counts("batch", text), launch=1, copy=2, pageable=1)
        text = relaxations("exponential", 1024, "[0.0, 0.01, 0.02]", rough)
        self.assert_at_most(self.counts("one", text), launch=1, copy=2, pageable=1)


class OrbitalsTest(HostCuda):
    """Momenta with several orbitals, each solved by a thread block."""

    def test_numbers_do_not_depend_on_the_batch(self):
        for cells in (1, 2, 31):
            self.write("a.toml", ORBITALS[2].format(cells=cells) + STEADY)
            whole = self.values("a", "cuda", open=1)
            for processors in (1, 3):
                other = self.values("a", "cuda", processors=processors, order="random", seed=processors, open=1)
                for name, value in whole.items():
                    self.assertEqual(value.tobytes(), other[name].tobytes(), f"{name} of {cells}")
            self.assert_agree(self.on("a", "cpu"), self.folder / "a.cuda.h5")
            if cells == 1:
                alone = whole["density_matrix"]
            else:  # the momentum 0 is among them
                place = cells // 2
                self.assertEqual(whole["density_matrix"][:, place].tobytes(), alone[:, 0].tobytes())

    def test_a_path_of_momenta_of_a_lattice(self):
        square = ORBITALS[2].replace("cells = [{cells}]", "cells = [3, 2]")
        square = square.replace("[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0], [1, 1, 1, 0.2, 0.1]",
                                "[0, 0, 0, 1, 1.0, 0.0], [-1, 0, 0, 1, 0.7, 0.0], [0, 1, 1, 1, 0.2, 0.1]")
        square = square.replace("[[0, 0, 1.0, 0.0], [0, 1, 0.0, 1.0]]", "[[0, 0, 0, 1.0, 0.0], [0, 0, 1, 0.0, 1.0]]")
        for name, text in {"path": SPECTRAL + "momenta = [[0, 0], [1, 0], [1, -1]]\n", "all": STEADY, "green": GREEN}.items():
            with self.subTest(name):
                self.write(f"{name}.toml", square + text)
                self.assert_agree(self.on(name, "cpu"), self.on(name, "cuda"))

    def test_automatic_choice_is_the_device_for_many_momenta(self):
        self.write("few.toml", ORBITALS[2].format(cells=5) + STEADY)
        self.assertIn("too little work", self.expect(DONE, "check", "few.toml").stdout)
        many = ORBITALS[3].replace("[bath.down]", "[bath.up]\ngain = 0.1\nloss = 0.2\n[bath.down]")
        self.write("many.toml", many.format(cells=4000) + SPECTRAL)
        self.assertRegex(self.expect(DONE, "check", "many.toml").stdout, r"(?m)^backend +cuda: a CUDA device is there$")

    def test_a_steady_state_that_is_not_unique_is_refused_as_on_the_cpu(self):
        text = ORBITALS[2].format(cells=3).replace("gain = 0.05\nloss = 0.05\n", "gain = 0.0\n").replace("gain = 0.5\n", "")
        text = text[: text.index("[[bath.down.operator]]")]
        self.write("a.toml", text + STEADY)
        for backend in ("cpu", "cuda"):
            self.on("a", backend, code=FAILED, says="not unique: some state of spin down")

    def test_every_failure_leaves_points_right_or_missing(self):
        self.write("a.toml", ORBITALS[2].format(cells=3) + SPECTRAL + '[sweep]\n"model.interaction" = [0.4, 0.9]\n')
        self.assert_failures_leave_points_right_or_missing("a", allocation=6, launch=4, copy=8)


class BlocksTest(HostCuda):
    """Steady states that a device finds in its thread blocks: in the moments, or with sums over panels."""

    def assert_numbers_do_not_depend_on_the_batch(self, text, counts):
        alone = {}
        for fraction in (0.05, 0.5, 0.95):
            self.write("alone.toml", text.replace("nonequilibrium_fraction = 0.35", f"nonequilibrium_fraction = {fraction!r}"))
            alone[fraction] = self.values("alone", "cuda")
        for count in counts:
            fractions = np.linspace(0.0, 1.0, count).round(3).tolist()[: max(0, count - 3)] + [0.05, 0.5, 0.95][: min(3, count)]
            self.write("many.toml", text + f'[sweep]\n"bath.nonequilibrium_fraction" = {fractions}\n')
            for processors in (1, 3):
                many = self.values("many", "cuda", processors=processors, order="random", seed=processors)
                for place, fraction in enumerate(fractions):
                    for name, value in alone.get(fraction, {}).items():
                        if name == "momentum":  # the same for all points
                            continue
                        self.assertEqual(value.tobytes(), many[name][place].tobytes(), f"{name} of {count}")

    def test_numbers_do_not_depend_on_the_batch(self):
        self.assert_numbers_do_not_depend_on_the_batch(BLOCKS, (1, 2, 131))

    def test_numbers_of_panels_do_not_depend_on_the_batch(self):
        for spectrum in ("lorentzian", "ohmic"):
            with self.subTest(spectrum):
                self.assert_numbers_do_not_depend_on_the_batch(blocks(spectrum), (1, 2))
                self.assert_numbers_do_not_depend_on_the_batch(blocks(spectrum, sites=7), (131, 1000))

    def test_points_of_a_batch_have_panels_of_their_own(self):
        # Panels by the tens in one generation and by the hundreds in several, at sizes around those of the lanes and the block.
        sweep = '[sweep]\nmode = "zip"\n"bath.inverse_temperature" = [0.3, 3.0, 40.0, 40.0, 1.0]\n"bath.spectrum_width" = [2.0, 0.3, 0.3, 0.05, 1.0]\n'
        for spectrum in ("lorentzian", "ohmic"):
            for sites in (1, 2, 9, 127, 128):
                with self.subTest(f"{spectrum} {sites}"):
                    self.write("a.toml", blocks(spectrum, sites) + sweep)
                    device, counts = self.folder / "a.cuda.h5", self.folder / "counts"
                    counts.unlink(missing_ok=True)
                    self.on("a", "cuda", count=counts)
                    self.assertEqual(int(counts.read_text().split()[3]), 1, "no point was done otherwise")
                    self.assert_agree(self.on("a", "cpu"), device)

    def test_points_that_blocks_cannot_do_are_done_otherwise(self):
        beta, fraction = [0.0, 1.0, 1e3, 1e7, 3.0, 1e300], [0.3, 0.2, 0.9, 0.5, 1.0, 0.5]
        self.write("a.toml", BLOCKS + COLD.format(beta=beta, fraction=fraction))
        counts = self.folder / "counts"
        device = datasets(self.on("a", "cuda", code=POINTS_FAILED, count=counts))
        cpu = datasets(self.on("a", "cpu", code=POINTS_FAILED))
        self.assertGreater(int(counts.read_text().split()[3]), 4, "some were done otherwise")
        self.assertEqual(device["status"].tolist(), cpu["status"].tolist())
        done = cpu["status"] == 1
        self.assertEqual(done.sum(), 4)
        for name in ("occupation", "current", "particle_number"):
            np.testing.assert_allclose(device[name][done], cpu[name][done], rtol=0.0, atol=1e-9, err_msg=name)

    def test_points_that_panels_cannot_do_are_done_otherwise(self):
        # Too narrow for panels, without a thermal bath, with nothing but it, and cold.
        width, beta, fraction = [1.0, 1e-5, 1.0, 1.0, 0.5], [3.0, 3.0, 3.0, 3.0, 200.0], [0.2, 0.9, 1.0, 0.0, 0.5]
        sweep = COLD.format(beta=beta, fraction=fraction) + f'"bath.spectrum_width" = {width}\n'
        for spectrum in ("lorentzian", "ohmic"):
            with self.subTest(spectrum):
                self.write("a.toml", blocks(spectrum) + sweep)
                counts = self.folder / "counts"
                counts.unlink(missing_ok=True)
                device = self.on("a", "cuda", count=counts)
                self.assertGreater(int(counts.read_text().split()[3]), 4, "some were done otherwise")
                self.assert_agree(self.on("a", "cpu"), device)

    def assert_fails_as_on_the_cpu(self, name):
        """The same points, in the same words; their numbers hold rounding and what the device has tried before."""
        cpu, device = self.on(name, "cpu", code=POINTS_FAILED), self.on(name, "cuda", code=POINTS_FAILED)
        words = [[re.sub(r"[-+]?[0-9][-+.e0-9]*", "", error.decode()) for error in datasets(file)["error"]] for file in (cpu, device)]
        self.assertEqual(words[0], words[1])
        self.assertTrue(any(words[0]))
        return cpu, device

    def test_too_few_steps_are_reported_as_on_the_cpu(self):
        for text in (BLOCKS, blocks("lorentzian"), blocks("ohmic"), blocks("ohmic", 128)):
            self.write("a.toml", text + "[solver]\nmax_steps = 1\n" + SWEEP)
            self.assert_agree(*self.assert_fails_as_on_the_cpu("a"))

    def test_points_that_do_not_converge_lie_among_others(self):
        beta, fraction = [1.0, 1e7, 3.0, 1e300, 200.0], [0.2, 0.9, 0.5, 0.5, 0.99]
        for spectrum in ("lorentzian", "ohmic"):
            with self.subTest(spectrum):
                self.write("a.toml", blocks(spectrum) + COLD.format(beta=beta, fraction=fraction))
                cpu, device = map(datasets, self.assert_fails_as_on_the_cpu("a"))
                self.assertEqual(device["status"].tolist(), cpu["status"].tolist())
                done = cpu["status"] == 1
                self.assertGreater(done.sum(), 2)
                for name in ("occupation", "current", "particle_number"):
                    np.testing.assert_allclose(device[name][done], cpu[name][done], rtol=0.0, atol=1e-9, err_msg=name)

    def test_memory_for_some_points_takes_several_launches(self):
        for text, memory in ((BLOCKS, 12_000), (blocks("lorentzian"), 250_000), (blocks("ohmic"), 500_000)):
            self.write("a.toml", text + SWEEP)
            whole, counts = self.values("a", "cuda"), self.folder / "counts"
            counts.unlink(missing_ok=True)
            parts = self.values("a", "cuda", memory=memory, count=counts)
            self.assertGreater(int(counts.read_text().split()[3]), 1)
            for name, value in whole.items():
                self.assertEqual(value.tobytes(), parts[name].tobytes(), name)
            self.on("a", "cuda", code=POINTS_FAILED, memory=500)

    def test_every_failure_leaves_points_right_or_missing(self):
        for text in (BLOCKS, blocks("lorentzian"), blocks("ohmic")):
            self.write("a.toml", text + SWEEP)
            self.assert_failures_leave_points_right_or_missing("a", allocation=4, launch=1, copy=2)

    def test_a_run_that_was_stopped_in_a_batch_goes_on(self):
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            self.write("a.toml", blocks(spectrum) + SWEEP)
            whole = self.values("a", "cuda")
            # With points missing among others, as after a stop.
            self.write("a.toml", blocks(spectrum) + SWEEP.replace("0.3, 0.5, 0.7, ", "0.5, "))
            output = self.on("a", "cuda")
            self.write("a.toml", blocks(spectrum) + SWEEP)
            self.expect(DONE, "run", "a.toml", "-o", output, "--backend", "cuda", "--resume")
            for name, value in whole.items():
                self.assertEqual(value.tobytes(), datasets(output)[name].tobytes(), name)


class RelaxationsTest(HostCuda):
    """Time evolutions that a device integrates in its thread blocks."""

    def launches(self, name, **settings):
        counts = self.folder / "counts"
        counts.unlink(missing_ok=True)
        device = self.on(name, "cuda", count=counts, **settings)
        return int(counts.read_text().split()[3]), device

    def test_numbers_do_not_depend_on_the_batch(self):
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            text, alone = relaxations(spectrum, 7, "[0.0, 0.3]", "tolerance = 1e-6"), {}
            for fraction in (0.05, 0.5, 0.95):
                self.write("alone.toml", text.replace("nonequilibrium_fraction = 0.35", f"nonequilibrium_fraction = {fraction!r}"))
                alone[fraction] = self.values("alone", "cuda")
            for count in (2, 29):
                fractions = np.linspace(0.0, 1.0, count).round(3).tolist()[: max(0, count - 3)] + [0.05, 0.5, 0.95][: min(3, count)]
                self.write("many.toml", text + f'[sweep]\n"bath.nonequilibrium_fraction" = {fractions}\n')
                for processors in (1, 3):
                    many = self.values("many", "cuda", processors=processors, order="random", seed=processors)
                    for place, fraction in enumerate(fractions):
                        for name, value in alone.get(fraction, {}).items():
                            if name not in ("momentum", "time"):  # the same for all points
                                self.assertEqual(value.tobytes(), many[name][place].tobytes(), f"{name} of {count}, {spectrum}")

    def test_points_differ_in_everything_that_can_be_swept(self):
        # Rates that differ by factors of a thousand: some points have hardly begun at the last time, others have long ended.
        sweep = ('[sweep]\nmode = "zip"\n"bath.coupling" = [0.001, 1.0, 0.1, 0.0, 0.02]\n"bath.inverse_temperature" = [0.3, 1.0, 4.0, 4.0, 0.1]\n'
                 '"initial.filling" = [0.1, 0.5, 0.37, 0.9, 0.2]\n"model.hopping" = [1.0, 0.5, 1.3, 0.9, 0.7]\n')  # fmt: skip
        widths = '"bath.spectrum_width" = [2.0, 0.3, 0.3, 0.05, 1.0]\n'
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            for sites in (1, 2, 9, 129):
                with self.subTest(f"{spectrum} {sites}"):
                    self.write("a.toml", relaxations(spectrum, sites) + sweep + (widths if spectrum != "exponential" else ""))
                    launches, device = self.launches("a", order="random")
                    self.assertEqual(launches, 1, "no point was done otherwise")
                    self.assert_agree(self.on("a", "cpu"), device)

    def test_points_that_blocks_give_back_are_done_otherwise(self):
        # In a block; stiff; too cold for plain sums; without a thermal bath; nothing but it.
        beta, fraction = [3.0, 12.0, 200.0, 3.0, 0.1], [0.35, 0.9, 0.5, 1.0, 0.0]
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            with self.subTest(spectrum):
                text = relaxations(spectrum, 5, "[0.0, 0.3]", "tolerance = 1e-6")
                self.write("a.toml", text + COLD.format(beta=beta, fraction=fraction))
                launches, device = self.launches("a")
                self.assertGreater(launches, 10, "some were done otherwise")
                self.assert_agree(self.on("a", "cpu"), device, tolerance=1e-5)

    def test_a_method_that_was_asked_for_is_taken(self):
        for method in ("adams", "bdf"):
            self.write("a.toml", relaxations("exponential", solver=f'integrator = "{method}"') + SWEEP)
            launches, device = self.launches("a")
            self.assertGreater(launches, 100)
            self.assert_agree(self.on("a", "cpu"), device)

    def test_too_few_steps_are_reported_as_on_the_cpu(self):
        self.write("a.toml", relaxations("exponential", solver="max_steps = 3") + SWEEP)
        cpu, device = self.on("a", "cpu", code=POINTS_FAILED), self.on("a", "cuda", code=POINTS_FAILED)
        self.assertEqual(datasets(cpu)["error"].tolist(), datasets(device)["error"].tolist())

    def test_memory_for_some_points_takes_several_launches(self):
        for spectrum in ("exponential", "lorentzian", "ohmic"):
            self.write("a.toml", relaxations(spectrum, solver="tolerance = 1e-6") + SWEEP)
            whole, counts = self.values("a", "cuda"), self.folder / "counts"
            launches, parts = self.launches("a", memory=int(0.8 * self.used("a")))
            self.assertGreater(launches, 1, counts.read_text())
            self.assertLess(launches, 6)
            for name, value in whole.items():
                self.assertEqual(value.tobytes(), datasets(parts)[name].tobytes(), name)
            self.on("a", "cuda", code=POINTS_FAILED, memory=500)

    def test_every_failure_leaves_points_right_or_missing(self):
        for spectrum in ("exponential", "ohmic"):
            self.write("a.toml", relaxations(spectrum, 3, "[0.1]", "tolerance = 1e-4") + SWEEP)
            self.assert_failures_leave_points_right_or_missing("a", allocation=4, launch=1, copy=2)


class ThresholdsTest(HostCuda):
    """LINDRIFT_DEVICE_THRESHOLDS, and `bench --thresholds`, which makes such a file."""

    STEADY = CHAIN.format(sites=6, spectrum="exponential") + '[task]\nkind = "steady_state"\n[solver]\nalgorithm = "direct"\n'

    def under(self, table):
        """The environment of a program that reads this table."""
        return dict(ENVIRONMENT, LINDRIFT_DEVICE_THRESHOLDS=table)

    def backend(self, text, table=None):
        """What `auto` chooses."""
        self.write("a.toml", text)
        said = self.expect(DONE, "check", "a.toml", env=ENVIRONMENT if table is None else self.under(table)).stdout
        return re.search(r"^backend +(\w+):", said, re.MULTILINE)[1]

    def test_auto_goes_by_the_file(self):
        green = '[task]\nkind = "green"\ntimes = [0.0, 1.0]\n'
        kohmoto, hubbard = HATSUGAI_KOHMOTO.format(sites=16) + green, HUBBARD.format(sites=16, interaction=0.5) + green
        for text, low, high in ((self.STEADY, "pair_modes = 6", "pair_modes = 7"),
                                (kohmoto, "green_elements = 32", "green_elements = 33"),
                                (hubbard, "propagator_momenta = 16", "propagator_momenta = 17"),
                                (hubbard, "propagator_momenta = 16", "propagator_momenta = 16\npropagator_steps = 2")):  # fmt: skip
            self.write("low", low)
            self.write("high", high)
            backends = [self.backend(text, table) for table in (None, "", "low", "high")]
            self.assertEqual(backends, ["cpu", "cpu", "cuda", "cpu"], f"{low}, {high}")

    def test_runs_go_by_the_file_too(self):
        self.write("a.toml", self.STEADY)
        self.write("low", "pair_modes = 6")
        self.expect(DONE, "run", "a.toml", env=self.under("low"))
        self.assertEqual(attributes(self.folder / "a.h5")["backend"], "cuda")

    def test_ranks_go_by_the_file_of_the_first(self):
        self.need_ranks()
        green = HUBBARD.format(sites=16, interaction=0.5) + '[task]\nkind = "green"\ntimes = [0.0, 1.0]\n'
        for text, low in ((self.STEADY, "pair_modes = 6"), (green, "propagator_momenta = 16")):
            self.write("a.toml", text)
            self.write("low", low)
            command = [MPIRUN]
            for table in ("low", "missing"):
                command += ["-n", "1", "-x", f"LINDRIFT_DEVICE_THRESHOLDS={table}", PROGRAM, "run", "a.toml", "--overwrite", ":"]
            subprocess.run(command[:-1], cwd=self.folder, env=RANKS_ENVIRONMENT, check=True, timeout=300, stdout=subprocess.DEVNULL)
            self.assertEqual(attributes(self.folder / "a.h5")["backend"], "cuda")

    def test_a_wrong_file_is_an_error(self):
        self.write("a.toml", self.STEADY)
        self.write("wrong", "\npair_modes = few")
        problem = "wrong, line 2: pair_modes = few is not allowed: must be a number"
        for verb, ranks in (("run", None), ("check", None), ("run", 2)):
            environment = dict(ENVIRONMENT if ranks is None else RANKS_ENVIRONMENT, LINDRIFT_DEVICE_THRESHOLDS="wrong")
            process = self.expect(WRONG, verb, "a.toml", ranks=ranks, env=environment, says=problem)
            self.assertNotIn("MPI_ABORT", process.stderr)
        self.assertEqual(self.names(), ["a.toml", "wrong"])
        self.assertIn(problem, self.expect(DONE, "info", env=self.under("wrong")).stdout)

    def test_auto_gives_large_sweeps_to_thread_blocks(self):
        relaxation = relaxations("lorentzian", 45, "[0.0, 0.01]", "tolerance = 1e-4")
        for text in (blocks("lorentzian"), relaxation):
            self.write("a.toml", text + SWEEP)  # 5 points of 45 modes
            for table, backend in (("batch_modes = 225", "cuda"), ("batch_modes = 226", "cpu"), ("", "cpu")):
                self.write("table", table)
                said = self.expect(DONE, "check", "a.toml", env=self.under("table")).stdout
                self.assertIn(f"backend      {backend}:", said)
                self.assertEqual("each in one thread block" in said, backend == "cuda", said)
                output = self.on("a", "auto", variables=self.under("table"))
                self.assertEqual(attributes(output)["device_thresholds"], table or "estimates")
                self.assertEqual(attributes(output)["backend"], backend)
                for name, value in self.values("a", backend).items():
                    self.assertEqual(value.tobytes(), datasets(output)[name].tobytes(), name)

    def test_auto_goes_on_where_blocks_fail(self):
        self.write("a.toml", blocks("lorentzian") + SWEEP)
        self.write("table", "batch_modes = 1")
        cpu = self.values("a", "cpu")
        for setting in ({"memory": 500}, {"fail": "launch:1"}, {"fail": "copy:2"}, {"fail": "launch:1+"}):
            with self.subTest(setting):
                found = datasets(self.on("a", "auto", variables=self.under("table"), **setting))
                for name, value in cpu.items():
                    self.assertEqual(value.tobytes(), found[name].tobytes(), name)
        # Of two ranks one has no device.
        self.need_ranks()
        script = self.write("rank.sh", '#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 0 ] || export LINDRIFT_HOST_CUDA_DEVICES=0\nexec "$@"\n')
        script.chmod(0o755)
        environment = dict(RANKS_ENVIRONMENT, LINDRIFT_DEVICE_THRESHOLDS="table")
        subprocess.run([MPIRUN, "-n", "2", script, PROGRAM, "run", "a.toml", "-o", "a.h5"], cwd=self.folder, env=environment,
                       check=True, timeout=300, stdout=subprocess.DEVNULL)  # fmt: skip
        self.assert_agree(self.on("a", "cpu"), self.folder / "a.h5")

    def test_points_that_stay_on_the_cpu_run_side_by_side(self):
        sweep = '[sweep]\n"bath.nonequilibrium_fraction" = { start = 0.1, stop = 0.9, count = 16 }\n'
        green = '[task]\nkind = "green"\ntimes = [0.0, 1.0]\n[sweep]\n"model.interaction" = { start = 0.1, stop = 0.9, count = 16 }\n'
        for text, table in ((self.STEADY + sweep, "pair_modes"), (HATSUGAI_KOHMOTO.format(sites=16) + green, "green_elements"),
                            (HUBBARD.format(sites=16, interaction=0.5) + green, "propagator_momenta")):  # fmt: skip
            self.write("a.toml", text)
            self.write("low", f"{table} = 1")
            for file, at_once in (("", True), ("low", False)):
                said = self.expect(DONE, "check", "a.toml", "--threads", "2", env=self.under(file)).stdout
                self.assertEqual("2 points at a time" in said, at_once, said)

    def test_a_lost_device_loses_no_point_of_several_threads(self):
        sizes = [*range(3, 13), 60, 61, 62, 63, *range(13, 25)]
        self.write("a.toml", CHAIN.format(sites=6, spectrum="exponential").replace("sites = 6\n", "") + algorithm("direct")
                   + f'[task]\nkind = "relax"\ntimes = [0.0, 1.0]\n[output]\nfields = ["current"]\n[sweep]\n"model.sites" = {sizes}\n')
        self.write("table", "pair_modes = 50")
        for _ in range(4):
            output = self.folder / "a.h5"
            self.expect(DONE, "run", "a.toml", "-o", output, "--overwrite", "--threads", "2",
                        env=dict(self.under("table"), LINDRIFT_HOST_CUDA_FAIL="launch:3+"))
            self.assertEqual(datasets(output)["status"].tolist(), [1] * len(sizes))

    def test_a_measured_table_can_be_read(self):
        # The variable may name the file that is about to be made.
        self.expect(DONE, "bench", "--quick", "--thresholds", "measured", "--threads", "1", env=self.under("measured"))
        lines = (self.folder / "measured").read_text()
        times = {name: tuple(map(float, numbers)) for name, *numbers in re.findall(
            r"^(\w+) = .*; (\S+) s with the device and (\S+) s without at ([^:\s]+)", lines, re.MULTILINE)}
        for name in ("pair_modes", "self_energy_terms", "cluster_operations"):
            with_device, without, _ = times[name]
            self.assertGreater(with_device, without, f"{name}: the simulated device is some hundred times slower")
        powers = np.log(times["green_elements"][2] / (1024 * 64)) / np.log(4.0)  # of the number of sites; 64 times
        self.assertAlmostEqual(powers, round(powers), delta=1e-3)
        table = dict(re.findall(r"^(\w+) = (\S+)", (self.folder / "measured").read_text(), re.MULTILINE))
        for name in ("pair_modes", "batch_modes", "newton_modes", "band_modes", "green_elements", "cluster_operations", "self_energy_terms",
                     "self_energy_seconds", "propagator_momenta"):  # fmt: skip
            self.assertGreater(float(table.pop(name)), 0.0, name)
        self.assertEqual(table, {})
        self.assertEqual(self.backend(self.STEADY, "measured"), "cpu")
        self.assertRegex(self.expect(DONE, "info", env=self.under("measured")).stdout, r"thresholds (estimates|\w+ = )")


class GivenBackTest(HostCuda):
    """Points that blocks give back and that go on together, as products of matrices: those of one row of the sweep."""

    ROWS = '[sweep]\n"bath.inverse_temperature" = {beta}\n"bath.nonequilibrium_fraction" = [0.2, 0.5, 0.9, 1.0]\n'

    def rows(self, beta):
        """Rows of four points; blocks give back all of those at beta |E| above 50, where |E| reaches 2.6."""
        return relaxations("ohmic", 128, "[0.02]") + self.ROWS.format(beta=beta)

    def products(self, name, **settings):
        """How many batches a run multiplied matrices for, and its output."""
        counts = self.folder / "counts"
        counts.unlink(missing_ok=True)
        device = self.on(name, "cuda", count=counts, **settings)
        return int(re.search(r"handle (\d+)", counts.read_text())[1]), device

    def one_by_one(self, axes):
        """The same points on the CPU, none of them in a batch: with `zip`, sweeps over weights have none."""
        points = list(itertools.product(*axes.values()))
        columns = "".join(f'"{key}" = {list(column)}\n' for key, column in zip(axes, zip(*points)))
        text = (self.folder / "a.toml").read_text()
        self.write("alone.toml", text[: text.index("[sweep]")] + '[sweep]\nmode = "zip"\n' + columns)
        self.assertNotIn("batches", self.expect(DONE, "check", "alone.toml", "--backend", "cpu").stdout)
        return datasets(self.on("alone", "cpu"))

    def assert_agree_with_points_alone(self, device, axes, tolerance=1e-9):
        alone, device = self.one_by_one(axes), datasets(device)
        points = len(alone["status"])
        for name in ("occupation", "current", "energy_per_site", "particle_number"):
            together = device[name].reshape((points, *alone[name].shape[1:]))
            np.testing.assert_allclose(together, alone[name], rtol=0.0, atol=tolerance * np.abs(alone[name]).max(), err_msg=name)

    def assert_same_bits_after_a_resume(self, output, *missing_sets):
        """Takes points out of an output and resumes."""
        whole = datasets(output)
        for missing in missing_sets:
            with self.subTest(missing=missing):
                with h5py.File(output, "r+") as file:
                    shape = file["status"].shape
                    for at in zip(*np.unravel_index(missing, shape)):
                        file["status"][at] = 0
                        for name in ("occupation", "current", "lagrange_multiplier"):
                            file[name][at] = np.nan
                    file.attrs["complete"] = np.uint8(0)
                points = np.prod(shape)
                self.expect(DONE, "run", "a.toml", "-o", output, "--backend", "cuda", "--resume",
                            says=f"{points - len(missing)} of {points} points are there already",
                            env=dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_OPEN="1"))
                for name, value in datasets(output).items():
                    self.assertEqual(value.tobytes(), whole[name].tobytes(), name)

    def test_only_points_of_the_same_row_share_weights(self):
        # Blocks give back the second and the third row: a group of blocks has both and the first.
        axes = {"bath.inverse_temperature": [3.0, 22.0, 25.0], "bath.nonequilibrium_fraction": [0.2, 0.5, 0.9, 1.0]}
        self.write("a.toml", self.rows(axes["bath.inverse_temperature"]))
        products, device = self.products("a")
        self.assertEqual(products, 2)
        self.assert_agree_with_points_alone(device, axes)

    def test_sizes_differ_between_rows(self):
        axes = {"model.sites": [128, 131], "bath.nonequilibrium_fraction": [0.2, 0.5, 0.9]}
        text = relaxations("ohmic", 128, "[0.02]").replace("inverse_temperature = 3.1", "inverse_temperature = 22.0")
        fields = '[output]\nfields = ["current", "energy_per_site", "particle_number"]\n'
        sweep = "".join(f'"{key}" = {values}\n' for key, values in axes.items())
        self.write("a.toml", text + fields + "[sweep]\n" + sweep)
        products, device = self.products("a")
        self.assertEqual(products, 2)
        found, alone = datasets(device), self.one_by_one(axes)
        for name in ("current", "energy_per_site", "particle_number"):
            np.testing.assert_allclose(found[name].ravel(), alone[name].ravel(), rtol=1e-9, err_msg=name)

    def test_stiff_points_lie_among_others(self):
        # A strong coupling makes the fastest rate times the last time larger than 5000. The first points have no thermal bath.
        axes = {"bath.inverse_temperature": [1.0, 2.0], "bath.nonequilibrium_fraction": [1.0, 0.5], "bath.coupling": [0.05, 1e4]}
        text = relaxations("ohmic", 128, "[1.0]", "tolerance = 1e-4")
        self.write("a.toml", text + "[sweep]\n" + "".join(f'"{key}" = {values}\n' for key, values in axes.items()))
        products, device = self.products("a", open=1)
        self.assertEqual(products, 2)
        self.assert_agree_with_points_alone(device, axes, 1e-3)
        self.assert_same_bits_after_a_resume(device, [3], [1, 7])

    def test_points_without_a_row_are_run_alone(self):
        # The temperature is swept last: neighbours have other weights.
        axes = {"bath.nonequilibrium_fraction": [0.2, 0.9], "bath.inverse_temperature": [3.0, 22.0, 25.0]}
        text = relaxations("ohmic", 128, "[0.02]")
        self.write("a.toml", text + "[sweep]\n" + "".join(f'"{key}" = {values}\n' for key, values in axes.items()))
        products, device = self.products("a")
        self.assertEqual(products, 0)
        self.assert_agree_with_points_alone(device, axes)

    def test_numbers_do_not_depend_on_which_points_are_missing(self):
        self.write("a.toml", self.rows([3.0, 22.0, 25.0]))
        # Of the points 4 to 11, which blocks give back: a row, parts of rows, and one alone, also among points of blocks.
        self.assert_same_bits_after_a_resume(self.on("a", "cuda"), [4, 5, 6, 7], [5, 6, 9], [1, 2, 11], [6], [4, 8, 10, 11])

    def test_too_little_memory_for_products_leaves_points_alone(self):
        axes = {"bath.inverse_temperature": [3.0, 22.0], "bath.nonequilibrium_fraction": [0.2, 0.5, 0.9, 1.0]}
        self.write("a.toml", self.rows(axes["bath.inverse_temperature"]))
        products, device = self.products("a", memory=20_000_000)
        self.assertEqual(products, 0)
        self.assert_agree_with_points_alone(device, axes)
        planned = self.planned("a", memory=20_000_000)
        self.assertIsNotNone(planned, "blocks have enough")
        self.assertGreater(self.planned("a"), planned)

    def test_every_failure_leaves_points_right_or_missing(self):
        self.write("a.toml", self.rows([3.0, 22.0]))
        self.assert_failures_leave_points_right_or_missing("a", allocation=range(8, 12), copy=range(4, 60, 9))


if __name__ == "__main__":
    unittest.main()
