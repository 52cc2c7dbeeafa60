"""The parts of a message by name, so that a difference is told by the field that it is in.

A suite gives names and sizes, in the order in which the fields stand; one size may be None, for as much as the others leave. A field
without a name is only passed over.
"""

import re
import struct


def of_format(layout, names):
    """Fields as `struct` lays them out; bytes of padding have no name."""
    items = list(_items(layout))
    named = [item for item in items if item[-1] != "x"]
    if len(named) != len(names):
        raise ValueError(f"{layout!r} has {len(named)} fields, and there are {len(names)} names")
    order = layout[:1] if layout[:1] in "@=<>!" else ""
    names = iter(names)
    fields, before, end = [], order, 0
    for item in items:
        before += item
        size, start = struct.calcsize(order + item), end
        end = struct.calcsize(before)
        # What alignment puts before an item is padding too.
        fields.append((None, end - size - start))
        fields.append((None if item[-1] == "x" else next(names), size))
    return [field for field in fields if field[1]]


def _items(layout):
    """One for each value: `2H` are two, `4s` is one."""
    struct.calcsize(layout)
    for number, code in re.findall(r"(\d*)([a-zA-Z?])", layout):
        yield from [number + code] if code in "spx" else [code] * int(number or 1)


def placed(fields, size):
    """Where the fields of a message of that many bytes are."""
    taken = sum(length for _, length in fields if length is not None)
    open_ended = sum(length is None for _, length in fields)
    if taken > size or open_ended > 1:
        raise ValueError(f"the fields {fields!r} do not fit into {size} bytes")
    places, start = [], 0
    for name, length in fields:
        end = start + (size - taken if length is None else length)
        if name is not None and end > start:
            places.append({"name": name, "from": start, "to": end})
        start = end
    return places


def where(places, index):
    """The field of a byte, to be said after it: `, in `length` (bytes 4–7)`; nothing where it has none."""
    for place in places:
        if place["from"] <= index < place["to"]:
            return f", in `{place['name']}` ({_bytes(place)})"
    return ""


def _bytes(place):
    first, last = place["from"], place["to"] - 1
    return f"byte {first}" if first == last else f"bytes {first}–{last}"
