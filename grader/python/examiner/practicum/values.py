"""Values of any kind as JSON has them, so that they can be compared and sent. Students make them: nothing here fails.

What JSON has no form for is marked: `{"$bytes": hex}`, `{"$int": digits}` beyond what a double can hold, `{"$float": "inf"}`, `{"$set": [...]}`,
`{"$object": type}`. Two values that are equal have equal forms, those of tuples and lists too.
"""

import hashlib
import json
import math

INT_MAX = 2**53
DEPTH_MAX = 20
# Longer ones are known by their digest.
VALUE_CHARS_MAX = 4096


def plain(value):
    form = _form(value, DEPTH_MAX)
    text = json.dumps(form)
    if len(text) <= VALUE_CHARS_MAX:
        return form
    return {"$long": hashlib.sha256(text.encode()).hexdigest()}


def _form(value, depth):
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -INT_MAX <= value <= INT_MAX else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is str:
        # Half a surrogate pair is no character.
        return value.encode("utf-8", "backslashreplace").decode()
    if kind in (bytes, bytearray):
        return {"$bytes": value.hex()}
    if depth > 0 and kind in (list, tuple):
        return [_form(item, depth - 1) for item in value]
    if depth > 0 and kind in (set, frozenset):
        return {"$set": sorted((_form(item, depth - 1) for item in value), key=json.dumps)}
    if depth > 0 and kind is dict and all(type(key) is str for key in value):
        return {_form(key, 0): _form(item, depth - 1) for key, item in value.items()}
    return {"$object": kind.__name__}
