"""Asks nodes one thing after the other, and reports each answer.

Arguments: the nodes' addresses as `a=HOST:PORT`, and what to do, as JSON: {"attempt": seconds for an answer, "patience": seconds for all
attempts, "agreed": seconds after which nodes agree, "steps": [[time, node, request, about], ...]}. A step is not begun before its time, in
seconds from the client's start. A request that gets no answer is repeated. `about` is handed on to the suite: whose changes a list must be
right about. Where that is others than the node itself, it is not asked for before the client's last change is known to them.
"""

import json
import socket
import sys
import time

import report

# Seconds between two attempts.
BETWEEN = 0.1
ANSWER_MAX = 1 << 20
# Of an answer in the wrong form, what is noted.
NOTED_MAX = 200


def main(*words):
    *nodes, plan = words
    plan = json.loads(plan)
    addresses = {name: where for name, _, where in (node.partition("=") for node in nodes)}
    client, began = Client(addresses, plan["attempt"], plan["patience"]), time.monotonic()
    changed = began - plan["agreed"]
    for moment, node, request, about in plan["steps"]:
        known = changed + plan["agreed"] if about and about != [node] else began
        time.sleep(max(0, began + moment - time.monotonic(), known - time.monotonic()))
        begun = time.monotonic()
        word, _, element = request.partition(" ")
        with report.operation(word, node, *([element] if element else [])) as call:
            answer = client.ask(node, request)
            kind, value = meaning(word, answer)
            if kind == "done":
                call.ok(value)
        if word != "LIST":
            changed = time.monotonic()
        said = {"node": node, "word": word, "element": element, "kind": kind, "value": value, "about": about}
        report.note("answer", {**said, "seconds": time.monotonic() - begun})


def meaning(word, answer):
    """What kind of answer this is, "done", "error" or "nothing" where none came; and what it says."""
    if answer is None:
        return "nothing", None
    if word != "LIST":
        return ("done", None) if answer == "OK" else ("error", answer[:NOTED_MAX])
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and all(isinstance(element, str) for element in value):
        return "done", value
    return "error", answer[:NOTED_MAX]


class Client:
    def __init__(self, addresses, attempt, patience):
        self._addresses = addresses
        self._attempt = attempt
        self._patience = patience
        # By node, the connection and what has come on it.
        self._connections = {}

    def ask(self, node, request):
        """The answer, or None."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            try:
                return self._once(node, request)
            except (OSError, EOFError):
                # What came later on this connection would be taken for the answer to another request.
                if node in self._connections:
                    self._connections.pop(node).close()
                time.sleep(BETWEEN)
        return None

    def _once(self, node, request):
        if node not in self._connections:
            host, _, port = self._addresses[node].rpartition(":")
            self._connections[node] = socket.create_connection((host, int(port)), self._attempt)
        connection = self._connections[node]
        connection.sendall(request.encode() + b"\n")
        line, until = b"", time.monotonic() + self._attempt
        while not line.endswith(b"\n"):
            connection.settimeout(max(0.001, until - time.monotonic()))
            piece = connection.recv(1 << 16)
            if not piece or len(line) > ANSWER_MAX:
                raise EOFError
            line += piece
        return line[:-1].decode("utf-8", "replace")


main(*sys.argv[1:])
