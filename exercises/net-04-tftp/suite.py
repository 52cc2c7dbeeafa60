"""TFTP (RFC 1350) from both ends: scripted clients for the server, a scripted server for the client.

Scripted ends count and never wait: a loss is a packet that they leave unanswered until it has come again. How soon that happens
is the program's affair; `--timeout` only keeps it short. Where nothing may be sent again the time-out is longer than a case can last,
and proof is the order: datagrams of one socket arrive in the order in which they were sent, so that whatever an old ACK sets
off comes before the answer to the next good one. Everywhere else a block that comes again is legal, as often as the program likes.
"""

import struct

RRQ, WRQ, DATA, ACK, ERROR = range(1, 6)
NAMES = {RRQ: "RRQ", WRQ: "WRQ", DATA: "DATA", ACK: "ACK", ERROR: "ERROR"}
BLOCK = 512
ROOT = "files"
#: For what must come again, and for what must not.
SOON, NEVER = 0.2, 60
#: Nobody has to be this patient with a packet that comes again although it was answered.
AGAIN_MAX = 200


def sizes(exam):
    server = start_server(exam, NEVER)
    lengths = [0, exam.random.randint(1, 400), 511, 512, 513, BLOCK * exam.random.randint(2, 5), exam.random.randint(1100, 1500)]
    exam.random.shuffle(lengths)
    for length in lengths:
        serves(exam, server, length)


def new_port_interleaved(exam):
    server = start_server(exam, NEVER)
    first, second = (Reader(exam, server, exam.random.randbytes(1600)) for _ in range(2))
    with exam.during("two clients ask for a file each and acknowledge in turn"):
        for reader in (first, second):
            reader.ask()
            reader.take(1)
        for reader in (first, second):
            if reader.transfer == server.address:
                where = f"port {server.address[1]}, where the server takes requests"
                exam.fail(f"block 1 came from {where}: each transfer needs a port of its own")
        if first.transfer == second.transfer:
            exam.fail(f"both transfers come from port {first.transfer[1]}: each needs a port of its own")
        for number in range(2, 5):
            for reader in (first, second):
                reader.acknowledge(number - 1)
                reader.take(number)
        for reader in (first, second):
            reader.acknowledge(4)
            reader.check()


def errors(exam):
    server = start_server(exam, NEVER)
    secret, inside = word(exam), word(exam)
    exam.write_file(f"{secret}.txt", b"outside of the root")
    exam.write_file(f"{ROOT}-private/{secret}.txt", b"beside the root")
    exam.write_file(f"{ROOT}/{inside}/inner.txt", b"inside")
    exam.link(f"{ROOT}/{inside}-link", f"../{secret}.txt")
    exam.write_file(f"{ROOT}/{inside}.txt", b"inside")

    for name, what in (
        (word(exam), "a file that does not exist"),
        (f"{word(exam)}/{secret}.txt", "a file in a folder that does not exist"),
        (inside, "a folder"),
    ):
        refuses(exam, server, request(name), 1, f"a client asked for {name!r}, {what}")
    for name, what in (
        (f"../{secret}.txt", "which lies above the root"),
        (f"{inside}/../../{secret}.txt", "which lies above the root"),
        (f"../{ROOT}-private/{secret}.txt", "which lies beside the root"),
        ("/etc/passwd", "which is an absolute name"),
        (f"{inside}-link", "a link to a file above the root"),
    ):
        refuses(exam, server, request(name), 2, f"a client asked for {name!r}, {what}")
    refuses(exam, server, request(f"{word(exam)}.txt", opcode=WRQ), 4, "a client asked to write a file")
    serves(exam, server, 700, "after requests that were refused")


def many_blocks(exam):
    server = start_server(exam, NEVER)
    serves(exam, server, 200_000 + exam.random.randint(1, 500))


def server_resends(exam):
    server = start_server(exam, SOON)
    reader = Reader(exam, server, exam.random.randbytes(BLOCK + exam.random.randint(1, 500)))
    reader.ask()
    for number, times in ((1, 3), (2, 2)):
        with exam.during(f"a client acknowledged block {number} of 2 only when it had come {times} times"):
            payloads = [reader.take(number) for _ in range(times)]
            for payload in payloads[1:]:
                exam.equal(payload, payloads[0], f"the payload of block {number} when it came again")
        reader.acknowledge(number)
    reader.check()


def duplicate_ack(exam):
    server = start_server(exam, NEVER)
    reader = Reader(exam, server, exam.random.randbytes(3 * BLOCK + exam.random.randint(1, 500)))
    with exam.during("a client acknowledged some older blocks again, each time before it acknowledged the newest"):
        reader.ask()
        for number, older in ((1, []), (2, [1, 1, 1]), (3, [2, 1, 2]), (4, [])):
            reader.take_once(number)
            for old in older:
                reader.acknowledge(old)
                # Whoever takes one ACK has finished with the one before.
                reader.udp.drained(reader.transfer)
            reader.nothing_since(number)
            reader.acknowledge(number)
        reader.check()


def stranger(exam):
    server = start_server(exam, NEVER)
    reader = Reader(exam, server, exam.random.randbytes(1200))
    reader.ask()
    reader.take(1)
    # The last one has another address with the same port number.
    strangers = [exam.udp(), exam.udp(), exam.udp(host="127.0.0.2", port=reader.udp.address[1])]
    for number, other in enumerate(strangers):
        what = "from another address with the client's port number" if number == 2 else "from another port"
        with exam.during(f"{packet_words(ack(1))} came to a transfer {what}"):
            other.send(ack(1), reader.transfer)
            expect_error(exam, other, 5)
    with exam.during("after a stranger had been sent away the client of the transfer went on"):
        reader.acknowledge(1)
        reader.take(2)
        reader.acknowledge(2)
        reader.take(3)
        reader.acknowledge(3)
        reader.check()
    server.kill()

    content = exam.random.randbytes(700)
    with exam.during("tftp_get.py fetches a file of 700 bytes"):
        fetch = Fetch(exam, NEVER)
        fetch.answer_request()
        fetch.send(1, content)
        fetch.await_ack(1)
    with exam.during("tftp_get.py had block 1, and DATA 2 came from another port than block 1"), exam.udp() as other:
        other.send(data(2, b"a block of a stranger"), fetch.client)
        expect_error(exam, other, 5)
    with exam.during("after a stranger had been sent away the server of the transfer went on"):
        fetch.send(2, content)
        fetch.await_ack(2)
        fetch.ends_well(content)


def garbage(exam):
    server = start_server(exam, NEVER)
    nonsense = [
        b"",
        b"\0",
        b"\1",
        struct.pack("!H", RRQ),
        struct.pack("!H", RRQ) + word(exam).encode(),
        struct.pack("!H", RRQ) + word(exam).encode() + b"\0oct",
        struct.pack("!H", RRQ) + b"\0" * 3,
        struct.pack("!H", RRQ) + b"\xff\xfe\xc3" + word(exam).encode() + b"\0octet\0",
        request("n" * 480),
        ack(1),
        data(1, word(exam).encode()),
        struct.pack("!HH", ERROR, 0) + b"\0",
        struct.pack("!H", exam.random.randint(6, 65535)),
        b"\xff" + exam.random.randbytes(600),
    ]
    exam.random.shuffle(nonsense)
    for packet in nonsense:
        with exam.udp() as udp:
            udp.send(packet, server.address)
            serves(exam, server, 30, f"after {packet_words(packet)} had come to the port for requests")

    reader = Reader(exam, server, exam.random.randbytes(600))
    with exam.during("in a transfer its own client sent packets that are too short or that nobody awaits, and then the right ACK"):
        reader.ask()
        for number in (1, 2):
            reader.take(number)
            for packet in (b"", b"\0", struct.pack("!H", ACK), ack(number)[:3], data(number, b""), struct.pack("!HH", 77, number)):
                reader.udp.send(packet, reader.transfer)
            reader.acknowledge(number)
        reader.check()
    with exam.during("a client wrote the mode as OCTet and added an option (RFC 2347)"):
        reader = Reader(exam, server, exam.random.randbytes(50))
        reader.ask(b"OCTet\0tsize\0" + b"0\0")
        reader.take(1)
        reader.acknowledge(1)
        reader.check()
    if not server.alive():
        exam.fail("the server answered, but the process that was started has ended")


def client_get(exam):
    for length in (exam.random.randint(1100, 1500), BLOCK * exam.random.randint(1, 2), 0):
        content = exam.random.randbytes(length)
        with exam.during(f"a server has a file of {length} bytes"):
            fetch = Fetch(exam, NEVER)
            fetch.answer_request()
            for number in range(1, length // BLOCK + 2):
                fetch.send(number, content)
                fetch.await_ack(number)
            fetch.ends_well(content)


def client_loss(exam):
    content = exam.random.randbytes(2 * BLOCK + 90)
    with exam.during("the first request is lost"):
        fetch = Fetch(exam, SOON)
        fetch.answer_request(lost=1)
    with exam.during("block 2 does not come: the program is to send its ACK of block 1 again"):
        fetch.send(1, content)
        for _ in range(3):
            fetch.await_ack(1)
    with exam.during("the first request and block 2 were lost once each"):
        for number in (2, 3):
            fetch.send(number, content)
            fetch.await_ack(number)
        fetch.ends_well(content)

    with exam.during("the ACKs of blocks 1 and 2 are lost"):
        fetch = Fetch(exam, NEVER)
        fetch.answer_request()
        for number, times in ((1, 2), (2, 3), (3, 1)):
            for _ in range(times):
                fetch.send(number, content)
                fetch.await_ack(number)
        fetch.ends_well(content)


def client_error(exam):
    with exam.during("a server answered the request with ERROR 1"):
        fetch = Fetch(exam, NEVER)
        fetch.answer_request()
        fetch.refuse(1)
        fetch.ends_badly()
    with exam.during("a server sent block 1, and then ERROR 0 in place of block 2"):
        fetch = Fetch(exam, NEVER)
        fetch.answer_request()
        fetch.send(1, exam.random.randbytes(2 * BLOCK))
        fetch.await_ack(1)
        fetch.refuse(0)
        fetch.ends_badly()


def start_server(exam, timeout):
    # The root exists before the server starts.
    exam.write_file(f"{ROOT}/readme.txt", b"hello\n")
    return exam.start("server", "--timeout", timeout)


def serves(exam, server, length, when=None):
    """A client that loses nothing gets a file of that length."""
    with exam.during(when or f"a client asked for a file of {length} bytes"):
        reader = Reader(exam, server, exam.random.randbytes(length))
        reader.ask()
        for number in range(1, reader.blocks + 1):
            reader.take(number)
            reader.acknowledge(number)
        reader.check()
        reader.udp.close()


def refuses(exam, server, packet, code, why):
    with exam.during(why), exam.udp() as udp:
        udp.send(packet, server.address)
        expect_error(exam, udp, code)


class Reader:
    """A client that moves only when it is told to."""

    def __init__(self, exam, server, content):
        self.exam = exam
        self.server = server
        self.name = f"{word(exam)}.bin"
        self.content = content
        self.blocks = len(content) // BLOCK + 1
        self.came = {}
        self.transfer = None
        self.udp = exam.udp()
        exam.write_file(f"{ROOT}/{self.name}", content)

    def ask(self, mode=b"octet\0"):
        self.udp.send(request(self.name, mode), self.server.address)

    def acknowledge(self, number):
        self.udp.send(ack(number), self.transfer)

    def take(self, number):
        """The payload of this block; older ones may come again before it."""
        for _ in range(AGAIN_MAX):
            came, payload = self._receive(number)
            if came == number:
                return payload
            if came > number:
                break
        self.exam.fail(f"block {number} is due, and block {came} came")

    def take_once(self, number):
        """The same where no block may come again."""
        came, _ = self._receive(number)
        if came < number:
            self.exam.fail(f"block {came} came again; only a time-out may do that, and it is {NEVER} seconds here")
        if came != number:
            self.exam.fail(f"block {number} is due, and block {came} came")

    def nothing_since(self, number):
        if self.udp.waiting():
            self.take_once(number + 1)
            self.exam.fail(f"block {number + 1} came before block {number} was acknowledged")

    def check(self):
        got = b"".join(payload for _, payload in sorted(self.came.items()))
        self.exam.equal(got, self.content, "what all blocks make up")

    def _receive(self, due):
        with self.exam.during(f"block {due} is due"):
            packet, sender = self.udp.receive()
        self.transfer = self.transfer or sender
        if sender != self.transfer:
            self.exam.fail(f"{packet_words(packet)} came from port {sender[1]}, the blocks before it from port {self.transfer[1]}")
        opcode, number = header(packet)
        if opcode != DATA:
            self.exam.fail(f"block {due} is due, and the server sent {packet_words(packet)}")
        payload = packet[4:]
        want = min(BLOCK, len(self.content) - (number - 1) * BLOCK)
        if number == due and len(payload) != want:
            self.exam.fail(f"block {number} of a file of {len(self.content)} bytes must have {want} bytes; it has {len(payload)}")
        self.came.setdefault(number, payload)
        return number, payload


class Fetch:
    """tftp_get.py, and the server that it talks to."""

    def __init__(self, exam, timeout):
        self.exam = exam
        self.name, self.out = f"{word(exam)}.bin", f"{word(exam)}.out"
        self.well, self.transfer = exam.udp(), exam.udp()
        self.client = None
        self.program = exam.start("client", *self.well.address, self.name, self.out, "--timeout", timeout)

    def answer_request(self, lost=0):
        """Takes the request, after it was lost so often."""
        for number in range(lost + 1):
            with self.exam.during("the request is due again" if number else "a request is due"):
                packet, sender = self.well.receive()
            if packet[:2] != request("")[:2] or packet[2:].lower() != request(self.name)[2:].lower():
                self.exam.fail(f"the program asked for {self.name!r} with {packet!r}, expected {request(self.name)!r}")
            if self.client not in (None, sender):
                self.exam.fail(f"the program repeated its request from port {sender[1]}, the first came from port {self.client[1]}")
            self.client = sender

    def send(self, number, content):
        self.transfer.send(data(number, content[(number - 1) * BLOCK : number * BLOCK]), self.client)

    def refuse(self, code):
        self.transfer.send(struct.pack("!HH", ERROR, code) + b"not today\0", self.client)

    def await_ack(self, number):
        """ACKs of older blocks may come again before it."""
        for _ in range(AGAIN_MAX):
            with self.exam.during(f"an ACK of block {number} is due"):
                packet, sender = self.transfer.receive()
            if sender != self.client:
                self.exam.fail(f"{packet_words(packet)} came from port {sender[1]}, the request from port {self.client[1]}")
            opcode, came = header(packet)
            if opcode != ACK or len(packet) != 4 or came > number or came == 0:
                self.exam.fail(f"an ACK of block {number} is due, and the program sent {packet_words(packet)}")
            if came == number:
                return
        self.exam.fail(f"an ACK of block {number} is due, and only older ones come")

    def ends_well(self, content):
        code = self.program.wait()
        if code.code != 0:
            self.exam.fail(f"the whole file has been sent, and the program ended with {code}, expected exit code 0")
        got = self.exam.read_file(self.out)
        if got is None:
            self.exam.fail(f"the program ended with exit code 0, and there is no file {self.out!r}")
        self.exam.equal(got, content, "the file that was written")

    def ends_badly(self):
        code = self.program.wait()
        if code.code != 1:
            self.exam.fail(f"the program ended with {code}, expected exit code 1")
        if self.exam.read_file(self.out) is not None:
            self.exam.fail(f"the program ended with exit code 1 and left a file {self.out!r} behind")


def word(exam):
    return "".join(exam.random.choices("abcdefghijklmnopqrstuvwxyz", k=8))


def request(name, mode=b"octet\0", opcode=RRQ):
    return struct.pack("!H", opcode) + name.encode() + b"\0" + mode


def data(number, payload):
    return struct.pack("!HH", DATA, number) + payload


def ack(number):
    return struct.pack("!HH", ACK, number)


def header(packet):
    """Opcode and the number that follows; (None, None) for what is too short to have both."""
    return struct.unpack_from("!HH", packet) if len(packet) >= 4 else (None, None)


def packet_words(packet):
    """A packet as a reader of RFC 1350 would name it."""
    opcode, number = header(packet)
    if opcode == DATA:
        return f"DATA {number} of {len(packet) - 4} bytes"
    if opcode == ACK:
        return f"ACK {number}"
    if opcode == ERROR:
        return f"ERROR {number}, text {packet[4:60]!r}"
    shown = repr(packet[:40]) + ("..." if len(packet) > 40 else "")
    return f"the datagram {shown}" if packet else "an empty datagram"


def expect_error(exam, udp, code):
    with exam.during(f"ERROR {code} is due"):
        packet, _ = udp.receive()
    opcode, number = header(packet)
    if opcode != ERROR:
        exam.fail(f"expected ERROR {code}, and {packet_words(packet)} came")
    if number != code:
        exam.fail(f"expected ERROR {code}, and ERROR {number} came")
    if not packet.endswith(b"\0"):
        exam.fail(f"ERROR {code} came without the zero byte that ends its text")
