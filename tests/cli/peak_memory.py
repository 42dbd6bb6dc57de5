"""Runs a program and writes the peak of its own memory, in kilobytes, to FILE.RANK.

    mpirun -n 2 python3 -S peak_memory.py FILE PROGRAM [ARGUMENT]...

File-backed pages are not counted: the kernel decides how much of a library of hundreds of megabytes is mapped, so the
maximum resident size from wait4() is useless here. Samples every two milliseconds; memory held only between two samples
is missed.
"""

import os
import sys
import time

_, file, *command = sys.argv
child = os.posix_spawn(command[0], command, os.environ)
peak = 0
while True:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    with open(f"/proc/{child}/status") as lines:
        for line in lines:
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]))
    time.sleep(0.002)
with open(f"{file}.{os.environ.get('OMPI_COMM_WORLD_RANK', '0')}", "w") as out:
    out.write(str(peak))
sys.exit(os.waitstatus_to_exitcode(status))
