"""Compiles one file, whose path is the argument, and leaves it where the import system looks for what is compiled."""

import py_compile
import sys

py_compile.compile(sys.argv[1], doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
