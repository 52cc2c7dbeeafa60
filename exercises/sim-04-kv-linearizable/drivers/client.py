"""Puts and gets, at one replica after another, and reports of each how it went.

Arguments: the replicas' addresses, and what to do, as JSON: {"patience": seconds, "spread": seconds by which a call may be later than
planned, "calls": [[seconds after the start, replica, operation, key, value], ...]}.
"""

import json
import random
import socket
import sys
import time

import report


def main(*words):
    *replicas, plan = words
    plan = json.loads(plan)
    client = Client(replicas, plan["patience"])
    start = time.monotonic()
    for planned, replica, operation, key, *value in plan["calls"]:
        time.sleep(max(0, start + planned + random.uniform(0, plan["spread"]) - time.monotonic()))
        begun = time.monotonic()
        with report.operation(operation, key, *value) as call:
            answer = client.ask(replica, {operation: key, **({"value": value[0]} if value else {})})
            kind = settle(call, operation, answer)
        said = {"operation": operation, "replica": replica, "kind": kind, "text": json.dumps(answer)[:200]}
        report.note("answer", {**said, "seconds": time.monotonic() - begun})


def settle(call, operation, answer):
    """Reports what became of the call: done, error, or nothing where no answer came."""
    if operation == "put" and answer.get("ok") is True:
        call.ok(None)
        return "done"
    if operation == "get" and "value" in answer:
        call.ok(answer["value"])
        return "done"
    if operation == "get":
        # It read nothing, so it says nothing about what is there.
        call.fail()
    # Of a put without an ok nobody knows.
    return "error" if "error" in answer else "nothing"


class Client:
    def __init__(self, replicas, patience):
        # (host, port) by name.
        self._replicas = {host: (host, int(port)) for host, port in (address.split(":") for address in replicas)}
        self._patience = patience
        self._connections = {}

    def ask(self, replica, request):
        """The answer; {} where none came."""
        try:
            if replica not in self._connections:
                self._connections[replica] = socket.create_connection(self._replicas[replica], self._patience)
            connection = self._connections[replica]
            connection.settimeout(self._patience)
            connection.sendall(json.dumps(request).encode() + b"\n")
            return self._answer(connection)
        except (OSError, EOFError):
            # What came later on this connection would be taken for the answer to another request.
            if replica in self._connections:
                self._connections.pop(replica).close()
            return {}

    def _answer(self, connection):
        line = b""
        while not line.endswith(b"\n"):
            piece = connection.recv(4096)
            if not piece:
                raise EOFError
            line += piece
            if len(line) > 1 << 16:
                raise EOFError
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return {"error": f"not an object: {line[:100]!r}"}
        return answer


main(*sys.argv[1:])
