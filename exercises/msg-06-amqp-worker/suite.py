"""A worker on an AMQP queue and a publisher for it, between a broker that tells all that was said (`exam.amqp()`).

Handlers are modules of the suite, beside the student's program, that write down what they were given or go into a gate: while one
is in the gate, whatever the worker did before it called the handler is in the broker's ledger already. So "the message is not
acknowledged yet" is a fact and no guess.

Waits end when the messages are settled, however they were: a worker that treats a message wrongly is told so, and is not waited for.
"""

from signal import SIGTERM

WRITES_DOWN = """\
def {name}(body):
    with open("done.txt", "a") as done:
        done.write(body.hex() + "\\n")
"""
WAITS = """\
import gate


def {name}(body):
    gate.enter(body.hex())
"""
RAISES = """\
class Unwilling(Exception):
    pass


def {name}(body):
    with open("done.txt", "a") as done:
        done.write(body.hex() + "\\n")
    if body.startswith({bad!r}):
        raise Unwilling(body)
"""
ANSWERS = """\
def {name}(body):
    if body.startswith({mute!r}):
        return None
    return body[::-1] + {salt!r}
"""
# The most that a handler may be given the poisonous message before the case has seen enough.
ENOUGH = 3


def works_and_acks(exam):
    broker, queue = exam.amqp(), name(exam, "jobs")
    bodies = [bytes(exam.random.randrange(256) for _ in range(length)) for length in (1, 20, 300)] + [b"\xff\xfe\n", b""]
    exam.random.shuffle(bodies)
    start_worker(exam, broker, queue, WRITES_DOWN)
    consuming(broker, queue)
    put(broker, queue, *bodies)
    settled(broker, queue)
    # Once this one is settled the handlers of the others have returned, even if they were acknowledged too early.
    put(broker, queue, token(exam))
    settled(broker, queue)
    got = written(exam)[: len(bodies)]
    exam.equal(got, bodies, f"{len(bodies)} messages were sent: the handler must be given each body once, in order")
    acked(exam, broker, bodies)


def ack_after(exam):
    broker, queue, gate = exam.amqp(), name(exam, "jobs"), exam.gate()
    body = token(exam)
    worker = start_worker(exam, broker, queue, WAITS, gate=gate)
    consuming(broker, queue)
    put(broker, queue, body)
    with exam.during("a message is there"):
        gate.inside()
    unacked = broker.queue(queue).unacked
    assert unacked == 1, "while the handler was still at work, its message was no longer unacknowledged: a crash would lose it"
    broker.cut()
    worker.kill()
    start_worker(exam, broker, queue, WAITS, gate=gate)
    with exam.during("the connection was cut while the handler was at work, and another worker was started"):
        exam.equal(gate.inside(), [body.hex()], "the message must come again")
        gate.let_go()
        settled(broker, queue)
        acked(exam, broker, [body])


def prefetch(exam):
    broker, queue, gate = exam.amqp(), name(exam, "jobs"), exam.gate()
    many = exam.random.randrange(3, 6)
    for options, want in ((), 1), (("--prefetch", many), many):
        words = " ".join(map(str, options)) or "no --prefetch"
        worker = start_worker(exam, broker, queue, WAITS, *options, gate=gate)
        consuming(broker, queue)
        with exam.during(f"with {words}"):
            put(broker, queue, *(token(exam) for _ in range(2 * many)))
            gate.inside()
            held = f"messages that the worker holds unacknowledged, of {2 * many}, while its handler is busy"
            exam.equal(broker.queue(queue).unacked, want, held)
        worker.kill()
        while broker.get(queue):
            pass


def poison(exam):
    broker, queue = exam.amqp(), name(exam, "jobs")
    bad = b"bad" + token(exam)
    good = [b"good" + token(exam) for _ in range(3)]
    worker = start_worker(exam, broker, queue, RAISES, bad=bad)
    consuming(broker, queue)
    put(broker, queue, good[0], bad, good[1])
    given = lambda: [entry for entry in broker.said("basic.deliver", queue=queue) if entry.body == bad]
    broker.until(
        "the handler raised an exception, and the worker has not got on with the queue's messages",
        lambda: empty(broker, queue) or len(given()) >= ENOUGH,
    )
    with exam.during("the handler raises for one message, always"):
        times = len(given())
        assert times < ENOUGH, "the message was put back again and again: the second failure must send it to the dead letters"
        assert times == 2, f"it was delivered {times} time(s), but must be delivered twice: after its first failure it goes back"
        dead = broker.get(queue + ".dead")
        assert dead is not None, f"after its second failure the message must be in {queue}.dead, but nothing is there"
        exam.equal(dead.body, bad, f"the dead letter in {queue}.dead")
        assert broker.get(queue + ".dead") is None, f"only one message failed, but {queue}.dead holds more"
    put(broker, queue, good[2])
    settled(broker, queue)
    handled = [body for body in written(exam) if body != bad]
    exam.equal(handled, good, "the messages that the handler does not refuse must be handled once each")
    acked(exam, broker, good)
    assert worker.alive(), "the worker has ended because a handler failed"


def rpc(exam):
    broker, queue = exam.amqp(), name(exam, "calls")
    salt, mute = token(exam), b"mute" + token(exam)
    homes = [name(exam, "answers") for _ in range(2)]
    for home in homes:
        broker.declare(home)
    start_worker(exam, broker, queue, ANSWERS, salt=salt, mute=mute)
    consuming(broker, queue)
    requests = [(token(exam), home, name(exam, "call")) for home in homes + homes]
    requests += [(mute + token(exam), homes[0], name(exam, "call")), (token(exam), homes[1], None)]
    for body, home, call in requests:
        put(broker, queue, body, reply_to=home, **({"correlation_id": call} if call else {}))
    lonely = token(exam)
    put(broker, queue, lonely)
    put(broker, queue, token(exam), reply_to=name(exam, "gone"), correlation_id="1")
    settled(broker, queue)
    for home in homes:
        want = [(b"" if body.startswith(mute) else body[::-1] + salt, call) for body, to, call in requests if to == home]
        got = [(answer.body, answer.properties.correlation_id) for answer in iter(lambda: broker.get(home), None)]
        exam.equal(got, want, "the answers, each with the correlation_id of its request")
    answered_before_acked(broker, [body for body, _, _ in requests if body])
    late = token(exam)
    put(broker, queue, late)
    settled(broker, queue)
    acked(exam, broker, [lonely, late])


def durable(exam):
    broker, queue = exam.amqp(), name(exam, "jobs")
    worker = start_worker(exam, broker, queue, WRITES_DOWN)
    consuming(broker, queue)
    worker.kill()
    dead = broker.queue(queue + ".dead")
    assert broker.queue(queue).durable, f"queue {queue} must be durable"
    assert dead is not None, f"there is no queue {queue}.dead once the worker consumes from {queue}"
    assert dead.durable, f"queue {queue}.dead must be durable"
    lines = [b"\xff" + exam.random.randbytes(9).replace(b"\n", b"?") for _ in range(2)] + [b" "]
    exam.equal(publish(exam, broker, queue, lines).code, 0, "the publisher's exit code when the broker takes every line")
    exam.equal([entry.body for entry in broker.said("basic.publish")], lines, "the bodies of the messages published")
    modes = [entry.properties.delivery_mode for entry in broker.said("basic.publish")]
    exam.equal(modes, [2] * len(lines), "the delivery mode of each message published (2 is persistent)")
    broker.restart()
    kept = broker.queue(queue) and [message.body for message in iter(lambda: broker.get(queue), None)]
    exam.equal(kept, lines, "the lines in the queue after the broker was restarted")


def confirm(exam):
    broker, queue = exam.amqp(), name(exam, "jobs")
    broker.declare(queue, x_dead_letter_exchange="", x_dead_letter_routing_key=queue + ".dead")
    lines = [token(exam) for _ in range(3)]
    broker.refuse_publishes(after=1, count=1)
    with exam.during("the broker refuses (basic.nack) the second of three lines"):
        exam.equal(publish(exam, broker, queue, lines).code, 1, "the publisher's exit code")
        tried = [entry.body for entry in broker.said("basic.publish")]
        exam.equal(tried, lines, "the lines that were published, or tried")
    broker.hold_confirms()
    with exam.during("the broker takes its time and then refuses the only line"):
        publisher = start_publisher(exam, broker, queue, lines[:1])
        broker.wait("the publisher has not published its line", "basic.publish", number=len(lines) + 1, by="client")
        broker.release_confirms(taken=False)
        exam.equal(publisher.wait().code, 1, "the publisher's exit code")


def unroutable(exam):
    broker, queue = exam.amqp(), name(exam, "nowhere")
    with exam.during("two lines are published for a queue that is not there"):
        exam.equal(publish(exam, broker, queue, [b"one", b"two"]).code, 1, "the publisher's exit code")
    assert broker.queue(queue) is None, "the publisher has declared the queue: whoever consumes from it must do that"


def reconnect(exam):
    broker, queue, gate = exam.amqp(), name(exam, "jobs"), exam.gate()
    first, second, third = (token(exam) for _ in range(3))
    start_worker(exam, broker, queue, WAITS, gate=gate)
    consuming(broker, queue)
    with exam.during("before the broker is restarted"):
        work(broker, queue, gate, first)
    broker.turn_away()
    broker.restart()
    with exam.during("the broker was restarted and turns clients away at first"):
        broker.wait("the worker has not tried to connect at least twice", "turned-away", number=2)
    broker.turn_away(False)
    with exam.during("the broker was restarted"):
        consuming(broker, queue)
        work(broker, queue, gate, second)
    put(broker, queue, third)
    gate.inside()
    broker.cut()
    gate.let_go()
    with exam.during("the connection was cut while a handler was at work, and the handler has returned"):
        consuming(broker, queue)
        assert not empty(broker, queue), "the message, which could not be acknowledged, must come again, but it is gone"
        exam.equal(gate.inside(), [third.hex()], "the message, which could not be acknowledged, comes again")
        gate.let_go()
        settled(broker, queue)
    acked(exam, broker, [first, second, third])


def sigterm(exam):
    broker, queue, gate = exam.amqp(), name(exam, "jobs"), exam.gate()
    worker = start_worker(exam, broker, queue, WAITS, gate=gate)
    consuming(broker, queue)
    with exam.during("an idle worker is sent SIGTERM"):
        ends_in_order(exam, broker, worker)
    worker = start_worker(exam, broker, queue, WAITS, "--prefetch", 2, gate=gate)
    consuming(broker, queue)
    begun, waiting = token(exam), token(exam)
    put(broker, queue, begun, waiting)
    gate.inside()
    worker.signal(SIGTERM)
    gate.open()
    with exam.during("a worker with one message in hand and another fetched ahead is sent SIGTERM, and the handler returns"):
        ends_in_order(exam, broker, worker, signal=False)
        exam.equal(gate.entered, [begun.hex()], "the messages whose handlers were called")
        acked(exam, broker, [begun])
        left = [message.body for message in iter(lambda: broker.get(queue), None)]
        exam.equal(left, [waiting], "what is left in the queue")


def name(exam, kind):
    """A name that nobody can know beforehand."""
    return f"{kind}-{exam.random.randrange(10**6)}"


def token(exam):
    """A body that nobody can know beforehand, and that is text: whoever decodes bodies is found by one case."""
    return exam.random.randbytes(8).hex().encode()


def start_worker(exam, broker, queue, handler, *options, gate=None, **values):
    """A worker whose handler is that code, under names that are new each time."""
    module, function = f"tasks_{exam.random.randrange(10**6)}", f"do_{exam.random.randrange(10**6)}"
    exam.write_file(module + ".py", handler.format(name=function, **values))
    if gate:
        exam.write_file("gate.py", gate.code)
    return exam.start("worker", "--url", broker.url, "--queue", queue, "--handler", f"{module}:{function}", *options)


def consuming(broker, queue):
    """The worker consumes from the queue, and acknowledges what it gets."""
    broker.until(f"the worker has not begun to consume from the queue {queue}", lambda: (facts := broker.queue(queue)) and facts.consumers)
    consume = broker.said("basic.consume", queue=queue)[-1]
    assert not consume.no_ack, "the worker consumes with auto_ack: then a message counts as done as soon as it is sent to the worker"


def put(broker, queue, *bodies, **properties):
    for body in bodies:
        broker.publish(queue, body, **properties)


def empty(broker, queue):
    facts = broker.queue(queue)
    return facts is not None and facts.ready == facts.unacked == 0


def settled(broker, queue):
    broker.until(f"the worker has not settled all messages of the queue {queue}", lambda: empty(broker, queue))


def acked(exam, broker, bodies):
    """Each of the messages was acknowledged by `basic.ack` in the end."""
    numbers = {entry.message: entry.body for entry in broker.said("basic.deliver")}
    done = [numbers.get(number) for entry in broker.said("basic.ack", by="client") for number in entry.messages]
    missing = [body for body in bodies if body not in done]
    words = f"{len(missing)} of {len(bodies)} messages, whose handlers returned, were settled in another way than by basic.ack"
    assert not missing, words


def answered_before_acked(broker, bodies):
    """A worker may answer over a connection of its own: then nobody can tell what came first."""
    numbers, answered = {}, 0
    if len({entry.connection for entry in broker.ledger if entry.method in ("basic.publish", "basic.consume")}) > 1:
        return
    for entry in broker.ledger:
        if entry.method == "basic.deliver" and entry.body in bodies:
            numbers[entry.message] = entry.body
        elif entry.method == "basic.publish":
            answered += 1
        elif entry.method == "basic.ack" and entry.by == "client":
            for number in entry.messages:
                if numbers.pop(number, None) is not None:
                    assert answered > 0, "a request was acknowledged before its answer was sent: a crash in between would lose the answer"
                    answered -= 1


def work(broker, queue, gate, body):
    """The handler is given a message, and returns."""
    put(broker, queue, body)
    gate.inside()
    gate.let_go()
    settled(broker, queue)


def written(exam):
    """The bodies that handlers have written down."""
    lines = (exam.read_file("done.txt") or b"").decode("ascii", "replace").splitlines()
    try:
        return [bytes.fromhex(line) for line in lines]
    except ValueError:
        return lines


def ends_in_order(exam, broker, worker, signal=True):
    before = len(broker.ledger)
    ended = worker.stop() if signal else worker.wait()
    exam.equal(ended.code, 0, f"the worker must end with exit code 0, and this was {ended}")
    assert not broker.said("lost", since=before), "the worker ended without closing its connection (connection.close)"


def start_publisher(exam, broker, queue, lines):
    publisher = exam.start("publisher", "--url", broker.url, "--queue", queue, stdin=True)
    publisher.stdin.write(b"".join(line + b"\n" for line in lines))
    publisher.stdin.close()
    return publisher


def publish(exam, broker, queue, lines):
    return start_publisher(exam, broker, queue, lines).wait()
