"""One service under three execution models, and what each of them shares: a thread, a process, or nothing.

The server says who it is (WHO); the kernel's list of processes, threads and descriptors says whether that is so. Each model is
started on a port of its own. That sessions run side by side is proved by order: the first ones are stuck in mid-line until the last
one has been served.

Ends of processes are made to coincide by stopping the server while its children end: it then gets one SIGCHLD for all of them.

Only `echo` and `fork-fds` wait for a server's FIN; elsewhere the client leaves first, so that a descriptor too many is found by
the case that is about it.
"""

import re
from signal import SIGCONT, SIGSTOP, SIGTERM

KIB = 1024
LETTERS = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 8)[:256]
MODES = ("serial", "thread", "fork")
SIDE_BY_SIDE = ("thread", "fork")
STALLED = 10
SESSIONS = 60
BURST = 10
SOCKET = "run.sock"
FILE = "notes.txt"


def echo(exam):
    for mode in MODES:
        server = exam.start(mode)
        with exam.during(f"--mode {mode}"):
            for session in range(1, 3):
                with exam.during(f"session {session}"), exam.connect(server.address) as peer:
                    for length in (12, 1, 300):
                        ask(exam, peer, length)
                    text = token(exam, 8) + b"  " + token(exam, 8) + b" "
                    peer.drip(b"ECHO " + text + b"\n")
                    expect(exam, peer, text, "ECHO, sent one byte at a time")
                    first, second = token(exam, 9), token(exam, 10)
                    peer.together(b"ECHO " + first + b"\n", b"ECHO " + second + b"\n")
                    expect(exam, peer, first, "the first of two ECHOs in one segment")
                    expect(exam, peer, second, "the second of two ECHOs in one segment")
                    if mode != "fork":
                        peer.end()
                        peer.at_end()
        server.kill()


def stalled_clients(exam):
    for mode in SIDE_BY_SIDE:
        server = exam.start(mode)
        texts = [token(exam, 20) for _ in range(STALLED + 1)]
        with exam.during(f"--mode {mode}"):
            peers = exam.rendezvous(
                len(texts),
                lambda index: b"ECHO " + texts[index][:7],
                lambda index: texts[index][7:] + b"\n",
                lambda index: texts[index] + b"\n",
                server.address,
            )
        for peer in peers:
            peer.close()
        server.kill()


def who(exam):
    with exam.during("--mode serial"):
        server = exam.start("serial")
        own = server_of(exam)
        for session in ("the first session", "the second session"):
            with exam.connect(server.address) as peer:
                exam.equal(who_is(exam, peer), (own.pid, own.pid), f"{session}: the ids of the server's process and of its first thread")
        server.kill()
    with exam.during("--mode thread"):
        server = exam.start("thread")
        own = server_of(exam)
        with exam.connect(server.address) as first, exam.connect(server.address) as second:
            ids = [who_is(exam, first), who_is(exam, second)]
            threads = server_of(exam).threads
            for pid, tid in ids:
                exam.equal(pid, own.pid, "the process of a session is the server's")
                assert tid in threads, f"a session says that it is in thread {tid}, but the server's threads are {shown(threads)}"
                assert tid != own.pid, f"a session is in thread {tid}, the server's first, and not in one of its own"
            assert ids[0] != ids[1], f"two sessions at the same time say that they are in the same thread, {ids[0][1]}"
            exam.equal(who_is(exam, first), ids[0], "a session asked again is in the same thread as before")
        server.kill()
    with exam.during("--mode fork"):
        server = exam.start("fork")
        own = server_of(exam)
        with exam.connect(server.address) as first, exam.connect(server.address) as second:
            ids = [who_is(exam, first), who_is(exam, second)]
            children = {process.pid: process for process in exam.processes() if process.parent == own.pid}
            for pid, tid in ids:
                assert pid in children, f"a session says that it is in process {pid}, but the server's children are {shown(children)}"
                assert tid in children[pid].threads, f"a session says that it is in thread {tid}, which is not one of process {pid}"
            assert ids[0][0] != ids[1][0], f"two sessions at the same time say that they are in the same process, {ids[0][0]}"


def shared_counter(exam):
    for mode in MODES:
        server = exam.start(mode)
        total = 0
        with exam.during(f"--mode {mode}"):
            for session in range(1, 4):
                with exam.connect(server.address) as peer:
                    count = exam.random.randrange(2, 7)
                    for number in range(1, count + 1):
                        want = number if mode == "fork" else total + number
                        bump(exam, peer, want, f"session {session}, after {total} BUMPs in sessions before it")
                    total += count
            if mode in SIDE_BY_SIDE:
                with exam.connect(server.address) as first, exam.connect(server.address) as second:
                    for turn in range(1, 4):
                        for peer, name in ((first, "first"), (second, "second")):
                            total += 1
                            bump(exam, peer, turn if mode == "fork" else total, f"turn {turn} of the {name} of two sessions")
        server.kill()


def zombies(exam):
    server = exam.start("fork")
    with exam.during(f"{SESSIONS} sessions, one after another"):
        for _ in range(SESSIONS):
            with exam.connect() as peer:
                ask(exam, peer)
    no_children(exam, f"after {SESSIONS} sessions, one after another")
    peers = [exam.connect() for _ in range(BURST)]
    for peer in peers:
        ask(exam, peer)
    server.signal(SIGSTOP)
    for peer in peers:
        peer.close()
    exam.quiet()
    server.signal(SIGCONT)
    no_children(exam, f"after {BURST} sessions that ended at the same time")
    lives_on(exam, server, "after all of these sessions")


def handler_fails(exam):
    for mode in MODES:
        server = exam.start(mode)
        own = server_of(exam)
        with exam.during(f"--mode {mode}"):
            other = exam.connect(server.address) if mode in SIDE_BY_SIDE else None
            for number in range(1, 4):
                if other:
                    with exam.during("a session that began before another one failed"):
                        ask(exam, other)
                with exam.connect(server.address) as peer:
                    ask(exam, peer)
                    peer.send(b"FAIL\n")
                    peer.drained()
                    if mode != "fork":
                        with exam.during("after FAIL the connection is closed without a reply"):
                            peer.at_end()
                lives_on(exam, server, f"after FAIL in {number} sessions")
            if other:
                with exam.during("a session that began before others failed"):
                    ask(exam, other)
                other.close()
            with exam.during("after FAIL in three sessions, which have all ended"):
                exam.equal(server_of(exam).pid, own.pid, "the server's process")
        server.kill()


def fork_fds(exam):
    server = exam.start("fork")
    own = server_of(exam)
    with exam.during("a client that has sent its FIN waits for the server's"), exam.connect() as peer:
        ask(exam, peer)
        peer.end()
        peer.at_end()
    with exam.during("a client that has sent FAIL waits for the end of its connection"), exam.connect() as peer:
        peer.send(b"FAIL\n")
        peer.at_end()
    peers = [exam.connect() for _ in range(BURST)]
    for peer in peers:
        ask(exam, peer)
    exam.quiet()
    held = [process.descriptors for process in exam.processes() if process.pid == own.pid]
    assert held, f"the server's process has ended while {BURST} sessions were open"
    if held[0] >= own.descriptors + BURST:
        exam.fail(f"with {BURST} sessions open the server has {held[0]} descriptors, before the first one it had {own.descriptors}")
    with exam.during(f"one of {BURST} clients ends while the others stay"):
        peers[0].end()
        peers[0].at_end()
    lives_on(exam, server, f"while {BURST - 1} sessions are open")


def unix_socket(exam):
    for mode in MODES:
        name = f"unix-{mode}"
        with exam.during(f"--unix {SOCKET} --mode {mode}"):
            server = exam.start(name)
            assert exam.kind(SOCKET) == "socket", f"the server is ready, but {SOCKET} is no socket"
            for session in range(1, 4):
                with exam.during(f"session {session}"), exam.connect(server.address) as peer:
                    ask(exam, peer)
                exam.quiet()
            if mode in SIDE_BY_SIDE:
                first, second = exam.connect(server.address), exam.connect(server.address)
                first.send(b"ECHO ")
                with exam.during("while another client has sent a part of its line"):
                    ask(exam, second)
                first.close()
                second.close()
                exam.quiet()
        server.kill()
        # What the server has left there is now in the next one's way.
    exam.remove_file(SOCKET)
    content = token(exam, 40) + b"\n"
    exam.write_file(FILE, content)
    server = exam.start("unix-file", ready=False)
    with exam.during(f"--unix {FILE}, which is a file that somebody has written"):
        end = server.wait()
        exam.equal(exam.read_file(FILE), content, f"{FILE} afterwards")
        assert end.code not in (0, None), f"the server is to end with an exit code that is not 0; it ended with {end}"


def reset(exam):
    for mode in MODES:
        server = exam.start(mode)
        with exam.during(f"--mode {mode}"):
            peer = exam.connect(server.address)
            peer.send(b"ECHO " + token(exam, 9))
            peer.drained()
            peer.reset()
            lives_on(exam, server, "after a client that reset its connection in mid-line")
            peer = exam.connect(server.address)
            peer.send((b"ECHO " + token(exam, 90) + b"\n") * 100)
            peer.drained()
            peer.reset()
            lives_on(exam, server, "after a client that reset its connection with its replies unread")
            with exam.connect(server.address) as first:
                ask(exam, first)
                for _ in range(3):
                    exam.connect(server.address).reset()
                ask(exam, first)
            lives_on(exam, server, "after clients that reset their connections before they had sent anything")
            with exam.during("after the clients that reset their connections"):
                server_of(exam)
        server.kill()


def graceful_stop(exam):
    for mode in MODES:
        with exam.during(f"--mode {mode}"):
            server = exam.start(mode)
            with exam.connect(server.address) as peer:
                ask(exam, peer)
            exam.quiet()
            server.signal(SIGTERM)
            stops(exam, server, "after SIGTERM with no session open")
            server = exam.start(mode)
            peer = exam.connect(server.address)
            ask(exam, peer)
            server.signal(SIGTERM)
            exam.quiet()
            with exam.during("after SIGTERM, a session that was open"):
                for _ in range(3):
                    ask(exam, peer)
            assert server.alive(), "after SIGTERM the server's process ended while a session was still open"
            late = late_client(exam, server)
            peer.close()
            stops(exam, server, "after SIGTERM, when the last open session had ended")
            if late and said_to(late):
                exam.fail("after SIGTERM the server served a client that connected later")
    with exam.during(f"--unix {SOCKET} --mode fork"):
        server = exam.start("unix-fork")
        with exam.connect(server.address) as peer:
            ask(exam, peer)
            server.signal(SIGTERM)
            exam.quiet()
            ask(exam, peer)
        stops(exam, server, "after SIGTERM, when the last open session had ended")
        assert exam.kind(SOCKET) is None, f"the server has ended after SIGTERM, and {SOCKET} is still there"


def token(exam, length):
    """Letters and digits that nobody can know beforehand."""
    return exam.random.randbytes(length).translate(LETTERS)


def ask(exam, peer, length=12):
    text = token(exam, length)
    peer.send(b"ECHO " + text + b"\n")
    expect(exam, peer, text, "ECHO")


def expect(exam, peer, want, command):
    line = peer.read_line()
    if not line:
        exam.fail(f"the server closed the connection instead of replying to {command}")
    exam.equal(line, want + b"\n", f"the reply to {command}")


def bump(exam, peer, number, when):
    peer.send(b"BUMP\n")
    with exam.during(when):
        line = peer.read_line()
        if line != b"%d\n" % number:
            exam.fail(f"the reply to BUMP is {shown(line)}, expected {number}")


def who_is(exam, peer):
    """The process and the thread that a session says it is in."""
    peer.send(b"WHO\n")
    line = peer.read_line()
    if not re.fullmatch(rb"[0-9]{1,9} [0-9]{1,9}\n", line):
        exam.fail(f"the reply to WHO is {shown(line)}, expected the ids of a process and of a thread, such as b'17 18\\n'")
    pid, tid = line.split()
    return int(pid), int(tid)


def server_of(exam):
    """The server's process, while no session is open that has another one. Zombies are for `zombies` to find."""
    exam.quiet()
    processes = [process for process in exam.processes() if process.state != "Z"]
    if len(processes) != 1:
        exam.fail(f"the server was to be one process, but there are {len(processes)}: {shown(processes)}")
    return processes[0]


def no_children(exam, when):
    """All sessions' processes have ended and have been waited for."""
    exam.quiet()
    processes = exam.processes()
    ended = sum(process.state == "Z" for process in processes)
    if ended:
        exam.fail(f"{when}: processes of sessions have ended that the server has not waited for, {ended} in all (state Z)")
    if len(processes) > 1:
        exam.fail(f"{when}: there are {len(processes)} processes, and only the server's is to be left")


def lives_on(exam, server, when):
    """An ordinary client is served, and the process that was started is still there."""
    with exam.during(when), exam.connect(server.address) as peer:
        ask(exam, peer)
        if not server.alive():
            exam.fail("a client was served, but the server's process has ended")


def stops(exam, server, when):
    with exam.during(when):
        end = server.wait()
        assert end.code == 0, f"the server is to end with exit code 0; it ended with {end}"


def late_client(exam, server):
    """A client that connects after SIGTERM, if the server still listens."""
    if "LISTEN" not in exam.port_state(server.address):
        return None
    late = exam.connect(server.address)
    late.send(b"ECHO late\n")
    exam.quiet()
    return late


def said_to(peer):
    """What a peer that was closed or reset had sent."""
    try:
        return peer.read_to_end(KIB)
    except AssertionError:
        return b""


def shown(values):
    text = repr(values if isinstance(values, (bytes, list)) else sorted(values))
    return text if len(text) <= 120 else text[:117] + "..."
