"""A store behind XML-RPC: the server by hand-made POSTs, the client against a service of the examiner's.

Each call to the server is a connection of its own, by HTTP/1.0: its end is the end of the answer, and when it has come, all that the
call does has been done. Whatever the server answers is data: XML that is none, and values of any shape, are failures of the case.
"""

from datetime import datetime
from xmlrpc.client import Fault, dumps, loads

from practicum.fixtures import xmlrpc
from practicum.remote import Handle

LETTERS = "abcdefghijklmnopqrstuvwxyz"
METHODS = ["concat", "discard", "fetch", "names", "store"]
ANSWER_BYTES_MAX = 4 << 20
INT_MAX = 2**31 - 1
NESTED_MAX = 20

PLACES = {
    "": "{}",
    " inside an array": "<array><data><value>{}</value></data></array>",
    " inside a struct": "<struct><member><name>n</name><value>{}</value></member></struct>",
}

OBJECTS = """
class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Line:
    def __init__(self, name, start, end):
        self.name, self.start, self.end = name, start, end


def line(name, a, b, c, d):
    return Line(name, Point(a, b), Point(c, d))
"""


def types(exam):
    exam.start("server")
    values = {f"{word}{token(exam)}": value for word, value in some_values(exam).items()}
    for key, value in values.items():
        exam.equal(call(exam, "store", key, value), True, f"the answer to store({key!r}, ...)")
    for key, value in values.items():
        exam.equal(call(exam, "fetch", key), value, f"the answer to fetch({key!r})")
    exam.equal(call(exam, "names"), sorted(values), "the answer to names()")
    gone = exam.random.choice(sorted(values))
    exam.equal(call(exam, "discard", gone), True, f"the answer to discard({gone!r})")
    exam.equal(call(exam, "names"), sorted(values.keys() - {gone}), f"the answer to names() after discard({gone!r})")

    kv, service = client(exam)
    for key, value in values.items():
        if not isinstance(value, datetime):
            kv.store(key, value)
            exam.equal(service.kept.get(key), value, f"what came to the server from KV.store({key!r}, {value!r})")
            exam.equal(kv.fetch(key), value, f"what KV.fetch({key!r}) returned")
    when = some_date(exam)
    service.kept["when"] = when
    with exam.during("KV.fetch of a date must return a datetime.datetime"):
        exam.equal(an_object(exam, kv.fetch("when")).isoformat(), when.isoformat(), "its isoformat()")
    exam.equal(kv.names(), sorted(service.kept), "what KV.names() returned")


def binary(exam):
    exam.start("server")
    key, every = token(exam), bytes(exam.random.sample(range(256), 256))
    call(exam, "store", key, every)
    exam.equal(call(exam, "fetch", key), every, "binary data of all 256 values that was stored and fetched")
    tail = b"\0" + token(exam).encode() + b"\0\xff"
    exam.equal(call(exam, "concat", key, tail), len(every + tail), "the answer to concat on 256 bytes of binary data")
    exam.equal(call(exam, "fetch", key), every + tail, "binary data after a concat")
    new = token(exam)
    exam.equal(call(exam, "concat", new, tail), len(tail), "the answer to concat with a new key")
    exam.equal(call(exam, "fetch", new), tail, "binary data that a concat has begun")

    kv, service = client(exam)
    kv.store(key, every)
    exam.equal(service.kept.get(key), every, "what came to the server from KV.store(key, data) with bytes")
    exam.equal(kv.concat(key, tail), len(every + tail), "what KV.concat returned")
    exam.equal(service.kept.get(key), every + tail, "what the server holds after a KV.concat")
    exam.equal(kv.fetch(key), every + tail, "what KV.fetch returned for binary data")


def fault_code(exam):
    exam.start("server")
    key, other = token(exam), f"<{token(exam)}&"
    call(exam, "store", key, token(exam))
    for method in ("fetch", "discard"):
        has_code(exam, 404, method, other)
    has_code(exam, 400, "concat", key, b"more")
    call(exam, "discard", key)
    has_code(exam, 404, "fetch", key)
    exam.equal(call(exam, "names"), [], "the answer to names() when all is discarded")

    kv, service = client(exam)
    service.kept["text"] = "text"
    exam.raises("KeyError", kv.fetch, key)
    exam.raises("KeyError", kv.discard, key)
    exam.raises("Fault", kv.concat, "text", b"more")
    exam.equal(kv.fetch("text"), "text", "what KV.fetch returned after a Fault")


def unknown_method(exam):
    exam.start("server")
    for name in (token(exam), "Fetch"):
        gives_fault(exam, name, "key")
    listed = call(exam, "system.listMethods")
    names = isinstance(listed, list) and all(isinstance(name, str) for name in listed)
    assert names, f"system.listMethods must answer a list of names, but answered {short(listed)}"
    ours = sorted(name for name in listed if not name.startswith("system."))
    exam.equal(ours, METHODS, "the names of system.listMethods without system.*")


def instance_as_dict(exam):
    exam.write_file("objects.py", OBJECTS)
    objects = exam.load("objects.py")
    kv, service = client(exam)
    name, numbers = token(exam), [exam.random.randrange(1000) for _ in range(4)]
    fields = {"name": name, "start": dict(zip("xy", numbers[:2])), "end": dict(zip("xy", numbers[2:]))}
    kv.store(name, objects.line(name, *numbers))
    exam.equal(service.kept.get(name), fields, "what came to the server from KV.store of an object with the fields name, start and end")
    exam.equal(kv.fetch(name), fields, "what KV.fetch returned for a struct")


def one_connection(exam):
    kv, service = client(exam)
    for number in range(10):
        key = token(exam)
        kv.store(key, number)
        exam.equal(kv.fetch(key), number, "what KV.fetch returned")
    made = len(service.connections)
    assert made == 1, f"20 calls of one KV object must use one TCP connection, but {made} were made"


def big_int(exam):
    exam.start("server")
    key = token(exam)
    for value in (INT_MAX, -INT_MAX - 1):
        call(exam, "store", key, value)
        exam.equal(call(exam, "fetch", key), value, f"the answer to fetch after store of {value}")
    kept = value
    for value in (INT_MAX + 1, -INT_MAX - 2, exam.random.randrange(2**40, 2**60)):
        for where, shape in PLACES.items():
            with exam.during(f"store of the integer {value}{where}"):
                body = written("store", f"<string>{key}</string>", shape.format(f"<int>{value}</int>"))
                code_is(exam, 400, answer(exam, body))
            exam.equal(call(exam, "fetch", key), kept, "the answer to fetch, which must be what was stored before")

    kv, service = client(exam)
    exam.raises("OverflowError", kv.store, key, INT_MAX + 1)
    assert not service.calls, f"KV.store of {INT_MAX + 1} must send nothing, but {service.calls[0].method} was called"


def private_names(exam):
    exam.start("server")
    key, value = token(exam), token(exam)
    call(exam, "store", key, value)
    private = ["__class__", "__repr__", "__dir__", "__init__", "__str__", "_dispatch", "_methods", "_listMethods", "_values", "_data"]
    attributes = ["__self__", "__call__", "__repr__", "__name__", "__func__.__globals__"]
    dotted = [f"{method}.{name}" for method in ("fetch", "names") for name in attributes]
    holders = ["values", "data", "store", "items", "kv", "db", "table", "entries", "dict", "storage", "contents", "cache", "d"]
    inside = [f"{holder}.{name}" for holder in holders for name in ("copy", "keys", "values", "clear")]
    for method in private + dotted + inside:
        gives_fault(exam, method)
    gives_fault(exam, "__getattribute__", "fetch")
    exam.equal(call(exam, "fetch", key), value, "the answer to fetch after calls of names that are no methods")


def broken_xml(exam):
    server = exam.start("server")
    key = token(exam)
    good = dumps((key, "value"), "store").encode()
    bodies = {
        "an empty body": b"",
        "a body that is no XML": token(exam).encode() + b" \0\xff<<",
        "the first half of a call": good[: len(good) // 2],
        "a web page": b"<html><body><p>hello</p></body></html>",
        "a call without a method name": b"<?xml version='1.0'?><methodCall><params></params></methodCall>",
        "an answer instead of a call": dumps((key,), methodresponse=True).encode(),
        "a call with a number that is none": written("store", f"<string>{key}</string>", "<int>many</int>"),
        "a call in bytes that are not UTF-8": good.replace(b"value</string>", b"\xff\xfe</string>"),
        "a call with an end tag that has no beginning": good.replace(b"</params>", b"</value></params>"),
    }
    for what, body in bodies.items():
        with exam.during(f"a client sent {what}"):
            refused(exam, answer(exam, body))
            serves_on(exam, server)
    with exam.during("a client left in the middle of its request"):
        peer = exam.connect()
        peer.send(head(len(good)) + good[:-10])
        peer.end()
        peer.close()
        serves_on(exam, server)
    with exam.during("a client reset its connection in the middle of its request"):
        peer = exam.connect()
        peer.send(head(len(good)) + good[:-10])
        peer.reset()
        serves_on(exam, server)


def multicall(exam):
    exam.start("server")
    key, value, missing = token(exam), token(exam), token(exam)
    wanted = [("store", key, value), ("fetch", missing), ("fetch", key), ("names",)]
    results = call(exam, "system.multicall", [{"methodName": name, "params": list(params)} for name, *params in wanted])
    four = isinstance(results, list) and len(results) == 4
    assert four, f"system.multicall of 4 calls must answer a list of 4, but answered {short(results)}"
    fault = results[1] if isinstance(results[1], dict) else {}
    exam.equal(fault.get("faultCode"), 404, "the faultCode at the place of fetch with an unknown key")
    exam.equal([results[0], *results[2:]], [[True], [value], [[key]]], "the results of store, fetch and names in one multicall")


class Store:
    """What the student's client speaks to."""

    def __init__(self, exam):
        self.kept = {}
        self.service = exam.xmlrpc({method: getattr(self, method) for method in METHODS})

    @property
    def calls(self):
        return self.service.calls

    @property
    def connections(self):
        return self.service.connections

    def store(self, key, value):
        if not flat(value):
            raise xmlrpc.Fault(400, "the value is nested too deeply")
        self.kept[self.name(key)] = value
        return True

    def fetch(self, key):
        if self.name(key) not in self.kept:
            raise xmlrpc.Fault(404, f"nothing is stored as {key}")
        return self.kept[key]

    def discard(self, key):
        self.fetch(key)
        del self.kept[key]
        return True

    def names(self):
        return sorted(self.kept)

    def concat(self, key, data):
        old = self.kept.get(self.name(key), b"")
        if not isinstance(old, bytes) or not isinstance(data, bytes):
            raise xmlrpc.Fault(400, "only binary data can be appended, and only to binary data")
        self.kept[key] = old + data
        return len(self.kept[key])

    @staticmethod
    def name(key):
        """Anything may come; not everything can be a key here."""
        if not isinstance(key, str):
            raise xmlrpc.Fault(400, "a key is a string")
        return key


def client(exam):
    """A KV of the student's, and the store that it speaks to."""
    store = Store(exam)
    return exam.load("kvclient.py").KV(store.service.url), store


def some_values(exam):
    """Some of every type, by what they are."""
    return {
        "number ": exam.random.randrange(1, INT_MAX),
        "negative ": -exam.random.randrange(1, INT_MAX),
        "one ": 1,
        "true ": True,
        "false ": False,
        "float ": exam.random.choice([-1, 1]) * exam.random.random() * 10.0 ** exam.random.randrange(-20, 20),
        "whole float ": float(exam.random.randrange(1000)),
        "text ": f"  <{token(exam)}> & \"naïve\" žluťoučký\n日本  ",
        "empty text ": "",
        "digits ": str(exam.random.randrange(1000)),
        "list ": [token(exam), exam.random.randrange(1000), [], [token(exam), {}], ""],
        "struct ": {token(exam): exam.random.randrange(1000), token(exam): {token(exam): [True, token(exam)]}},
        "date ": some_date(exam),
    }


def some_date(exam):
    pick = exam.random.randint
    return datetime(pick(1990, 2030), pick(1, 12), pick(1, 28), pick(0, 23), pick(0, 59), pick(0, 59))


def token(exam):
    return "".join(exam.random.choices(LETTERS, k=8))


def an_object(exam, value):
    if not isinstance(value, Handle):
        exam.fail(f"it returned {value!r}")
    return value


def head(length):
    return f"POST /RPC2 HTTP/1.0\r\nHost: kv\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n".encode()


def written(method, *values):
    """A call whose values are XML already."""
    params = "".join(f"<param><value>{value}</value></param>" for value in values)
    return f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>".encode()


def answer(exam, body):
    """Posts it; returns (status, value), the value being a Fault if the server answers one, None with another status than 200."""
    with exam.connect() as peer:
        peer.send(head(len(body)) + body)
        reply = peer.read_to_end(ANSWER_BYTES_MAX)
    top, _, content = reply.partition(b"\r\n\r\n")
    words = top.split(b"\r\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not (words[1].isdigit() and len(words[1]) == 3):
        exam.fail(f"the answer is not HTTP: {reply[:80]!r}" if reply else "the server closed the connection without an answer")
    return int(words[1]), value_of(exam, content) if words[1] == b"200" else None


def value_of(exam, content):
    try:
        return parsed(content)
    except Exception as error:
        # The parser raises what comes to hand, for whatever bytes.
        exam.fail(f"the answer is not the methodResponse of XML-RPC ({type(error).__name__}: {error}): {content[:80]!r}")


def parsed(content):
    try:
        values, method = loads(content, use_builtin_types=True)
        [value] = values
    except Fault as fault:
        value, method = fault, None
    if method is not None:
        raise ValueError("it is a methodCall")
    if not flat(vars(value) if isinstance(value, Fault) else value):
        raise ValueError("it is nested too deeply")
    return value


def flat(value, levels=NESTED_MAX):
    """What is nested more deeply than anything here could not even be shown."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(flat(item, levels - 1) for item in inner)


def call(exam, method, *params):
    """The value that a good call has."""
    shown = f"{method}({', '.join(map(short, params))})"
    with exam.during(shown):
        status, value = answer(exam, dumps(params, method).encode())
        if status != 200:
            exam.fail(f"the server answered with the HTTP status {status}")
        if isinstance(value, Fault):
            exam.fail(f"the server answered a Fault, {described(value)}")
    return value


def gives_fault(exam, method, *params):
    with exam.during(f"a call of {method!r}"):
        return refused(exam, answer(exam, dumps(params, method).encode()), faults_only=True)


def has_code(exam, code, method, *params):
    with exam.during(f"{method}({', '.join(map(short, params))})"):
        code_is(exam, code, answer(exam, dumps(params, method).encode()))


def code_is(exam, code, answered):
    fault = refused(exam, answered, faults_only=True)
    if fault.faultCode != code:
        exam.fail(f"the Fault must have the code {code}, but it is {described(fault)}")


def refused(exam, answered, faults_only=False):
    status, value = answered
    if isinstance(value, Fault):
        return value
    if status == 200:
        exam.fail(f"the server must answer a Fault, but answered {short(value)}")
    if faults_only or status < 400:
        exam.fail(f"the server must answer a Fault, but answered with the HTTP status {status}")
    return None


def serves_on(exam, server):
    value = token(exam)
    with exam.during("after that, an ordinary client"):
        call(exam, "store", "ordinary", value)
        exam.equal(call(exam, "fetch", "ordinary"), value, "what it stored and fetched")
        if not server.alive():
            exam.fail("the server answered, but its process has ended")


def described(fault):
    return f"code {short(fault.faultCode)}: {short(fault.faultString)}"


def short(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
