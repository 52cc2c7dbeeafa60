"""An AMQP 0-9-1 broker of the case's own, with powers that no real broker has (see grader/src/applets/amqp).

A case puts messages into queues, lets the program come, and waits for what it does: every method that is said on any
connection is an entry of the ledger. Before the broker answers anything it takes in what clients have sent by then, so an
entry is there as soon as anything is that the program did later, such as entering a gate.
"""

import select

from . import applets


class Entry:
    """One method in the ledger: who said it (`by`: client, broker or link), `connection`, `channel`, `method`, and the
    method's own fields; a field that it does not have is None."""

    def __init__(self, words, body):
        self._words = words
        self.body = body
        self.properties = Properties(words.get("properties") or {})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._words.get(name)

    def fits(self, method, fields):
        return self.method == method and all(self._words.get(name) == value for name, value in fields.items())

    def __repr__(self):
        return f"<{self.by} {self.method} {self._words}>"


class Properties:
    """A message's properties; one that is not set is None."""

    def __init__(self, words):
        self._words = words

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._words.get(name)


class Message:
    """What was fetched out of a queue."""

    def __init__(self, words, body):
        self.body = body
        self.properties = Properties(words["properties"])
        self.redelivered = words["redelivered"]
        self.exchange = words["exchange"]
        self.routing_key = words["routing_key"]


class Queue:
    """Facts of a queue at the moment of asking."""

    def __init__(self, words):
        self.ready = words["ready"]
        self.unacked = words["unacked"]
        # Most that were unacknowledged at a time.
        self.unacked_peak = words["unacked_peak"]
        self.consumers = words["consumers"]
        self.durable = words["durable"]
        self.exclusive = words["exclusive"]
        self.auto_delete = words["auto_delete"]
        self.arguments = words["arguments"]


class Broker:
    """`link` may be missing where nothing is waited for."""

    def __init__(self, link, port):
        self._link = link
        self._channel = applets.start("amqp")
        self._asked = 0
        self._ledger = []
        self.port = self._arranged("listen", port=port)
        if link:
            link.wire.label(("127.0.0.1", self.port), "broker")
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    # Queues and messages

    def declare(self, queue, durable=True, **arguments):
        """A queue that is there before any program; keywords are its arguments, _ for each hyphen after the x."""
        arguments = {"x-" + name.removeprefix("x_").replace("_", "-"): value for name, value in arguments.items()}
        self._ask("declare", queue=queue, durable=durable, arguments=arguments)

    def publish(self, queue, body, exchange="", **properties):
        """A message for a queue, persistent unless said otherwise; returns how many queues it reached."""
        properties = {"delivery_mode": 2, **properties}
        answer, _ = self._ask("publish", body, exchange=exchange, routing_key=queue, properties=properties)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["reached"]

    def get(self, queue):
        """Takes the first message that is ready, or None."""
        answer, body = self._ask("get", queue=queue)
        return answer["message"] and Message(answer["message"], body)

    def queue(self, name):
        """The facts of a queue, or None where there is none."""
        answer, _ = self._ask("queue", queue=name)
        return answer["queue"] and Queue(answer["queue"])

    # What was said

    @property
    def ledger(self):
        """All entries so far."""
        while True:
            answer, bodies = self._ask("events", **{"from": len(self._ledger)})
            for words in answer["events"]:
                size = words.pop("body_bytes", None)
                body, bodies = (None, bodies) if size is None else (bodies[:size], bodies[size:])
                self._ledger.append(Entry(words, body))
            if not answer["events"]:
                return self._ledger

    def said(self, method, since=0, **fields):
        """Entries of that method whose fields have these values; `since` leaves out the ones before that number."""
        return [entry for entry in self.ledger[since:] if entry.fits(method, fields)]

    def wait(self, doing, method, number=1, since=0, **fields):
        """Waits for `number` such entries and returns them. `doing` says what has not happened as long as they are not there."""
        self.until(doing, lambda: len(self.said(method, since, **fields)) >= number)
        return self.said(method, since, **fields)

    def until(self, doing, condition):
        """Waits until `condition()` holds; it is asked again whenever something was said."""
        while True:
            seen = len(self.ledger)
            if condition():
                return
            awaited = self._begin("news", **{"from": seen})
            while self._receive_if_ready(doing) != awaited:
                pass

    # Powers

    def cut(self, connection=None):
        """Cuts one connection or all of them without a word; what was unacknowledged there goes back to its queue."""
        answer, _ = self._ask("cut", connection=connection)
        return answer["cut"]

    def stop(self):
        """Goes down as RabbitMQ does when it is stopped: tells every client, closes its port, keeps what is durable."""
        self._arranged("down")

    def start(self):
        """Is there again."""
        self._arranged("listen", port=self.port)

    def restart(self):
        self.stop()
        self.start()

    def turn_away(self, on=True):
        """From now on closes every new connection at once (entries `turned-away`), until that is called off."""
        self._arranged("turn-away", on=on)

    def refuse_publishes(self, after=0, count=1):
        """Refuses (basic.nack) the next `count` publishes, but takes `after` of them before."""
        self._ask("refuse", after=after, count=count)

    def hold_confirms(self):
        """Takes publishes and confirms none of them from now on."""
        self._ask("hold")

    def release_confirms(self, taken=True):
        """Gives the confirms that were held, as acks or as nacks, and holds no more; returns how many they were."""
        answer, _ = self._ask("release", taken=taken)
        return answer["released"]

    # The channel

    def _arranged(self, what, **arguments):
        answer, _ = self._ask(what, **arguments)
        if "error" in answer:
            raise RuntimeError(f"the broker cannot {what}: {answer['error']}")
        return answer["port"]

    def _begin(self, what, tail=b"", **arguments):
        self._asked += 1
        self._channel.send({"id": self._asked, "ask": what, **arguments}, tail)
        return self._asked

    def _ask(self, what, tail=b"", **arguments):
        number = self._begin(what, tail, **arguments)
        while True:
            frame = self._channel.receive()
            if frame is None:
                raise RuntimeError("the broker is gone")
            # Others are news that a failed wait has left behind.
            if frame[0]["id"] == number:
                return frame[0], frame[1]

    def _receive_if_ready(self, doing):
        """Waits for an answer as one waits for a program; returns its number, or None where it is not complete."""
        frame = self._channel.take()
        if frame is None:
            self._link.wait(self._channel, select.POLLIN, doing)
            if not self._channel.feed():
                raise RuntimeError("the broker is gone")
            frame = self._channel.take()
        return frame and frame[0]["id"]
