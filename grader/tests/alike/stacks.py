# file: looks.py import sys, traceback\nprint([f.f_code.co_name for f, _ in traceback.walk_stack(sys._getframe())])\n
import traceback

traceback.print_stack()
import looks
