"""Started by `lindrift plot` and `lindrift figures` as `python3 -I FOLDER`, FOLDER being the one that holds this file; with -E
where pip installed the package.

So Python imports nothing from the folder in which the user works. matplotlib would still read a matplotlibrc there,
hence the step aside.
"""

import os
import signal
import sys


def stop(*_):
    os.write(2, b"stopped by SIGINT\n")
    os._exit(4)


# Importing takes a second. Nothing has been written until then, and nothing needs to be tidied up.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, stop)
os.environ.pop("MATPLOTLIBRC", None)
try:
    working_folder = os.getcwd()
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    from lindrift.__main__ import main
    os.chdir(working_folder)
except ImportError as error:
    sys.exit(f"error: {sys.executable} cannot draw: {error}; LINDRIFT_PYTHON names a python3 with h5py, numpy and matplotlib")
except OSError as error:
    sys.exit(f"error: {error}")

sys.exit(main())
