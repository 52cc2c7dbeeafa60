"""Starts the parser. The work is in a module, which a template may have loaded already."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import parse

parse.main()
