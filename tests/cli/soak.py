"""Behind scripts/soak: kills a campaign of cheap points again and again."""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def options():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / "build/bin/lindrift"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to run; default: a temporary folder")
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--points", type=int, default=20000)
    return parser.parse_args()


def main():
    settings = options()
    os.environ["LINDRIFT_PROGRAM"] = settings.program
    import program  # needs the variable

    folder = pathlib.Path(settings.folder or tempfile.mkdtemp(prefix="lindrift-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.toml").write_text(
        f"""[model]
kind = "tgge_chain"
sites = {settings.sites}
[task]
kind = "steady_state"
[output]
fields = ["current", "residual", "steps"]
[sweep]
"bath.nonequilibrium_fraction" = {{ start = 0.0, stop = 1.0, count = {settings.points // 10} }}
"bath.inverse_temperature" = {{ start = 0.5, stop = 5.0, count = 10 }}
""")
    random.seed(settings.seed)

    def start(output, *flags, ranks=settings.ranks):
        launcher = [program.MPIRUN, "-n", str(ranks)] if ranks > 1 else []
        return subprocess.Popen([*launcher, settings.program, "run", "soak.toml", "-o", output, *flags], cwd=folder,
                                env=program.ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def same(one, other):
        one, other = program.datasets(folder / one), program.datasets(folder / other)
        return sorted(one) == sorted(other) and all(program.bits(one[name]) == program.bits(other[name]) for name in one)

    def kept():
        """Bytes in the journal, which must never shrink."""
        return sum(path.stat().st_size for path in folder.glob("out.h5.journal/*.records"))

    def whole(output):
        return (folder / output).exists() and program.attributes(folder / output)["complete"] == 1

    begin = time.monotonic()
    undisturbed = start("undisturbed.h5", ranks=1)
    if undisturbed.wait() != 0:
        raise SystemExit(undisturbed.stderr.read().decode())
    alone = time.monotonic() - begin
    kills = collections.Counter()
    complete = 0
    flags = []
    while sum(kills.values()) < settings.kills:
        before = kept() if flags == ["--resume"] else 0
        process = start("out.h5", *flags)
        flags = ["--resume"]
        startup = 0.4 if settings.ranks > 1 else 0.0
        time.sleep(random.uniform(0.0, startup + 0.3 * alone))
        if process.poll() is None:
            children = program.children_of(process.pid)
            if children and random.random() < 0.5:
                kills["rank"] += 1
                try:
                    os.kill(random.choice(children), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            else:
                kills["job"] += 1
                # The launcher and its ranks: each rank has a process group of its own.
                for child in children:
                    try:
                        os.kill(child, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                os.killpg(process.pid, signal.SIGKILL)
        error = program.end_of_job(process)[1].decode("utf-8", "replace")
        if sum(kills.values()) % 50 == 0:
            print(f"soak: {sum(kills.values())} kills, {time.monotonic() - begin:.0f} s", flush=True)
        if process.returncode == 0:
            complete += 1
            if not same("undisturbed.h5", "out.h5"):
                raise SystemExit(f"soak: after {sum(kills.values())} kills the output differs; see {folder}")
            os.remove(folder / "out.h5")
            flags = []
        elif "error:" in error and "rank" not in error:
            raise SystemExit(f"soak: a resume failed:\n{error}")
        elif kept() < before and not whole("out.h5"):  # a journal may go once the output is whole
            raise SystemExit(f"soak: the journal has become smaller; see {folder}")
    if start("out.h5", *flags).wait() != 0 or not same("undisturbed.h5", "out.h5"):
        raise SystemExit(f"soak: the last resume failed or its output differs; see {folder}")
    left = [path.name for path in folder.iterdir() if path.name.endswith((".journal", ".tmp"))]
    if left:
        raise SystemExit(f"soak: left behind: {left}")
    print(f"soak: {kills['job']} kills of the job and {kills['rank']} of a rank, {complete + 1} outputs completed, all the "
          f"same bits as undisturbed, in {time.monotonic() - begin:.0f} s")
    if not settings.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
