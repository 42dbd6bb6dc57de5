"""The work of scripts/soak: runs the program with kills, full disks and damaged inputs."""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("kills", "full_disks", "inputs", "files", "pictures")

CAMPAIGN = """[model]
kind = "tgge_chain"
sites = {sites}
[task]
kind = "steady_state"
[output]
fields = ["current", "residual", "steps"]
[sweep]
"bath.nonequilibrium_fraction" = {{ start = 0.0, stop = 1.0, count = {points} }}
"bath.inverse_temperature" = {{ start = 0.5, stop = 5.0, count = 10 }}
"""

TABLE = '[model]\nkind = "tgge_chain"\nsites = 8\n[bath]\njump = "table"\ntable = "table.h5:/weights"\n[task]\nkind = "steady_state"\n'


def options():
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Kills, full disks and damaged inputs, and what came of them.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these: " + ", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=1000, help="in a job of one rank and one of several, by turns")
    parser.add_argument("--full-disks", type=int, default=200)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=10_000, help="damaged tables and results; one in ten is drawn")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds that an input may take")
    parser.add_argument("--ranks", type=int, default=3, help="1: no launcher")
    parser.add_argument("--program", type=os.path.abspath, default=str(ROOT / "build-asan/bin/lindrift"))
    parser.add_argument("--fuzz", type=os.path.abspath, default=str(ROOT / "build-asan/tests/lindrift_fuzz"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to run; default: a temporary folder")
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--points", type=int, default=6000)
    settings = parser.parse_args()
    for part in settings.parts:
        if part not in PARTS:
            parser.error(f"no part is called {part}: it is one of {', '.join(PARTS)}")
    return settings


def end(reason):
    raise SystemExit(f"soak: {reason}")


class Soak:
    def __init__(self, settings):
        os.environ["LINDRIFT_PROGRAM"] = settings.program
        import program  # needs the variable
        self.tools = program
        self.settings = settings
        self.folder = pathlib.Path(settings.folder or tempfile.mkdtemp(prefix="lindrift-soak-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        # A launcher that dies leaks memory, which is not the program's fault.
        self.environment = dict(program.RANKS_ENVIRONMENT, OMP_NUM_THREADS="1")

    def run(self, *arguments, folder=None, **more):
        return subprocess.run([self.settings.program, *map(str, arguments)], cwd=folder or self.folder, env=self.environment,
                              capture_output=True, text=True, errors="replace", **more)

    def same(self, one, other):
        one, other = self.tools.datasets(one), self.tools.datasets(other)
        return sorted(one) == sorted(other) and all(self.tools.bits(one[name]) == self.tools.bits(other[name]) for name in one)

    def problems(self):
        """A folder with every kind of problem and its result, and a table."""
        import h5py
        import numpy as np
        from problems import HAMILTONIAN, PROBLEMS
        place = self.folder / "problems"
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        for name, text in PROBLEMS.items():
            (place / f"{name}.toml").write_text(text)
        (place / "table.toml").write_text(TABLE)
        for name in ("hr.dat", "wannier90.dat"):
            shutil.copy(HAMILTONIAN, place / name)
        with h5py.File(place / "table.h5", "w") as file:
            file["weights"] = np.random.default_rng(7).random((8, 8))
        for name in (*PROBLEMS, "table"):
            target = "of_table.h5" if name == "table" else f"{name}.h5"
            done = self.run("run", f"{name}.toml", "-o", target, "--log", "off", folder=place)
            if done.returncode != 0:
                end(f"{name}.toml: exit {done.returncode}\n{done.stderr}")
        (place / "of_table.h5").unlink()
        return place

    # --- kills ---

    def start(self, output, *flags, ranks):
        launcher = [self.tools.MPIRUN, "-n", str(ranks)] if ranks > 1 else []
        return subprocess.Popen([*launcher, self.settings.program, "run", "soak.toml", "-o", output, *flags], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def kept(self):
        """Bytes in the journal, which must never shrink."""
        return sum(path.stat().st_size for path in self.folder.glob("out.h5.journal/*.records"))

    def kill(self, process, kills):
        children = self.tools.children_of(process.pid)
        if children and random.random() < 0.5:
            kills["rank"] += 1
            victims = [random.choice(children)]
        else:
            kills["job"] += 1
            victims = children  # the launcher and its ranks: each rank has its own process group
        for child in victims:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if victims is children:
            os.killpg(process.pid, signal.SIGKILL)

    def kills(self):
        (self.folder / "soak.toml").write_text(CAMPAIGN.format(sites=self.settings.sites, points=self.settings.points // 10))
        begin = time.monotonic()
        undisturbed = self.start("undisturbed.h5", "--overwrite", ranks=1)
        if undisturbed.wait() != 0:
            end(undisturbed.stderr.read().decode())
        alone = time.monotonic() - begin
        kills = collections.Counter()
        complete = 0
        flags = []
        while sum(kills.values()) < self.settings.kills:
            before = self.kept() if flags == ["--resume"] else 0
            ranks = random.choice((1, self.settings.ranks))
            process = self.start("out.h5", *flags, ranks=ranks)
            flags = ["--resume"]
            time.sleep(random.uniform(0.0, (0.4 if ranks > 1 else 0.0) + 0.3 * alone))
            if process.poll() is None:
                self.kill(process, kills)
            error = self.tools.end_of_job(process)[1].decode("utf-8", "replace")
            if sum(kills.values()) % 50 == 0:
                print(f"soak: {sum(kills.values())} kills, {time.monotonic() - begin:.0f} s", flush=True)
            if "Sanitizer" in error:
                end(f"a sanitizer reports:\n{error}")
            if process.returncode == 0:
                complete += 1
                if not self.same(self.folder / "undisturbed.h5", self.folder / "out.h5"):
                    end(f"after {sum(kills.values())} kills the output differs; see {self.folder}")
                os.remove(self.folder / "out.h5")
                flags = []
            elif "error:" in error and "rank" not in error and "was killed" not in error:  # the process that reads first
                end(f"a resume failed:\n{error}")
            elif self.kept() < before and not self.whole("out.h5"):  # once complete, the journal may go
                end(f"the journal has become smaller; see {self.folder}")
        if self.start("out.h5", *flags, ranks=1).wait() != 0 or not self.same(self.folder / "undisturbed.h5", self.folder / "out.h5"):
            end(f"the last resume failed or its output differs; see {self.folder}")
        left = [path.name for path in self.folder.iterdir() if path.name.endswith((".journal", ".tmp"))]
        if left:
            end(f"left behind: {left}")
        print(f"soak kills: {kills['job']} of the job and {kills['rank']} of a rank, {complete + 1} outputs completed, all the "
              f"same bits as undisturbed, in {time.monotonic() - begin:.0f} s", flush=True)

    def whole(self, output):
        return (self.folder / output).exists() and self.tools.attributes(self.folder / output)["complete"] == 1

    # --- full disks ---

    def full_disks(self):
        """Disks that are full after any number of bytes: a separate file system if one may be mounted, otherwise a
        limit on every file. Afterwards there is space, and --resume continues."""
        (self.folder / "disk.toml").write_text(CAMPAIGN.format(sites=40, points=40))
        begin = time.monotonic()
        if self.run("run", "disk.toml", "-o", "roomy.h5", "--overwrite").returncode != 0:
            end("a run on a disk with room failed")
        largest = 10 * (self.folder / "roomy.h5").stat().st_size
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode == 0
        outcomes = collections.Counter()
        try:
            for _ in range(self.settings.full_disks):
                outcomes[self.on_a_full_disk(disk, random.randrange(largest), mounted)] += 1
        finally:
            if mounted:
                subprocess.run(["umount", "-l", disk], check=False)
        print(f"soak full_disks: {outcomes['failed']} runs without room and {outcomes['done']} with just enough, on "
              f"{'a file system of 8 MiB' if mounted else 'limited files'}; all the same bits after --resume, in "
              f"{time.monotonic() - begin:.0f} s", flush=True)

    def on_a_full_disk(self, disk, room, mounted):
        import resource
        filler, output, limit = disk / "filler", disk / "out.h5", None
        if mounted:  # the file system allocates whole pages
            filler.write_bytes(b"")
            free = os.statvfs(disk)
            filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room)))
        else:
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        process = self.run("run", self.folder / "disk.toml", "-o", output, preexec_fn=limit)
        filler.unlink(missing_ok=True)
        if process.returncode not in (0, 1) or "Sanitizer" in process.stderr:
            end(f"with room for {room} bytes: exit {process.returncode}\n{process.stderr}")
        if process.returncode == 1:
            if "error:" not in process.stderr or output.exists():
                end(f"with room for {room} bytes: no message, or half an output\n{process.stderr}")
            again = self.run("run", self.folder / "disk.toml", "-o", output, "--resume")
            if again.returncode != 0:
                end(f"with room for {room} bytes: --resume fails afterwards\n{again.stderr}")
        if not self.same(self.folder / "roomy.h5", output):
            end(f"with room for {room} bytes: the output differs")
        left = [path.name for path in disk.iterdir() if path != output]
        if left:
            end(f"with room for {room} bytes: left behind: {left}")
        output.unlink()
        return "failed" if process.returncode == 1 else "done"

    # --- damaged inputs ---

    def fuzz(self, mode, seeds, count):
        place = self.folder / mode
        environment = dict(self.environment, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=4000:"
                           f"log_path={place}/sanitizer:exitcode=86", UBSAN_OPTIONS="print_stacktrace=1")
        done = subprocess.run([self.settings.fuzz, mode, *map(str, seeds), "--count", str(count), "--seed", str(self.settings.seed),
                               "--folder", place, "--limit", str(self.settings.limit)], env=environment, check=False)
        if done.returncode != 0:
            end(f"{mode}: exit {done.returncode}; see {place}")

    def inputs(self):
        place = self.problems()
        (place / "bad").mkdir()
        from bad_inputs import cases
        for case in cases():
            if len(case.content) < 20000:
                (place / "bad" / f"{case.name}.toml").write_bytes(case.content)
        seeds = [*place.glob("*.toml"), *(place / "bad").glob("*.toml"), *(ROOT / "examples").glob("*.toml")]
        self.fuzz("inputs", sorted(seeds), self.settings.inputs)

    def files(self):
        self.fuzz("files", [self.problems()], self.settings.files - self.settings.files // 10)

    def pictures(self):
        """Draws damaged results: each gives a picture or a message, in a separate Python process."""
        place, begin = self.problems(), time.monotonic()
        sys.path.insert(0, str(ROOT / "python"))
        os.environ["MPLBACKEND"] = "agg"
        import lindrift.__main__  # noqa: F401  before the forks
        files = sorted(path for path in place.glob("*.h5") if path.name != "table.h5")
        outcomes = collections.Counter()
        os.chdir(place)
        for number in range(self.settings.files // 10):
            choice = random.Random(f"{self.settings.seed} {number}")
            content = bytearray(choice.choice(files).read_bytes())
            for _ in range(choice.randint(1, 3)):
                content[choice.randrange(len(content) if choice.random() < 0.5 else 4096)] = choice.randrange(256)
            if choice.random() < 0.1:
                del content[choice.randrange(len(content)):]
            pathlib.Path("damaged.h5").write_bytes(content)
            outcomes[self.draw(number)] += 1
        if outcomes["faults"]:
            end(f"{outcomes['faults']} damaged results were neither drawn nor refused")
        print(f"soak pictures: {dict(outcomes)} of {self.settings.files // 10} damaged results, in {time.monotonic() - begin:.0f} s", flush=True)

    def draw(self, number):
        """Draws in a child process, as `lindrift plot` does."""
        child = os.fork()
        if child == 0:
            code = 70
            try:
                with open("said", "wb") as said:
                    os.dup2(said.fileno(), 1)
                    os.dup2(said.fileno(), 2)
                signal.alarm(int(3 * self.settings.limit))  # the file is read twice, and drawing takes a while
                from lindrift.__main__ import main
                code = main(["plot", "damaged.h5", "-o", "damaged.png"])
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 1, 2):
            kept = self.folder / f"picture-fault-{number}.h5"
            shutil.copy("damaged.h5", kept)
            print(f"soak: {kept}: {'signal ' + str(-code) if code < 0 else 'a traceback'}\n{pathlib.Path('said').read_text(errors='replace')[-1500:]}", flush=True)
            return "faults"
        return "drawn" if code == 0 else "refused"


def main():
    settings = options()
    random.seed(settings.seed)
    soak = Soak(settings)
    for part in settings.parts or PARTS:
        getattr(soak, part)()
    if not settings.folder:
        shutil.rmtree(soak.folder)


if __name__ == "__main__":
    main()
