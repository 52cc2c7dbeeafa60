"""Starts the shim from its compiled module: the interpreter never caches the file that it is told to run."""

import os
import sys

# A process that multiprocessing spawns from the student's code reads this file again, as another module.
if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

    import shim

    shim.main()
