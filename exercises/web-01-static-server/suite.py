"""A web server and what browsers, bad clients and burglars ask it for.

Requests are written byte for byte, so that their pieces and faults are the suite's own; answers are read by a small reader that knows
nothing but a status line, headers and a body. The reader forgives what another case is about: lines without CR, and a body whose length
is not told and which lasts until the server ends. An ordinary request here has a connection of its own and says `Connection: close`, and
does not wait for that, so that only `persistent` and `pipelined` see how a server deals with connections.
"""

import re
from datetime import datetime, timedelta

from practicum import Failure

KIB = 1024
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
HEADERS_MAX = 100
BODY_BYTES_MAX = 1024 * KIB
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r?\n")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
TYPES = {
    "html": "text/html",
    "css": "text/css",
    "txt": "text/plain",
    "json": "application/json",
    "png": "image/png",
    "jpg": "image/jpeg",
}
UNKNOWN_TYPE = "application/octet-stream"
CLOSE = "Connection: close"


def get_length_type(exam):
    server = start(exam)
    wanted = {f"/{name(exam)}.{extension}": kind for extension, kind in TYPES.items()}
    wanted |= {f"/docs/{name(exam)}.{name(exam)}": UNKNOWN_TYPE, f"/{name(exam)}": UNKNOWN_TYPE}
    for target, kind in wanted.items():
        content = page(exam, exam.random.randrange(50, 900))
        exam.write_file("site" + target, content)
        whole_answer(exam, server, target, content, kind)
    for folder in ("/", f"/{name(exam)}/"):
        content = page(exam, 120)
        exam.write_file(f"site{folder}index.html", content)
        whole_answer(exam, server, folder, content, "text/html")


def persistent(exam):
    start(exam)
    targets = [new_file(exam) for _ in range(4)]
    with exam.during("three requests on one connection, each sent when the answer before has come"), exam.connect() as peer:
        for target, content in targets[:3]:
            peer.send(request(target))
            expect(exam, read_answer(peer), 200, content, f"GET {target}")
    for close in ("connection: Close", CLOSE):
        with exam.during(f"a second request on a connection, with the header '{close}'"), exam.connect() as peer:
            for (target, content), header in zip(targets, ((), (close,))):
                peer.send(request(target, *header))
                expect(exam, read_answer(peer), 200, content, f"GET {target}")
            closed(exam, peer)
    with exam.during("a request of HTTP/1.0"), exam.connect() as peer:
        target, content = targets[3]
        peer.send(request(target, version="HTTP/1.0"))
        expect(exam, read_answer(peer), 200, content, f"GET {target}")
        closed(exam, peer)


def binary(exam):
    server = start(exam)
    every = bytes(exam.random.sample(range(256), 256))
    contents = {
        "every byte value": every,
        "48 KiB of any bytes": exam.random.randbytes(48 * KIB),
        "newlines of every kind": b"\r\n" + every[:9] + b"\n\r\n\r" + page(exam, 40) + b"\r\n",
        "text in Latin-1": "<p>d\xe9j\xe0 vu</p>".encode("latin-1") + page(exam, 20),
        "nothing": b"",
    }
    for what, content in contents.items():
        for extension in ("png", "html"):
            target = f"/{name(exam)}.{extension}"
            exam.write_file("site" + target, content)
            with exam.during(f"a .{extension} file that holds {what}"):
                expect(exam, fetch(exam, server, target), 200, content, f"GET {target}")


def missing_then_alive(exam):
    server = start(exam)
    there, _ = new_file(exam)
    exam.write_file("site/album/photo.png", exam.random.randbytes(100))
    missing = {
        f"/{name(exam)}.html": "a name that is not there",
        f"/{name(exam)}/{name(exam)}.html": "a folder that is not there",
        "/album/": "a folder without index.html",
        "/album": "a folder without a slash at its end",
        f"{there}/{name(exam)}": "a file as if it were a folder",
        f"/{name(exam) * 40}": "a name longer than any file's",
        f"{there}%00": "a name with a NUL",
    }
    for target, what in missing.items():
        with exam.during(f"GET of {what}"):
            status = fetch(exam, server, target).status
            assert status == 404 or (status == 301 and target == "/album"), f"the status must be 404, but is {status}"
        serves_on(exam, server, f"after a GET of {what}")


def head(exam):
    server = start(exam)
    target, content = new_file(exam)
    got = fetch(exam, server, target)
    with exam.during(f"HEAD {target}"), exam.connect() as peer:
        peer.send(request(target, CLOSE, method="HEAD"))
        answer = read_answer(peer, with_body=False)
        exam.equal(answer.status, 200, "the status")
        exam.equal(answer.length, len(content), "the Content-Length, that of the body which a GET would bring")
        exam.equal(answer.type, got.type, "the Content-Type, that of a GET")
        nothing_follows(exam, peer, "the head")


def decode_query(exam):
    server = start(exam)
    word = name(exam)
    files = {
        f"{word} one.txt": f"/{word}%20one.txt",
        f"{word}-Größe.txt": f"/{word}-Gr%C3%B6%c3%9Fe.txt",
        f"{word}+two.txt": f"/{word}+two.txt",
        f"{word}%20three.txt": f"/{word}%2520three.txt",
        f"{word}?four.txt": f"/{word}%3Ffour.txt",
        f"docs {word}/five.txt": f"/docs%20{word}/%66ive.txt",
        f"{word}six.txt": f"/{word}six.txt?q={word}&path=/../six%20.txt?",
    }
    for file, target in files.items():
        content = page(exam, 60)
        exam.write_file(f"site/{file}", content)
        with exam.during(f"a file called {file!r}"):
            expect(exam, fetch(exam, server, target), 200, content, f"GET {target}")


def traversal(exam):
    secret, plan = page(exam, 80), page(exam, 80)
    exam.write_file("secret.txt", secret)
    exam.write_file("site-private/plan.txt", plan)
    server = start(exam)
    target, content = new_file(exam, "/docs")
    exam.link("site/leak.txt", "../secret.txt")
    exam.link("site/private", "../site-private")
    exam.link("site/alias.txt", target[1:])
    outside = [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/docs/%2E./.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/../site-private/plan.txt",
        "//work/secret.txt",
        "/%2Fwork%2Fsecret.txt",
        "/leak.txt",
        "/private/plan.txt",
    ]
    for burglary in outside:
        with exam.during(f"GET {burglary}, which leads out of ROOT"):
            answer = fetch(exam, server, burglary)
            stolen = secret in answer.body or plan in answer.body
            assert not stolen, "the answer brought a file that is not in ROOT"
            assert answer.status in (400, 403, 404), f"the status must be 404 (or 403), but is {answer.status}"
    expect(exam, fetch(exam, server, "/alias.txt"), 200, content, "GET /alias.txt, a link to a file in ROOT")
    serves_on(exam, server, "after requests that lead out of ROOT")


def methods(exam):
    server = start(exam)
    target, _ = new_file(exam)
    for method in ("DELETE", "PUT", "POST", "OPTIONS", name(exam).upper()):
        with exam.during(f"{method} {target}"):
            answer = fetch(exam, server, target, "Content-Length: 0", method=method)
            exam.equal(answer.status, 405, "the status")
            allowed = answer.headers.get("allow", "")
            both = {"GET", "HEAD"} <= {word.strip() for word in allowed.split(",")}
            assert both, f"the header Allow must name GET and HEAD, but is {allowed!r}"
    serves_on(exam, server, "after requests with other methods")


def bad_line(exam):
    server = start(exam)
    target, _ = new_file(exam)
    lines = [
        name(exam),
        "GET",
        f"GET {target}",
        f"GET {target} HTTP/1.1 {name(exam)}",
        f"GET {target[1:]} HTTP/1.1",
        f"GET {target} HTTP/one",
        f"GET {target} {name(exam).upper()}/1.1",
    ]
    for line in lines:
        with exam.during(f"the request line {line!r}"), exam.connect(server.address) as peer:
            peer.send(f"{line}\r\nHost: localhost\r\n\r\n".encode())
            exam.equal(read_answer(peer).status, 400, "the status")
            peer.was_reset()
        serves_on(exam, server, f"after the request line {line!r}")


def drip(exam):
    server = start(exam)
    target, content = new_file(exam)
    with exam.during("a request that came one byte at a time"), exam.connect() as peer:
        peer.drip(request(target, CLOSE))
        expect(exam, read_answer(peer), 200, content, f"GET {target}")
    with exam.during("a request that came in two pieces"):
        whole = request(target, CLOSE)
        for cut in (5, len(whole) - 3, len(whole) - 2, len(whole) - 1):
            with exam.connect(server.address) as peer:
                peer.pieces([whole[:cut], whole[cut:]])
                expect(exam, read_answer(peer), 200, content, f"GET {target}")
    with exam.during("a request with a head of 8 KiB"):
        cookie = token(exam, 8 * KIB - 200).decode()
        expect(exam, fetch(exam, server, target, f"Cookie: {cookie}"), 200, content, f"GET {target}")


def pipelined(exam):
    start(exam)
    files = [new_file(exam) for _ in range(4)]
    first, second, third, last = (request(target) for target, _ in files)
    with exam.during("three requests and a half came in one segment"), exam.connect() as peer:
        peer.send(first + second + request(f"/{name(exam)}.html") + third + last[:20])
        for index, (target, content) in enumerate(files[:3]):
            if index == 2:
                exam.equal(read_answer(peer).status, 404, "the status of the answer to the request for a file that is not there")
            expect(exam, read_answer(peer), 200, content, f"GET {target}")
        peer.send(last[20:])
        target, content = files[3]
        expect(exam, read_answer(peer), 200, content, f"GET {target}, of which a half had come before")


def not_modified(exam):
    server = start(exam)
    target, content = new_file(exam)
    answer = fetch(exam, server, target)
    expect(exam, answer, 200, content, f"GET {target}")
    modified = answer.headers.get("last-modified", "")
    time = http_date(modified)
    with exam.during("If-Modified-Since is the file's own Last-Modified"), exam.connect() as peer:
        peer.send(request(target, f"If-Modified-Since: {modified}", CLOSE))
        exam.equal(read_answer(peer).status, 304, "the status")
        nothing_follows(exam, peer, "the head")
    earlier = {"a second before": timedelta(seconds=1), "a year before": timedelta(days=365)}
    for words, difference in earlier.items():
        since = (time - difference).strftime(HTTP_DATE)
        with exam.during(f"If-Modified-Since is {words} the file's Last-Modified"):
            expect(exam, fetch(exam, server, target, f"If-Modified-Since: {since}"), 200, content, f"GET {target}")
    for since in ("yesterday", "Thu, 99 Foo 2020 10:00:00 GMT", ""):
        with exam.during(f"If-Modified-Since is {since!r}, which is no date"):
            expect(exam, fetch(exam, server, target, f"If-Modified-Since: {since}"), 200, content, f"GET {target}")
    serves_on(exam, server, "after requests with If-Modified-Since")


def say_nothing(exam):
    server = start(exam)
    target, _ = new_file(exam, length=512 * KIB)
    half = request(target)[: len(target) + 15]
    exam.connect().close()
    serves_on(exam, server, "after a client that connected and left at once")
    for words, said in (("said nothing", b""), ("stopped in the middle of its request", half)):
        with exam.during(f"a client {words} and ended its side"), exam.connect() as peer:
            peer.send(said)
            peer.end()
            peer.was_reset()
        serves_on(exam, server, f"after a client that {words} and ended its side")
    for words, said in (("in the middle of its request", half), ("with its answer unread", request(target))):
        peer = exam.connect(receive_buffer=4 * KIB, segment=536)
        peer.send(said)
        peer.drained()
        peer.reset()
        exam.quiet()
        serves_on(exam, server, f"after a client that reset its connection {words}")


class Answer:
    """What the server has answered, as far as it could be read."""

    def __init__(self, status, headers, crlf):
        self.status = status
        # Names in lower case.
        self.headers = headers
        # Whether each line of the head was ended by CR and LF.
        self.crlf = crlf
        self.body = b""

    @property
    def length(self):
        """The Content-Length, or None."""
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", text):
            raise Failure(f"the Content-Length must be a number, but is {text[:40]!r}")
        return int(text)

    @property
    def type(self):
        """The Content-Type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_answer(peer, with_body=True):
    line = peer.read_line()
    assert line, "the server closed the connection without an answer"
    status = STATUS_LINE.fullmatch(line)
    assert status, f"an answer must begin with a line such as 'HTTP/1.1 200 OK', but this one begins with {line[:60]!r}"
    headers, crlf = {}, line.endswith(b"\r\n")
    for _ in range(HEADERS_MAX):
        line = peer.read_line()
        crlf = crlf and line.endswith(b"\r\n")
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            break
        name, colon, value = text.partition(":")
        assert colon, f"a header must look like 'Name: value', but one is {text[:60]!r}"
        headers[name.lower()] = value.strip()
    assert line.endswith(b"\n") and not line.strip(), "the headers must be followed by an empty line, but there is none"
    answer = Answer(int(status[1]), headers, crlf)
    if with_body and answer.status != 304:
        answer.body = read_body(peer, answer)
    return answer


def read_body(peer, answer):
    """By its length; to the end of the connection where none is told."""
    if answer.length is None:
        return peer.read_to_end(BODY_BYTES_MAX)
    assert answer.length <= BODY_BYTES_MAX, f"the Content-Length says {answer.length}, far more than any file has"
    return peer.read_exactly(answer.length)


def request(target, *headers, method="GET", version="HTTP/1.1"):
    return "\r\n".join([f"{method} {target} {version}", "Host: localhost", *headers, "", ""]).encode()


def fetch(exam, server, target, *headers, method="GET"):
    """The answer to an ordinary request on a connection of its own."""
    with exam.connect(server.address) as peer:
        peer.send(request(target, *headers, CLOSE, method=method))
        return read_answer(peer)


def expect(exam, answer, status, content, what):
    exam.equal(answer.status, status, f"{what}: the status")
    exam.equal(answer.body, content, f"{what}: the body")


def whole_answer(exam, server, target, content, kind):
    """All that is to be told about a file."""
    with exam.during(f"GET {target}"), exam.connect(server.address) as peer:
        peer.send(request(target, CLOSE))
        answer = read_answer(peer)
        exam.equal(answer.status, 200, "the status")
        assert answer.crlf, "each line of the head must end with CR and LF, but one does not"
        exam.equal(answer.length, len(content), "the Content-Length")
        exam.equal(answer.type, kind, "the Content-Type")
        exam.equal(answer.body, content, "the body")
        nothing_follows(exam, peer, "the body")


def nothing_follows(exam, peer, what):
    """A server that waits for further requests is told that there will be none."""
    peer.end()
    exam.equal(peer.read_to_end(BODY_BYTES_MAX), b"", f"nothing is to follow {what}")


def closed(exam, peer):
    exam.equal(peer.read_to_end(BODY_BYTES_MAX), b"", "then the server is to close the connection, and send nothing more")


def http_date(text):
    try:
        time = datetime.strptime(text, HTTP_DATE)
    except ValueError:
        raise Failure(f"the Last-Modified must be a date such as 'Sun, 06 Nov 1994 08:49:37 GMT', but is {text[:60]!r}") from None
    assert time.year > 1970, f"the Last-Modified must be when the file was last changed, but is {text!r}"
    return time


def start(exam):
    """The server, for a site that has a front page."""
    exam.write_file("site/index.html", page(exam, 100))
    return exam.start("server")


def new_file(exam, folder="", length=200):
    """Puts a file into the site: its target and content."""
    target, content = f"{folder}/{name(exam)}.txt", page(exam, length)
    exam.write_file("site" + target, content)
    return target, content


def serves_on(exam, server, when):
    """An ordinary client gets a file, from the process that was started."""
    target, content = new_file(exam)
    with exam.during(when):
        expect(exam, fetch(exam, server, target), 200, content, f"another client's GET {target}")
        if not server.alive():
            exam.fail("the server answered, but its process has ended")


def name(exam):
    return token(exam, 8).decode()


def page(exam, length):
    return token(exam, length)


def token(exam, length):
    """Letters and digits that nobody can know beforehand."""
    return exam.random.randbytes(length).translate(LETTERS)
