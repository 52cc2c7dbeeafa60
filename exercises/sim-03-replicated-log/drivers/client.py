"""Appends and reads, one thing after the other, and notes each answer.

Arguments: the nodes' names and addresses as `a=HOST:PORT`, and what to do, as JSON: {"client": its name in requests, "pause": seconds at
most before each step, "patience": seconds for an answer, "steps": [[step, argument, ...], ...]}. Steps are

    append NODE TEXT     once, under the next number
    again NODE           the last append, under its old number, on a new connection
    twice TEXT           at the leader, by two connections at the same time, under one number
    leave TEXT           at the leader, and the connection is closed before the answer comes; then the same is insisted on
    insist TEXT          at the leader, again and again under one number, until it is acknowledged
    fill TEXT            appends to the leader that begin with TEXT, until one is refused
    read NODE            all entries
    until TIME           nothing, until so many seconds after the client's start
"""

import json
import random
import socket
import sys
import time

import report

LEADER = "a"
# Entries of one answer, and of all; seconds between two attempts; appends after which `fill` gives up.
PAGE = 16
ENTRIES_MAX = 1000
BETWEEN = 0.2
FILL_MAX = 150
ANSWER_MAX = 4 << 20


class Client:
    def __init__(self, addresses, name, patience):
        self._addresses = addresses
        self._name = name
        self._patience = patience
        self._began = time.monotonic()
        self._connections = {}
        self._number = 0
        self._text = None

    # Steps

    def append(self, node, text):
        self._next(text)
        return self._attempt(node)

    def again(self, node):
        self._drop(node)
        return self._attempt(node)

    def twice(self, text):
        self._next(text)
        begun = time.monotonic()
        connections = []
        try:
            for _ in range(2):
                connections.append(self._connect(LEADER))
            for connection in connections:
                connection.sendall(line_of(self._request()))
            answers = [answer_of(connection) for connection in connections]
        except (OSError, EOFError):
            answers = [{}]
        finally:
            for connection in connections:
                connection.close()
        for answer in answers:
            self._note(LEADER, answer, begun)

    def leave(self, text):
        self._next(text)
        try:
            with self._connect(LEADER) as connection:
                connection.sendall(line_of(self._request()))
                time.sleep(random.uniform(0, 0.05))
        except OSError:
            pass
        self._insist()

    def insist(self, text):
        self._next(text)
        self._insist()

    def fill(self, text):
        for count in range(FILL_MAX):
            if self.append(LEADER, f"{text} {count}: {random.randbytes(7500).hex()}") != "ok":
                break

    def read(self, node):
        begun, entries = time.monotonic(), []
        while True:
            answer = self._ask(node, {"read": len(entries) + 1, "most": PAGE})
            page = answer.get("entries")
            if not is_page(page) or len(entries) > ENTRIES_MAX:
                kind = "error" if answer else "nothing"
                break
            entries += page
            if not page:
                kind = "entries"
                break
        said = {"node": node, "kind": kind, "text": json.dumps(answer)[:200], "seconds": time.monotonic() - begun}
        report.note("read", {**said, "entries": [short(text) for text in entries] if kind == "entries" else None})

    def until(self, moment):
        time.sleep(max(0, self._began + moment - time.monotonic()))

    # What they have in common

    def _next(self, text):
        self._number += 1
        self._text = text
        report.note("asked", {"client": self._name, "number": self._number, "text": short(text)})

    def _request(self):
        return {"append": self._text, "client": self._name, "number": self._number}

    def _insist(self):
        while self._attempt(LEADER) != "ok":
            time.sleep(BETWEEN)

    def _attempt(self, node):
        begun = time.monotonic()
        return self._note(node, self._ask(node, self._request()), begun)

    def _note(self, node, answer, begun):
        """Notes what became of the append: ok, error, or nothing where no answer came."""
        index = answer.get("ok")
        numbered = isinstance(index, int) and not isinstance(index, bool)
        kind = "ok" if numbered else "error" if answer else "nothing"
        said = {"client": self._name, "number": self._number, "text": short(self._text), "node": node, "kind": kind}
        said |= {"index": index if numbered else None, "answer": json.dumps(answer)[:200]}
        report.note("appended", {**said, "seconds": time.monotonic() - begun})
        return kind

    def _ask(self, node, request):
        """The answer; {} where none came."""
        try:
            if node not in self._connections:
                self._connections[node] = self._connect(node)
            connection = self._connections[node]
            connection.sendall(line_of(request))
            return answer_of(connection)
        except (OSError, EOFError):
            # What came later on this connection would be taken for the answer to another request.
            self._drop(node)
            return {}

    def _connect(self, node):
        host, _, port = self._addresses[node].rpartition(":")
        return socket.create_connection((host, int(port)), self._patience)

    def _drop(self, node):
        if node in self._connections:
            self._connections.pop(node).close()


def line_of(request):
    return json.dumps(request).encode() + b"\n"


def answer_of(connection):
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = connection.recv(1 << 16)
        if not piece or len(line) > ANSWER_MAX:
            raise EOFError
        line += piece
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    # Something must be in it, so that it is not taken for none.
    return answer if isinstance(answer, dict) and answer else {"error": f"not an answer: {bytes(line[:100])!r}"}


def is_page(page):
    return isinstance(page, list) and len(page) <= PAGE and all(isinstance(text, str) for text in page)


def short(text):
    """Long texts begin with what tells them apart; of each the length is kept."""
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def main(*words):
    *nodes, plan = words
    plan = json.loads(plan)
    client = Client(dict(node.split("=") for node in nodes), plan["client"], plan["patience"])
    for step, *arguments in plan["steps"]:
        time.sleep(random.uniform(0, plan["pause"]))
        getattr(client, step)(*arguments)


main(*sys.argv[1:])
