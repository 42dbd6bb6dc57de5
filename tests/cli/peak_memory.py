"""Runs a program in its stead and leaves the largest memory that this one process had, in kilobytes, in FILE.RANK.

    mpirun -n 2 python3 -S peak_memory.py FILE PROGRAM [ARGUMENT]...

The kernel tells it after the end, so that no moment is missed. It counts what the process was before it became the program,
too: a copy of this one, which is why nothing is imported here that is not needed.
"""

import os
import sys

_, file, *command = sys.argv
child = os.posix_spawn(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
with open(f"{file}.{os.environ.get('OMPI_COMM_WORLD_RANK', '0')}", "w") as out:
    out.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
