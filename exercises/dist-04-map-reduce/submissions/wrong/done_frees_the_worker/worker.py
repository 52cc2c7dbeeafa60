"""Map-reduce, a worker: python3 worker.py HOST PORT.

It knows nothing of the job before the first task comes, and nothing of the other workers at all. A result is a file with a name
that no other worker uses; it counts when the coordinator has heard of it.
"""
import importlib
import json
import os
import socket
import sys
import traceback
import zlib
from collections import defaultdict
from contextlib import ExitStack


def partition(key, reducers):
    """The reduce task that gets this key: the same in every process, which hash() is not."""
    return zlib.crc32(key.encode()) % reducers


def run_map(message):
    job = importlib.import_module(message["job"])
    with open(message["input"], encoding="utf-8") as source:
        text = source.read()
    names = [result_name(message, number) for number in range(message["reducers"])]
    with ExitStack() as stack:
        files = [stack.enter_context(open(name, "w", encoding="utf-8")) for name in names]
        for key, value in job.map(os.path.basename(message["input"]), text):
            print(json.dumps([key, value]), file=files[partition(key, len(files))])
    return names


def run_reduce(message):
    job = importlib.import_module(message["job"])
    values = defaultdict(list)
    for name in message["files"]:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                key, value = json.loads(line)
                values[key].append(value)
    name = result_name(message, 0)
    with open(name, "w", encoding="utf-8") as file:
        for key in sorted(values):
            print(key, job.reduce(key, values[key]), sep="\t", file=file)
    return [name]


def result_name(message, number):
    return os.path.join(message["out"], f"{message['op']}-{message['task']}-{number}-by-{os.getpid()}")


def send(conn, **message):
    conn.sendall(json.dumps(message).encode() + b"\n")


def work(conn):
    """Does what the coordinator says, until it says bye."""
    run = {"map": run_map, "reduce": run_reduce}
    with conn.makefile("rb") as lines:
        send(conn, op="ready")
        for line in lines:
            message = json.loads(line)
            if message["op"] == "bye":
                return
            try:
                files = run[message["op"]](message)
            except Exception as error:  # the job's code may raise anything; the coordinator decides what follows
                traceback.print_exc()
                send(conn, op="failed", task=message["task"], error=repr(error)[:200])
            else:
                send(conn, op="done", task=message["task"], files=files)
            send(conn, op="ready")
    raise ConnectionError("the coordinator has gone without a bye")


def main():
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as conn:
            work(conn)
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
