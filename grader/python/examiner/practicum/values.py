"""Values of any kind as JSON has them, as the process that runs schedules tells them too (grader/scheduler/src/values.rs).

What JSON has no form for is an object with one name that begins with `$`: `$int` for numbers that a double cannot hold, `$float`, `$bytes`,
`$set`, `$dict` for keys that are no texts, `$object` for everything else. Students make values: nothing here fails.
"""

import math

INT_MAX = 2**53
DEPTH_MAX = 20


def plain(value, depth=DEPTH_MAX):
    """The form of a value. Equal values have equal ones, those of tuples and lists too."""
    if depth == 0:
        return {"$limit": "depth"}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -INT_MAX <= value <= INT_MAX else {"$int": hex(value)}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, str):
        # Half a surrogate pair is no character.
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return _mapping(value, depth)
    if isinstance(value, (set, frozenset)):
        return {"$set": [plain(item, depth - 1) for item in value]}
    return {"$object": type(value).__name__}


def natural(value):
    """The value of a form, as far as Python has one."""
    if isinstance(value, list):
        return [natural(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        mark, content = next(iter(value.items()))
        try:
            if mark == "$bytes":
                return bytes.fromhex(content)
            if mark == "$int":
                return int(content, 16)
            if mark == "$float":
                return float(content)
            if mark == "$set":
                return {natural(item) for item in content}
            if mark == "$dict":
                return {natural(key): natural(item) for key, item in content}
        except (TypeError, ValueError):
            return value
    return {key: natural(item) for key, item in value.items()}


def _mapping(value, depth):
    if all(isinstance(key, str) for key in value):
        return {plain(key): plain(item, depth - 1) for key, item in value.items()}
    return {"$dict": [[plain(key, depth - 1), plain(item, depth - 1)] for key, item in value.items()]}
