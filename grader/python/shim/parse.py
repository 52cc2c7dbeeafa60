"""Looks at a submission before anything of it runs: does every Python file parse, and what does it import and use of that?

Runs in a sandbox, since parsing a stranger's file may cost memory and time. Nothing of the submission is executed.
Writes one JSON object to descriptor 3: {"errors": [...], "imports": [...]}.
A use is an attribute of an imported name: `t.Barrier` after `import threading as t` is `threading.Barrier`.
"""

import ast
import json
import os
import sys
import warnings

ERRORS_MAX = 20
IMPORTS_MAX = 2000
USES_MAX = 2000
# Of a name: `a.b.c` has three. No ban has more.
PARTS_MAX = 8


def main():
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(4000)
    errors, imports, uses = [], [], []
    for path in sorted(python_files()):
        try:
            with open(path, "rb") as source:
                text = source.read()
            compile(text, path, "exec", dont_inherit=True)
            tree = ast.parse(text, path)
            imports += [{"file": path, "line": line, "name": name} for line, name in sorted(imported(tree))]
            uses += [{"file": path, "line": line, "name": name} for line, name in sorted(used(tree))]
        except SyntaxError as error:
            errors.append(described(path, error))
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            errors.append(as_a_whole(path, f"{type(error).__name__}: {error}"))
    # What is left out here nobody would judge.
    for names, most, deed in ((imports, IMPORTS_MAX, "imported"), (uses, USES_MAX, "used")):
        if len(names) > most:
            errors.append(as_a_whole(names[most]["file"], f"more than {most} names of modules are {deed} in all files; at most {most} may be"))
    facts = {"errors": errors[:ERRORS_MAX], "imports": imports[:IMPORTS_MAX] + uses[:USES_MAX]}
    with open(3, "wb") as channel:
        channel.write(json.dumps(facts).encode())


def python_files():
    for folder, _, names in os.walk("."):
        for name in names:
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, name), ".")


def as_a_whole(path, message):
    """An error that no line has."""
    return {"file": path, "line": 0, "column": 0, "text": "", "message": message}


def described(path, error):
    return {
        "file": path,
        "line": error.lineno or 0,
        "column": error.offset or 0,
        "text": (error.text or "").rstrip("\n")[:200],
        "message": f"{type(error).__name__}: {error.msg}",
    }


def imported(tree):
    """Every module named by an import statement or by a literal import call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and is_import_call(node.func):
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value


def used(tree):
    """Attributes of what import statements have bound, whole, and each where it stands first."""
    bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import os.path` binds `os`.
                name, whole = (alias.asname, alias.name) if alias.asname else [alias.name.partition(".")[0]] * 2
                bound.setdefault(name, set()).add(whole)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                bound.setdefault(alias.asname or alias.name, set()).add(f"{node.module}.{alias.name}")
    first = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, tail = dotted(node)
            for whole in bound.get(root, ()):
                name = f"{whole}.{tail}"
                first[name] = min(node.lineno, first.get(name, node.lineno))
    return {(line, name) for name, line in first.items()}


def dotted(node):
    """`a.b.c` as `a` and `b.c`; no root where something else than a name is at the bottom."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return node.id if isinstance(node, ast.Name) else None, ".".join(parts[: -PARTS_MAX - 1 : -1])


def is_import_call(function):
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in ("__import__", "import_module")
