#!/usr/bin/python3
"""Holds the broker that suites use (`exam.amqp()`) to RabbitMQ, the referee.

Conversations with both must be the same, word for word; and so must be what becomes of the reference and of every wrong program
of msg-06-amqp-worker. With RabbitMQ too each wrong program must show itself, but for what only a broker that refuses
publishes on demand can show.

RabbitMQ comes from the distribution and is not installed (rabbitmq.py). Where it cannot be had this says so, loudly, and
nothing is compared; with --must that is a failure.
"""

import json
import logging
import pathlib
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor

sys.path[:0] = ["grader/python/shim", "grader/python/examiner"]

import conversations
import pika
import programs
import rabbitmq
from practicum import amqp, applets

PRACTICUM = "target/debug/practicum"
EXERCISE = pathlib.Path("exercises/msg-06-amqp-worker")
# What no client of RabbitMQ can bring about.
NEEDS_POWERS = {"confirm"}
AT_A_TIME = 10
ATTEMPTS = 3


def main():
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="practicum-referee-") as folder:
        try:
            referee = rabbitmq.RabbitMq(folder)
        except rabbitmq.Unavailable as reason:
            print(f"\n*** NOT COMPARED: our AMQP broker with RabbitMQ, which cannot be had here: {reason} ***\n")
            return int("--must" in sys.argv)
        try:
            applets.PROGRAM = PRACTICUM
            ours = amqp.Broker(None, rabbitmq.free_port())
            differences = compare(referee.port, ours.port, pathlib.Path(folder))
        finally:
            referee.stop()
    print("\n".join(differences) or "no differences")
    return int(bool(differences))


def compare(referee, ours, folder):
    differences = []
    for conversation in conversations.ALL:
        # RabbitMQ's processes tell one another a moment later: what is different by that is not different again.
        for attempt in range(1, ATTEMPTS + 1):
            theirs, mine = (plain(hold(conversation, port, attempt)) for port in (referee, ours))
            if theirs == mine:
                break
        else:
            differences.append(f"{conversation.__name__}:\n  RabbitMQ {theirs}\n  ours     {mine}")
    print(f"{len(conversations.ALL)} conversations held", flush=True)
    acts = [(program, act) for program in submissions() for act in acts_of(program)]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        outcomes = dict(zip(acts, pool.map(lambda it: both(*it, (referee, ours), folder), acts)))
    for (program, act), (theirs, mine) in outcomes.items():
        if theirs != mine:
            differences.append(f"{program.name}, {act.__name__}:\n" + "\n".join(unlike(theirs, mine)))
    print(f"{len(acts)} acts of {len(submissions())} programs compared", flush=True)
    return differences + list(undetected({key: theirs for key, (theirs, _) in outcomes.items()}))


def hold(conversation, port, attempt=1):
    """One conversation with the broker at that port."""
    opened = []

    def connect(password="guest", host="/"):
        login = pika.PlainCredentials("guest", password)
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, host, login, heartbeat=0))
        opened.append(connection)
        return connection

    try:
        return conversation(connect, f"referee{attempt}-{conversation.__name__}")
    finally:
        for connection in opened:
            if connection.is_open:
                connection.close()


def submissions():
    return [EXERCISE / "submissions/reference", *sorted((EXERCISE / "submissions/wrong").iterdir())]


def acts_of(program):
    """Those of its files that are not the reference's."""
    reference = EXERCISE / "submissions/reference"
    changed = lambda file: program == reference or (program / file).read_bytes() != (reference / file).read_bytes()
    return [act for file, acts in programs.FILES.items() if changed(file) for act in acts]


def both(program, act, ports, folder):
    """What RabbitMQ and our broker make of it. A difference counts when it shows each time: these programs live on clocks."""
    for attempt in range(1, ATTEMPTS + 1):
        runs = [folder / f"{program.name}-{act.__name__}-{attempt}-{port}" for port in ports]
        seen = [plain(act(program, port, run)) for port, run in zip(ports, runs)]
        if seen[0] == seen[1]:
            break
    return seen


def plain(seen):
    return json.loads(json.dumps(seen, default=repr))


def unlike(theirs, mine):
    for key in theirs:
        if theirs[key] != mine[key]:
            yield f"  {key}\n    RabbitMQ {theirs[key]}\n    ours     {mine[key]}"


def undetected(seen):
    """Wrong programs of which RabbitMQ sees nothing that the reference would not do."""
    reference = EXERCISE / "submissions/reference"
    fails = {it["name"]: set(it["fails"]) for it in tomllib.loads((EXERCISE / "exercise.toml").read_text())["wrong"]}
    same = lambda program, act: nameless(seen[program, act], program) == nameless(seen[reference, act], reference)
    for program in submissions()[1:]:
        if not fails[program.name] <= NEEDS_POWERS and all(same(program, act) for act in acts_of(program)):
            yield f"{program.name}: with RabbitMQ it does what the reference does"


def nameless(seen, program):
    return json.dumps(seen).replace(program.name, "NAME")


sys.exit(main())
