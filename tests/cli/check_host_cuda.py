"""Tests on the host CUDA device that take too long for every test run (scripts/check host_cuda): all examples; every
model, task and algorithm at sizes around those of the blocks, on one and two ranks and on small and large devices; and
a failure at every single allocation, launch, copy, handle and plan of campaigns: about four thousand runs on ranks,
each a quarter of a second of CPU time."""

import concurrent.futures
import itertools
import os
import subprocess
import time
import unittest

import h5py
import numpy as np
from program import (DONE, ENVIRONMENT, EXAMPLES, FAILED, MPIRUN, POINTS_FAILED, PROGRAM, RANKS_ENVIRONMENT, STOPPED, WRONG,
                     attributes, datasets, end_of_job)
from test_host_cuda import (CHAIN, GREEN, HATSUGAI_KOHMOTO, HUBBARD, LADDER, LATTICE, MIXED, ORBITALS, RASHBA, SPECTRAL, STEADY,
                            SWEEP, HostCuda, algorithm, cases)

SOON = '[task]\nkind = "relax"\ntimes = [0.0, {time}]\n'
GRADIENT = '[task]\nkind = "gradient"\nof = "{current}"\n'
NOISE = '[task]\nkind = "noise"\nof = "{current}"\n'
RATE_MODELS = {"chain": (CHAIN, "current"), "rashba": (RASHBA, "current"), "lattice": (LATTICE, "current_1")}
RATE_TASKS = {"steady": STEADY, "relax": SOON, "gradient": GRADIENT, "noise": NOISE}


def sweep(key, *values):
    return f'[sweep]\n"{key}" = {list(values)}\n'


def rates(model, task, sites, spectrum="exponential", by="direct", time=0.05):
    """The input of a model of rate equations with a task."""
    text, current = RATE_MODELS[model]
    return text.format(sites=sites, spectrum=spectrum) + RATE_TASKS[task].format(current=current, time=time) + algorithm(by)


def in_turn(calls):
    """Results of calls without arguments, several at a time: a run on ranks mostly waits."""
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for name, future in [(name, pool.submit(call)) for name, call in calls]:
            yield name, future.result


# --- numbers ---

SIZES = (1, 2, 3, 127, 1000, 4097)
# Sums over pairs of modes cost the square of the size, tens of nanoseconds per pair in fibres, and a lattice or a
# Rashba chain has two modes per site. The direct sum of the Hubbard chain costs the cube, 41 times.
LARGEST = {"direct": 1000, "chain_direct_steady": 4097, "chain_direct_relax": 4097, "hubbard_direct": 127, "hubbard_green": 1000,
           "ladder_green": 127, "ladder_fft": 127}
HUBBARD_LEAST = 2  # sites


def every_size():
    """Every model, task and algorithm, as (name, input), up to the largest size that takes less than minutes."""
    for sites, (model, task, by) in itertools.product(SIZES, itertools.product(RATE_MODELS, RATE_TASKS, ("direct", "separable"))):
        if sites <= LARGEST.get(f"{model}_{by}_{task}", LARGEST.get(by, sites)):
            yield f"{model}_{by}_{task}_{sites}", rates(model, task, sites, by=by)
    for sites in SIZES:
        for spectrum in ("lorentzian", "ohmic"):
            yield f"chain_{spectrum}_{sites}", rates("chain", "steady", sites, spectrum, "separable")
        if sites <= LARGEST["direct"]:
            yield f"batch_{sites}", CHAIN.format(sites=sites, spectrum="ohmic") + STEADY + algorithm("direct") + SWEEP
        yield f"hk_green_{sites}", HATSUGAI_KOHMOTO.format(sites=sites) + GREEN
        yield f"hk_spectral_{sites}", HATSUGAI_KOHMOTO.format(sites=sites) + SPECTRAL
        hubbard = HUBBARD.format(sites=sites, interaction="1.3")
        ladder = LADDER.format(sites=sites, interaction="1.3", ladder="particle" if sites % 2 else "both")
        for name, text in {"hubbard_green": GREEN, "hubbard_fft": SPECTRAL + algorithm("fft"),
                           "hubbard_direct": SPECTRAL + algorithm("direct"), "ladder_green": GREEN, "ladder_fft": SPECTRAL}.items():  # fmt: skip
            if HUBBARD_LEAST <= sites <= LARGEST.get(name, sites):
                yield f"{name}_{sites}", (ladder if name.startswith("ladder") else hubbard) + text


class EveryNumberTest(HostCuda):
    def test_all_examples(self):
        def compare(example):
            results = {}
            for backend in ("cpu", "cuda"):
                results[backend] = self.folder / f"{example.stem}.{backend}.h5"
                self.expect(DONE, "run", example, "-o", results[backend], "--backend", backend, timeout=1800,
                            env=dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_ORDER="random"))
            self.assertEqual(attributes(results["cuda"])["backend"], "cuda")
            self.assert_agree(results["cpu"], results["cuda"])

        examples = sorted(EXAMPLES.glob("*.toml"))
        refused = {example: self.run_program("check", example, "--backend", "cuda") for example in examples}
        on_device = [example for example in examples if refused[example].returncode == DONE]
        for example in set(examples) - set(on_device):
            self.assertIn("CPU", refused[example].stderr, refused[example].said)
        for example, result in in_turn((example, lambda example=example: compare(example)) for example in on_device):
            with self.subTest(example.stem):
                result()
        print(f"\nexamples on the device: {len(on_device)} of {len(examples)}; for the CPU only: "
              + ", ".join(sorted(example.stem for example in set(examples) - set(on_device))))

    def test_every_size_on_ranks_and_processors(self):
        def compare(name, text):
            self.write(f"{name}.toml", text)
            start = time.monotonic()
            cpu = self.on(name, "cpu")
            for ranks, processors in itertools.product((None, 2), (1, 132)):
                device = self.on(name, "cuda", ranks=ranks, processors=processors, order="random", seed=3)
                self.assertEqual(attributes(device)["backend"], "cuda", (ranks, processors))
                self.assert_agree(cpu, device)
            return time.monotonic() - start

        seconds = {}
        inputs = dict(itertools.chain(every_size(), cases()))
        for name, result in in_turn((name, lambda name=name, text=text: compare(name, text)) for name, text in inputs.items()):
            with self.subTest(name):
                seconds[name] = result()
        slowest = sorted(seconds, key=seconds.get)[-3:]
        print(f"\nsizes: {len(seconds)} of {len(inputs)} inputs agree on 1 and 2 ranks, 1 and 132 processors; slowest: "
              + ", ".join(f"{name} {seconds[name]:.0f} s" for name in slowest))


# --- failures ---

KINDS = ("allocation", "launch", "copy", "handle", "plan")
# A steady state close to the thermal one takes few evaluations, and so does a short time.
AT_ONCE = 1e-9
NEAR_THERMAL = sweep("bath.nonequilibrium_fraction", 0.0, 1e-5)
TWO_BATCHES = '[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]\n"bath.nonequilibrium_fraction" = [0.3, 0.6]\n'
BATCHES = CHAIN.format(sites=150, spectrum="ohmic") + STEADY + algorithm("direct") + TWO_BATCHES
HOPPINGS = sweep("model.hopping", 0.8, 1.1)
INTERACTIONS = sweep("model.interaction", 0.4, 0.9)
LONG_GREEN = '[task]\nkind = "green"\ntimes = { start = 0.0, stop = 6.0, count = 25 }\n'
# Large enough for `auto` to choose the device. Two points, one for each rank; then one point that both share.
ON_AUTO = {
    "direct": rates("chain", "steady", 4096) + NEAR_THERMAL,
    "batch": BATCHES,
    "hk_green": HATSUGAI_KOHMOTO.format(sites=400_000) + LONG_GREEN + INTERACTIONS + '[output]\nfields = ["norm", "drift"]\n',
    "shared": rates("chain", "relax", 4096, time=AT_ONCE) + sweep("bath.coupling", 0.7),
}  # fmt: skip
ON_CUDA = {
    "direct": rates("chain", "steady", 67) + NEAR_THERMAL,
    "panels": rates("chain", "relax", 67, "ohmic", "separable", AT_ONCE) + sweep("bath.coupling", 0.7, 0.8),
    "blocks": rates("chain", "steady", 37, "lorentzian", "separable") + NEAR_THERMAL,
    "rashba": rates("rashba", "relax", 31, "lorentzian", time=AT_ONCE) + sweep("bath.dephasing_up", 0.4, 0.9),
    "lattice": rates("lattice", "relax", 9, by="separable", time=AT_ONCE) + sweep("bath.coupling", 0.7, 0.8),
    "gradient": rates("rashba", "gradient", 2, by="separable") + NEAR_THERMAL,
    "noise": rates("lattice", "noise", 2) + NEAR_THERMAL,
    "shared_chain": rates("chain", "relax", 1100, time=AT_ONCE) + sweep("bath.coupling", 0.7),
    "shared_green": HATSUGAI_KOHMOTO.format(sites=37) + GREEN + sweep("model.interaction", 0.9),
    "shared_hubbard": HUBBARD.format(sites=24, interaction=1.3) + SPECTRAL + sweep("model.hopping", 0.8),
    "batch": BATCHES,
    "hk_green": HATSUGAI_KOHMOTO.format(sites=37) + GREEN + INTERACTIONS,
    "hk_spectral": HATSUGAI_KOHMOTO.format(sites=37) + SPECTRAL + INTERACTIONS,
    "hubbard_green": HUBBARD.format(sites=12, interaction=1.3) + GREEN + HOPPINGS,
    "hubbard_direct": HUBBARD.format(sites=24, interaction=1.3) + SPECTRAL + algorithm("direct") + HOPPINGS,
    "hubbard_fft": HUBBARD.format(sites=24, interaction=1.3) + SPECTRAL + algorithm("fft") + HOPPINGS,
    "ladder_green": LADDER.format(sites=12, interaction=1.3, ladder="particle") + GREEN + HOPPINGS,
    "ladder_spectral": LADDER.format(sites=12, interaction=1.3, ladder="both") + SPECTRAL + HOPPINGS,
    "orbital_states": ORBITALS[2].format(cells=3) + STEADY + INTERACTIONS,
    "orbital_green": ORBITALS[2].format(cells=3) + GREEN + INTERACTIONS,
    "mixed_green": MIXED.format(sites=6, cluster=3) + GREEN + INTERACTIONS,
    "shared_mixed": MIXED.format(sites=6, cluster=3) + SPECTRAL + sweep("model.interaction", 0.9),
    "shared_orbitals": ORBITALS[2].format(cells=3) + SPECTRAL + sweep("model.interaction", 0.9),
    "shared_ladder": LADDER.format(sites=12, interaction=1.3, ladder="hole") + SPECTRAL + sweep("model.hopping", 0.8),
}  # fmt: skip


class EveryFailureTest(HostCuda):
    """Two ranks share a device; the n-th call of a kind fails on both, and for every third n also on one alone."""

    def on_ranks(self, name, backend, output, failure="", failing=(0, 1), more=()):
        """Exit code of a campaign, the number of calls of each kind on the busier rank, and the number of failures."""
        counts = output.with_suffix(".counts")
        counts.unlink(missing_ok=True)
        command = [PROGRAM, "run", f"{name}.toml", "-o", str(output), "--backend", backend, *more]
        ranks = [["-n", "1", "env", f"LINDRIFT_HOST_CUDA_FAIL={failure if rank in failing else ''}", *command] for rank in range(2)]
        environment = dict(RANKS_ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_OPEN="1", LINDRIFT_HOST_CUDA_COUNT=str(counts))
        process = subprocess.Popen([MPIRUN, *ranks[0], ":", *ranks[1]], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=environment)
        said = end_of_job(process, patience=60)[1].decode("utf-8", "replace")
        self.assertIn(process.returncode, (DONE, FAILED, WRONG, POINTS_FAILED, STOPPED), said)
        self.assertNotIn("host CUDA:", said)  # undefined on a real device
        lines = [line.split() for line in counts.read_text().splitlines()]
        rows = [dict(zip(words[::2], map(int, words[1::2]), strict=True)) for words in lines if words[0] != "failed"]
        made = {kind: max((row[kind] for row in rows), default=0) for kind in KINDS}
        return process.returncode, made, sum(words[0] == "failed" for words in lines)

    def failures_of(self, name, backend):
        """Kind, number and failing ranks of every possible failure of a campaign."""
        # Either rank may take both points: the smallest count of a few tries is that of one point each.
        tries = [self.on_ranks(name, backend, self.folder / "counted.h5", more=("--overwrite",))[1] for _ in range(3)]
        for kind in KINDS:
            for n in range(1, min(counts[kind] for counts in tries) + 1):
                yield kind, n, (0, 1)
                if n % 3 == 1:
                    yield kind, n, (n % 2,)

    def each_failure(self, campaigns, backend, outcome):
        """Calls outcome(name, CPU's result, kind, output, failure, failing) per failure; prints how many happened."""
        def inject(name, cpu, kind, n, failing):
            output = self.folder / f"{name}.{kind}.{n}.{len(failing)}.h5"
            try:
                return outcome(name, cpu, kind, output, f"{kind}:{n}", failing)
            finally:
                for path in self.folder.glob(f"{output.stem}.*"):
                    if path.is_file():
                        path.unlink()

        all_wanted = all_happened = 0
        for name, text in campaigns.items():
            self.write(f"{name}.toml", text)
            cpu = self.on(name, "cpu")
            plan = list(self.failures_of(name, backend))
            wanted, happened = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
            for (kind, n, failing), result in in_turn((case, lambda case=case: inject(name, cpu, *case)) for case in plan):
                wanted[kind] += 1
                with self.subTest(f"{name}, {backend}: {kind} {n} fails on ranks {failing}"):
                    happened[kind] += result()
            print(f"\n{backend}, {name}: " + ", ".join(f"{happened[kind]} of {wanted[kind]} {kind} failures"
                                                       for kind in KINDS if wanted[kind] > 0), end="", flush=True)
            all_wanted += sum(wanted.values())
            all_happened += sum(happened.values())
        print(f"\n{backend}: {all_happened} of {all_wanted} failures happened")
        self.assertGreater(all_happened, 0.9 * all_wanted)

    def test_automatic_choice_loses_nothing(self):
        def outcome(name, cpu, kind, output, failure, failing):
            code, _, failures = self.on_ranks(name, "auto", output, failure, failing)
            self.assertEqual(code, DONE)
            self.assertTrue((datasets(output)["status"] == 1).all())
            self.assert_agree(cpu, output)
            return failures > 0

        self.each_failure(ON_AUTO, "auto", outcome)

    def test_a_device_that_was_asked_for_loses_nothing(self):
        def outcome(name, cpu, kind, output, failure, failing):
            code, _, failures = self.on_ranks(name, "cuda", output, failure, failing)
            if output.exists():
                self.assert_finished_points_agree(cpu, output)
                if kind in ("launch", "copy"):
                    self.assertFalse((datasets(output)["status"] == 2).any(), "a dead device fails no point")
            if code != DONE:  # once the device works again, the same command continues
                self.assertGreater(failures, 0)
                self.expect(DONE, "run", f"{name}.toml", "-o", output, "--backend", "cuda", "--resume", "--retry-failed",
                            env=dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_OPEN="1"))
            self.assert_agree(cpu, output)
            return failures > 0

        self.each_failure(ON_CUDA, "cuda", outcome)

    def assert_finished_points_agree(self, cpu, result):
        """Points marked as done have the numbers of the CPU; the others have none."""
        one, other = datasets(cpu), datasets(result)
        done = other["status"] == 1
        with h5py.File(cpu) as file:
            swept = {name for name in one if not h5py.h5ds.is_scale(file[name].id) and file[name].shape[:done.ndim] == done.shape}
        for name in swept - {"steps", "residual", "error", "status", "converged"}:
            if "." not in name and one[name].dtype.kind in "fc" and not name.endswith("_error"):
                largest = np.abs(one[name][np.isfinite(one[name])]).max(initial=1e-3)
                difference = np.abs(one[name][done] - other[name][done])
                self.assertLessEqual(difference[np.isfinite(difference)].max(initial=0.0), 1e-9 * largest, name)
                self.assertTrue(np.isnan(other[name][~done]).all(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
