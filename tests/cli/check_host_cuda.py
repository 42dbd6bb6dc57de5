"""What takes too long for every run of the tests on the host CUDA device: all examples, sizes around those of the blocks on one and two ranks and
on small and large devices, and a failure at every single allocation, launch, copy, handle and plan of a campaign (scripts/check host_cuda)."""

import itertools
import subprocess
import unittest

import h5py
import numpy as np
from program import DONE, ENVIRONMENT, EXAMPLES, MPIRUN, PROGRAM, RANKS_ENVIRONMENT, attributes, datasets, end_of_job
from test_host_cuda import (CHAIN, GREEN, HATSUGAI_KOHMOTO, HUBBARD, RASHBA, SPECTRAL, STEADY, SWEEP, HostCudaTest, algorithm,
                            cases)

KINDS = ("allocation", "launch", "copy", "handle", "plan")
# A steady state next to the thermal one takes few evaluations, also where `auto` takes the device.
NEAR_THERMAL = '[sweep]\n"bath.nonequilibrium_fraction" = [0.0, 1e-5]\n'
TWO_BATCHES = '[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]\n"bath.nonequilibrium_fraction" = [0.3, 0.6]\n'
INTERACTIONS = '[sweep]\n"model.interaction" = [0.4, 0.9]\n'
CAMPAIGNS_ON_AUTO = {
    "direct": CHAIN.format(sites=4096, spectrum="lorentzian") + STEADY + NEAR_THERMAL,
    "batch": CHAIN.format(sites=150, spectrum="ohmic") + STEADY + TWO_BATCHES,
    "hk_green": HATSUGAI_KOHMOTO.format(sites=400_000) + '[task]\nkind = "green"\ntimes = { start = 0.0, stop = 6.0, count = 25 }\n'
                + INTERACTIONS + '[output]\nfields = ["norm", "drift"]\n',
}  # fmt: skip
CAMPAIGNS_ON_CUDA = {
    "direct": CHAIN.format(sites=67, spectrum="ohmic") + STEADY + '[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]\n',
    "rashba": RASHBA.format(sites=31, spectrum="lorentzian") + '[task]\nkind = "relax"\ntimes = [0.0, 0.1]\n'
              + '[sweep]\n"bath.dephasing_up" = [0.4, 0.9]\n',
    "batch": CAMPAIGNS_ON_AUTO["batch"],
    "hk_green": HATSUGAI_KOHMOTO.format(sites=37) + GREEN + INTERACTIONS,
    "hk_spectral": HATSUGAI_KOHMOTO.format(sites=37) + SPECTRAL + INTERACTIONS,
    "hubbard_green": HUBBARD.format(sites=12, interaction=1.3) + GREEN + '[sweep]\n"model.hopping" = [0.8, 1.1]\n',
    "hubbard_direct": HUBBARD.format(sites=24, interaction=1.3) + SPECTRAL + algorithm("direct")
                      + '[sweep]\n"model.hopping" = [0.8, 1.1]\n',
    "hubbard_fft": HUBBARD.format(sites=24, interaction=1.3) + SPECTRAL + algorithm("fft") + '[sweep]\n"model.hopping" = [0.8, 1.1]\n',
}  # fmt: skip


def every_size():
    """Every model at odd sizes. The direct sums of the largest are left to the chain, the rest would take hours."""
    for sites in (1, 2, 3, 127, 1000, 4097):
        for spectrum in ("exponential", "lorentzian"):
            yield f"chain_{spectrum}_{sites}", CHAIN.format(sites=sites, spectrum=spectrum) + STEADY
        yield f"hk_green_{sites}", HATSUGAI_KOHMOTO.format(sites=sites) + GREEN
        yield f"hk_spectral_{sites}", HATSUGAI_KOHMOTO.format(sites=sites) + SPECTRAL
        if sites <= 1000:
            yield f"rashba_{sites}", RASHBA.format(sites=sites, spectrum="lorentzian") + STEADY
            yield f"batch_{sites}", CHAIN.format(sites=sites, spectrum="ohmic") + STEADY + SWEEP
        if 1 < sites <= 127:
            for name in ("direct", "fft"):
                yield f"hubbard_{name}_{sites}", HUBBARD.format(sites=sites, interaction="1.3") + SPECTRAL + algorithm(name)
            yield f"hubbard_green_{sites}", HUBBARD.format(sites=sites, interaction="1.3") + GREEN


class EveryNumberTest(HostCudaTest):
    def test_all_examples(self):
        for example in sorted(EXAMPLES.glob("*.toml")):
            if 'kind = "density"' in example.read_text():
                continue  # on the CPU only
            with self.subTest(example.stem):
                results = {}
                for backend in ("cpu", "cuda"):
                    results[backend] = self.folder / f"{example.stem}.{backend}.h5"
                    self.expect(DONE, "run", example, "-o", results[backend], "--backend", backend, timeout=1800,
                                env=dict(ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_ORDER="random"))
                self.assertEqual(attributes(results["cuda"])["backend"], "cuda")
                self.assert_agree(results["cpu"], results["cuda"])

    def test_every_size_on_ranks_and_processors(self):
        for name, text in itertools.chain(every_size(), cases()):
            self.write(f"{name}.toml", text)
            cpu = self.on(name, "cpu")
            for ranks, processors in itertools.product((None, 2), (1, 132)):
                with self.subTest(name, ranks=ranks, processors=processors):
                    device = self.on(name, "cuda", ranks=ranks, processors=processors, order="random", seed=3)
                    self.assertEqual(attributes(device)["backend"], "cuda")
                    self.assert_agree(cpu, device)


class EveryFailureTest(HostCudaTest):
    """Two ranks share a device; the n-th call of a kind fails on each of them."""

    def counts(self, name, backend):
        """How many calls of each kind the busier of the two ranks makes."""
        path = self.folder / "counts"
        path.unlink(missing_ok=True)
        self.on(name, backend, ranks=2, count=path, open=1)
        rows = [line.split()[1:2 * len(KINDS):2] for line in path.read_text().splitlines()]
        return dict(zip(KINDS, np.array(rows, int).max(axis=0), strict=True))

    def each_failure(self, name, backend):
        for kind, count in self.counts(name, backend).items():
            print(f"{name}, {backend}: {count} of kind {kind}", flush=True)
            yield from (f"{kind}:{n}" for n in range(1, count + 1))

    def test_automatic_choice_loses_nothing(self):
        for name, text in CAMPAIGNS_ON_AUTO.items():
            self.write(f"{name}.toml", text)
            cpu = self.on(name, "cpu")
            for failure in self.each_failure(name, "auto"):
                with self.subTest(name, failure=failure):
                    result = self.on(name, "auto", ranks=2, fail=failure, open=1)
                    self.assertTrue((datasets(result)["status"] == 1).all())
                    self.assert_agree(cpu, result)

    def test_a_device_that_was_asked_for_loses_nothing(self):
        for name, text in CAMPAIGNS_ON_CUDA.items():
            self.write(f"{name}.toml", text)
            cpu = self.on(name, "cpu")
            for failure in self.each_failure(name, "cuda"):
                with self.subTest(name, failure=failure):
                    self.fail_and_resume(name, cpu, failure)

    def fail_and_resume(self, name, cpu, failure):
        output = self.folder / f"{name}.cuda.h5"
        command = ("run", f"{name}.toml", "-o", output, "--backend", "cuda")
        environment = dict(RANKS_ENVIRONMENT, OMP_NUM_THREADS="1", LINDRIFT_HOST_CUDA_OPEN="1")
        output.unlink(missing_ok=True)
        process = subprocess.Popen([MPIRUN, "-n", "2", PROGRAM, *map(str, command), "--overwrite"], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                   env=dict(environment, LINDRIFT_HOST_CUDA_FAIL=failure))
        said = end_of_job(process, patience=60)
        self.assertNotIn(b"host CUDA:", said[1])
        if output.exists():
            self.assert_finished_points_agree(cpu, output)
        if process.returncode != DONE:  # with the device back, the same command goes on
            self.expect(DONE, *command, "--resume", "--retry-failed", ranks=2, env=environment)
        self.assert_agree(cpu, output)

    def assert_finished_points_agree(self, cpu, result):
        """Points marked done have the numbers of the CPU; the others have none."""
        one, other = datasets(cpu), datasets(result)
        done = other["status"] == 1
        with h5py.File(cpu) as file:
            swept = {name for name in file if file[name].ndim >= done.ndim and file[name].shape[:done.ndim] == done.shape}
        for name in swept - {"steps", "residual", "error", "status", "converged"}:
            if "." not in name and one[name].dtype.kind in "fc" and not name.endswith("_error"):
                largest = np.abs(one[name][np.isfinite(one[name])]).max(initial=1e-3)
                difference = np.abs(one[name][done] - other[name][done])
                self.assertLessEqual(difference[np.isfinite(difference)].max(initial=0.0), 1e-9 * largest, name)
                self.assertTrue(np.isnan(other[name][~done]).all(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
