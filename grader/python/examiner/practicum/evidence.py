"""What a student is shown beside a message."""

import base64

from . import fields

BYTES_SHOWN = 256
TEXT_SHOWN = 4000
# Longest single text. Some of them, each character escaped at its longest, fit into a frame.
TEXT_MAX = 8000


def first_difference(got, want):
    for index, (left, right) in enumerate(zip(got, want)):
        if left != right:
            return index
    return min(len(got), len(want))


def of_bytes(title, got, want, places=()):
    """Both values around their first difference; of the fields of `want` those that are shown."""
    index = first_difference(got, want)
    start = max(0, index - BYTES_SHOWN // 2)
    window = slice(start, start + BYTES_SHOWN)
    return {
        "kind": "bytes",
        "title": title,
        "got": base64.b64encode(got[window]).decode(),
        "want": base64.b64encode(want[window]).decode(),
        "offset": start,
        "got_length": len(got),
        "want_length": len(want),
        "first_difference": index,
        "fields": [place for place in places if place["from"] < window.stop and place["to"] > start],
    }


def of_values(title, got, want):
    return {"kind": "diff", "title": title, "got": repr(got)[:TEXT_SHOWN], "want": repr(want)[:TEXT_SHOWN]}


def of_traceback(text):
    return {"kind": "traceback", "text": text[-TEXT_MAX:]}


def of_output(program, stream, data):
    """The end of what a program wrote."""
    text = data[-TEXT_MAX // 2 :].decode("utf-8", "replace")
    return {"kind": "output", "program": program, "stream": stream, "text": text, "truncated": len(data) > TEXT_MAX // 2}


def presentable(value):
    """`value` with texts that can be sent and shown: students make what stands in them."""
    if isinstance(value, dict):
        return {key: presentable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [presentable(item) for item in value]
    if isinstance(value, str):
        text = value if len(value) <= TEXT_MAX else value[: TEXT_MAX - 3] + "..."
        # Half a surrogate pair is no character.
        return text.encode("utf-8", "backslashreplace").decode()
    return value


def awaited(size, came):
    """Completes "it has not sent …"."""
    return f"the {count(size)} awaited" + (f", only {came}" if came else "")


def count(number, noun="byte"):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def compare_bytes(got, want, places=()):
    """The difference in words."""
    index = first_difference(got, want)
    field = fields.where(places, index)
    if index == len(got):
        return f"it stops after {len(got)} of {len(want)} bytes{field}"
    if index == len(want):
        return f"{count(len(got) - len(want))} too many after the {len(want)} expected"
    return f"byte {index}{field and field + ','} is 0x{got[index]:02x}, expected 0x{want[index]:02x}"


def compare_values(got, want):
    return f"got {short(got)}, expected {short(want)}"


def short(value):
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
