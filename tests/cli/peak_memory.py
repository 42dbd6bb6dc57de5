"""Runs a program in its stead and leaves the largest memory of its own that it was seen to have, in kilobytes, in FILE.RANK.

    mpirun -n 2 python3 -S peak_memory.py FILE PROGRAM [ARGUMENT]...

Pages of files are not counted: how much of a library of hundreds of megabytes is mapped at a time is the kernel's business, so the
largest resident size that wait4() gives will not do. Looks every two milliseconds; what is only there between two looks, or in the last
two milliseconds, is missed, but not what is kept for the rest of a run.
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
