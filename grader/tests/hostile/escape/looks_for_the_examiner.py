# Neither the suite nor the library of those who judge is there, nor what templates start with.
import os
import sys

from attack import canaries, contained

assert not os.path.exists("/practicum/library/examiner") and os.listdir("/practicum/template") == []
assert not any(name in ("exam", "examination", "practicum") for name in sys.modules)
assert sorted(os.listdir("/work")) == ["attack.py", "canaries.json", "program.py"] or not canaries()
contained()
