"""Starts the shim from its compiled module: the interpreter never caches the file that it is told to run."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import shim

shim.main()
