"""Looks at a submission before anything of it runs: does every Python file parse, and what does it import?

Runs in a sandbox, since parsing a stranger's file may cost memory and time. Nothing of the submission is executed.
Writes one JSON object to descriptor 3: {"errors": [...], "imports": [...]}.
"""

import ast
import json
import os
import sys
import warnings

ERRORS_MAX = 20
IMPORTS_MAX = 2000


def main():
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(4000)
    errors, imports = [], []
    for path in sorted(python_files()):
        try:
            with open(path, "rb") as source:
                text = source.read()
            compile(text, path, "exec", dont_inherit=True)
            imports += [{"file": path, "line": line, "module": name} for line, name in imported(ast.parse(text, path))]
        except SyntaxError as error:
            errors.append(described(path, error))
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            errors.append({"file": path, "line": 0, "column": 0, "text": "", "message": f"{type(error).__name__}: {error}"})
    facts = {"errors": errors[:ERRORS_MAX], "imports": imports[:IMPORTS_MAX]}
    with open(3, "wb") as channel:
        channel.write(json.dumps(facts).encode())


def python_files():
    for folder, _, names in os.walk("."):
        for name in names:
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, name), ".")


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


def is_import_call(function):
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in ("__import__", "import_module")
