"""Starts the examiner. The work is in modules, which a template may have loaded already."""

import os
import sys

# Our own modules come before the distribution's packages; the suite's folder is the working folder.
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "shim")]
sys.path += ["/work", "/usr/lib/python3/dist-packages"]

import examination

examination.main()
