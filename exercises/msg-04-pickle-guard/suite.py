"""Pickles of friends and of enemies.

An attack is a pickle that would connect to a port of ours, or leave a file in the work folder. Whether it had success is seen there, and
only then is it asked which exception came back. What needs objects that cannot cross to us (cycles, classes, shared memory) happens in a
driver, with labels that the seed has chosen.
"""

import pickle
import struct

from practicum import Raised

KIB = 1024
FORMS = ("global", "stack-global", "memo", "inst", "obj")


def plain(exam):
    vault = exam.load("vault.py")
    n = exam.random.randint(2, 10**9)
    word = f"wört {n}"
    values = [
        None, True, False, 0, -n, n << 80, n / 7, float("inf"), "", word, b"", exam.random.randbytes(20), bytearray(word.encode()),
        (), (n,), [], [n, [word, [None]]], {}, {n: word, (n, word): [True]}, set(), {n, word}, frozenset(), frozenset({n, (word, n)}),
    ]  # fmt: skip
    exam.random.shuffle(values)
    for value in values:
        with exam.during(f"loads(dumps({value!r}))"):
            exam.equal(vault.loads(vault.dumps(value)), value, "what it returned")
    exam.equal(vault.loads(vault.dumps(values)), values, "loads(dumps(x)) of a list of all plain values")
    real, imag = float(n), n / 3
    with exam.during(f"loads(dumps([{complex(real, imag)}]))"):
        back = beside(exam, "complex_number", {"type": str, "real": float, "imag": float}, real=real, imag=imag)
        exam.equal(back, {"type": "complex", "real": real, "imag": imag}, "the item in the list")


def identity(exam):
    labels = exam.random.sample(range(1000), 5)
    steps = 12
    path = [labels[step % 5] for step in range(steps)]
    with exam.during("loads(dumps(first)) of five dicts in a ring, each with the next one in `next` and the same list in `log`"):
        back = beside(exam, "walk", {"seen": list, "log": list, "original": list}, labels=labels, steps=steps)
        exam.equal(back["seen"], path, f"the labels on {steps} steps along `next`")
        exam.equal(back["log"], path, "the walk appended to the `log` of each dict that it came by; this is the first one's")
        exam.equal(back["original"], [], "the `log` of the original: the copy must not share it")


def attack_reduce(exam):
    vault = exam.load("vault.py")
    canary = Canary(exam)
    host, port = canary.address
    connect = f"__import__('socket').create_connection(({host!r}, {port}))"
    gadgets = [
        ("socket", "create_connection", ((host, port),)),
        ("builtins", "eval", (connect,)),
        ("builtins", "exec", (connect,)),
        ("builtins", "open", (canary.file, "w")),
        ("pickle", "loads", (attack("global", "socket", "create_connection", ((host, port),)),)),
        ("multiprocessing.connection", "Client", ((host, port),)),
        ("posix", "mkdir", (canary.file,)),
        ("io", "open", (canary.file, "w")),
    ]
    exam.random.shuffle(gadgets)
    entrances = {
        "loads": lambda data: vault.loads(data),
        "load_many": lambda data: exam.drive("drivers/beside.py:load_all", module="vault.py", data=data),
        "load_buffers": lambda data: vault.load_buffers(data, []),
    }
    for entrance, load in entrances.items():
        # Every form comes at every entrance, for one gadget or another.
        forms = [*FORMS, *exam.random.choices(FORMS, k=len(gadgets) - len(FORMS))]
        exam.random.shuffle(forms)
        for (module, name, arguments), form in zip(gadgets, forms):
            data = attack(form, module, name, arguments)
            refused(exam, canary, f"{entrance} of a pickle that calls {module}.{name}", lambda: load(data))

    module = f"trap{exam.random.randrange(10**9)}"
    exam.write_file(f"{module}.py", f"open({canary.file!r}, 'w').close()\n\nclass Note:\n    pass\n")
    for entrance, load in entrances.items():
        data = b"\x80\x04" + named("stack-global", module, "Note") + b"."
        refused(exam, canary, f"{entrance} of a pickle that names a class of a module, which acts when it is imported", lambda: load(data))


def attack_dotted(exam):
    canary = Canary(exam)
    host, port = canary.address
    lab = f"lab{exam.random.randrange(10**9)}"
    get = named("stack-global", lab, "Note.__init__.__globals__.get") + value(("dial",)) + b"R"
    attacks = {
        "another function of a module with an allowed class": attack("stack-global", lab, "dial", (host, port)),
        "another class of a module with an allowed class": attack("obj", lab, "Stranger", (host, port)),
        "socket.create_connection of a module that imports it": attack("stack-global", lab, "socket.create_connection", ((host, port),)),
        "the globals of a method of an allowed class": b"\x80\x04" + get + value((host, port)) + b"R.",
        "_sys.exit of collections": attack("stack-global", "collections", "_sys.exit", (3,)),
        "the subclasses of a base of set": attack("stack-global", "builtins", "set.__base__.__subclasses__", ()),
    }
    names = list(attacks)
    exam.random.shuffle(names)
    for what in names:
        load = lambda: exam.drive("drivers/beside.py:load_beside_a_class", module="vault.py", name=lab, data=attacks[what])
        refused(exam, canary, f"loads of a pickle that names {what}", load)


def attack_ext_code(exam):
    canary = Canary(exam)
    host, port = canary.address
    lab, code = f"lab{exam.random.randrange(10**9)}", exam.random.randint(0xF0, 0xFE)
    data = b"\x80\x02\x82" + bytes([code]) + value((host, port)) + b"R."
    load = lambda: exam.drive("drivers/beside.py:load_extension", module="vault.py", name=lab, code=code, data=data)
    refused(exam, canary, "loads of a pickle that calls a function by its extension code, which was used before", load)


def custom_state(exam):
    lab = f"lab{exam.random.randrange(10**9)}"
    counts = [[label, exam.random.randint(0, 99)] for label in exam.random.sample(range(1000), 4)]
    by = exam.random.randint(1, 9)
    with exam.during("loads(dumps(tally)) of an object with a lock, its own __getstate__, and entries of a nested class"):
        back = beside(exam, "tally", {"types": list, "counts": list, "original": list}, name=lab, counts=counts, by=by)
        exam.equal(back["types"], ["Tally", "Tally.Entry"], "the classes of the copy and of what is in it")
        exam.equal(back["counts"], [[label, count + by] for label, count in counts], f"the entries of the copy after copy.bump({by})")
        exam.equal(back["original"], counts, f"the entries of the original after copy.bump({by})")


def handles(exam):
    vault = exam.load("vault.py")
    names = [f"line-{number}" for number in exam.random.sample(range(1000), 3)]
    marks = exam.random.sample(range(10**6), 4)
    order = [*names, names[0]]
    exam.random.shuffle(order)
    mark_of = dict(zip(names, marks))
    with exam.during(f"loads(dumps(...)) of a list with the handles {order}, each with a lock and a mark of its own as attributes"):
        given = dict(marks=[list(pair) for pair in mark_of.items()], order=order, renamed=[names[1], marks[3]])
        seen = beside(exam, "handles", {"before": list, "after": list}, **given)
        exam.equal(seen["before"], [mark_of[name] for name in order], "the marks of what came back")
        mark_of[names[1]] = marks[3]
        exam.equal(seen["after"], [mark_of[name] for name in order], f"the same, loaded when handles[{names[1]!r}] was another object")

    canary = Canary(exam)
    host, port = canary.address
    code = f"__import__('socket').create_connection(({host!r}, {port}))"
    gone = lambda: exam.drive("drivers/beside.py:forgotten", module="vault.py", name=names[2])
    refused(exam, canary, "loads of a handle whose name is no longer in handles", gone)
    for what, pid in {"Python code": code, "a list": [names[0]], "a tuple": (code,), "a number": marks[0]}.items():
        data = b"\x80\x02" + value(pid) + b"Q."
        refused(exam, canary, f"loads of a pickle with {what} as its persistent id", lambda: vault.loads(data))
    refused(exam, canary, "loads of a pickle with Python code as its persistent id", lambda: vault.loads(b"P" + code.encode() + b"\n."))


    mine = {"name": names[0], "mark": marks[0]}
    yours = {"name": names[1], "mark": marks[1]}
    for state in (yours, (None, yours)):
        data = b"\x80\x02" + value(names[0]) + b"Q" + value(state) + b"b."
        with exam.during(f"loads of a pickle that gives the handle {names[0]!r} the state {state}"):
            seen = beside(exam, "rewritten", {"raised": [str], "name": object, "mark": object}, data=data, **mine)
            exam.equal({name: seen[name] for name in mine}, mine, "the handle in handles afterwards")
            assert "Refused" in seen["raised"], f"it must raise Refused; it raised {[*seen['raised'], 'nothing'][0]}"


def stream_of_many(exam):
    labels = exam.random.sample(range(1000), 4)
    want = [labels[:length] for length in range(1, 5)]
    with exam.during("dump_many of a generator that yields one and the same list four times, an item longer each time"):
        rows = exam.drive("drivers/beside.py:growing", module="vault.py", labels=labels)
        exam.equal(rows, want, "what load_many yields")
    objs = [labels, {"first": labels[0]}, None, str(labels[1])]
    with exam.during(f"dump_many of {objs}"):
        data = beside(exam, "stream", bytes, objs=objs)
        exam.equal(exam.drive("drivers/beside.py:load_all", module="vault.py", data=data), objs, "what load_many yields")


def buffers_zero_copy(exam):
    payload = exam.random.randbytes(64 * KIB)
    changed = bytearray(payload)
    writes = [[at, payload[at] ^ 0xFF] for at in exam.random.sample(range(len(payload)), 5)]
    for at, byte in writes:
        changed[at] = byte
    label = exam.random.randrange(10**6)
    given = dict(payload=payload, label=label, writes=writes)

    with exam.during("dump_buffers and load_buffers of a dict with a number and a PickleBuffer of 64 KiB"):
        seen = beside(exam, "share", {"pickle": bytes, "buffers": int, "label": object, "body": bytes}, **given)
        exam.equal(seen["buffers"], 1, "how many buffers dump_buffers returned")
        length = len(seen["pickle"])
        if length >= KIB:
            exam.fail(f"the pickle has {length} bytes: the buffer must not be in it")
        exam.equal(seen["label"], label, "the number")
        exam.equal(seen["body"], bytes(changed), "the loaded buffer after the original's memory was changed; they must be one memory")
    with exam.during("load_buffers with buffers that came from elsewhere"):
        seen = beside(exam, "arrive", {"label": object, "body": bytes}, **given)
        exam.equal(seen["label"], label, "the number")
        exam.equal(seen["body"], bytes(changed), "the loaded buffer after the given one's memory was changed; they must be one memory")


def truncated(exam):
    vault = exam.load("vault.py")
    labels = exam.random.sample(range(1000), 6)
    obj = {"labels": labels, "text": "x" * 50}
    whole = vault.dumps(obj)
    assert isinstance(whole, bytes), f"dumps must return bytes; it returned {whole!r:.100}"
    exam.equal(vault.loads(whole), obj, "loads of a whole pickle")
    for cut in [0, *cuts(exam, len(whole), 10)]:
        try:
            got = vault.loads(whole[:cut])
        except Raised:
            continue
        exam.fail(f"loads of the first {cut} of {len(whole)} bytes of a pickle must raise an exception; it returned {got!r:.200}")

    objs = [labels[:2], labels[2:4], labels[4:]]
    first, second, third = (beside(exam, "stream", bytes, objs=[obj]) for obj in objs)
    exam.equal(until_error(exam, first + second + third), {"objs": objs, "raised": []}, "load_many of a stream of three whole objects")
    for cut in cuts(exam, len(third), 7):
        with exam.during(f"load_many of a stream that ends after {cut} of the {len(third)} bytes of its third object"):
            seen = until_error(exam, first + second + third[:cut])
            exam.equal(seen["objs"], objs[:2], "the objects before")
            if not seen["raised"]:
                exam.fail("it must yield two objects and raise an exception; it ended without one")


def until_error(exam, data):
    return beside(exam, "load_until_error", {"objs": list, "raised": list}, data=data)


def cuts(exam, length, number):
    """Some of the places inside that many bytes, the first two and the last among them."""
    inside = range(1, length)
    return sorted({*inside[:2], *inside[-1:], *exam.random.sample(inside, min(number, len(inside)))})


class Canary:
    """What only a successful attack touches: a port of ours, and a file that is not there."""

    def __init__(self, exam):
        self._exam = exam
        self._listener = exam.listen()
        self.address = self._listener.address[:2]
        self.file = f"it-ran-{exam.random.randrange(10**9)}"

    def silent(self, what):
        assert not self._listener.touched(), f"{what}: the call was made, and it connected to us"
        assert self._exam.kind(self.file) is None, f"{what}: what it named was touched, and made a file"


def refused(exam, canary, what, load):
    """The data must not have had its way, and Refused must have come back: in this order."""
    try:
        outcome = f"it returned {load()!r:.200}"
    except Raised as error:
        outcome = None if "Refused" in error.bases else f"it raised {error.type}: {error.text:.200}"
    canary.silent(what)
    assert outcome is None, f"{what} must raise Refused; {outcome}"


def beside(exam, function, shape, **given):
    """What a driver saw."""
    return exam.drive(f"drivers/beside.py:{function}", module="vault.py", shape=shape, **given)


def value(plain):
    """The opcodes that leave a plain value on the stack."""
    return pickle.dumps(plain, 2)[2:-1]


def named(form, module, name):
    """The opcodes that leave what has that name on the stack."""
    if form == "stack-global":
        return text(module) + text(name) + b"\x93"
    if form == "memo":
        # Both texts come out of the memo, and harmless ones are the last before them.
        stored = text(module) + b"q\x00" + b"0" + text(name) + b"q\x01" + b"0"
        return stored + text("builtins") + b"0" + text("set") + b"0" + b"h\x00h\x01\x93"
    return f"c{module}\n{name}\n".encode()


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def attack(form, module, name, arguments):
    """A pickle that calls what has that name, in one of the ways that pickle has for it."""
    each = b"".join(map(value, arguments))
    if form == "inst":
        return b"(" + each + f"i{module}\n{name}\n.".encode()
    if form == "obj":
        return b"\x80\x02(" + named(form, module, name) + each + b"o."
    return b"\x80\x04" + named(form, module, name) + value(arguments) + b"R."
