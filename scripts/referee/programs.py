"""The reference and the wrong programs of msg-06-amqp-worker, each at work with one broker, and what comes of it."""

import os
import signal
import subprocess
import time

import pika

from relay import Relay

PYTHON = "/usr/bin/python3"
# Nobody says anything and the program does nothing for so long: then nothing will happen.
CALM_SECONDS = 0.7
PATIENCE_SECONDS = 20
# A program that goes round in circles has shown enough.
WORDS_MAX = 150
HANDLER = """\
import time


def work(body):
    with open("done.txt", "a") as done:
        done.write(repr(body) + "\\n")
    if body.startswith(b"bad"):
        raise LookupError(body)
    if body.startswith(b"block"):
        time.sleep(600)
    return None if body.startswith(b"mute") else body.upper()
"""


class Stage:
    """One program between a folder of its own and one broker."""

    def __init__(self, program, port, queue, folder):
        self.program, self.queue, self.folder = program, queue, folder
        os.makedirs(folder)
        for file in program.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "handlers.py").write_text(HANDLER)
        self.relay = Relay(port)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.relay.port}/%2F"
        self.connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=0))
        self.channel = self.connection.channel()
        self.process = None

    def start(self, file, *options, **streams):
        command = [PYTHON, "-B", "-u", file, "--url", self.url, "--queue", self.queue, *options]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=self.folder, **quiet, **streams)

    def calm(self):
        """Waits until nothing happens any more."""
        deadline, used, since = time.monotonic() + PATIENCE_SECONDS, None, time.monotonic()
        while time.monotonic() < deadline and len(self.relay.sent) < WORDS_MAX:
            now = self.cpu_ticks()
            if now != used:
                used, since = now, time.monotonic()
            if time.monotonic() - max(since, self.relay.moved_at) > CALM_SECONDS:
                return
            time.sleep(0.03)

    def cpu_ticks(self):
        """What the process has used, while it sleeps; something new each time while it runs."""
        try:
            fields = open(f"/proc/{self.process.pid}/stat").read().rpartition(")")[2].split()
        except OSError:
            return None
        return (fields[11], fields[12]) if fields[0] in "SZ" else time.monotonic()

    def put(self, *bodies, **properties):
        for body in bodies:
            self.channel.basic_publish("", self.queue, body, pika.BasicProperties(delivery_mode=2, **properties))

    def all(self, queue):
        """What is in a queue, or None where there is none."""
        got, channel = [], self.connection.channel()
        try:
            while (message := channel.basic_get(queue, auto_ack=True))[0]:
                method, properties, body = message
                got.append([body, method.redelivered, properties.delivery_mode, properties.correlation_id])
            channel.close()
        except pika.exceptions.ChannelClosedByBroker:
            return None
        return got

    def end(self, number):
        """The exit code after that signal; a program that stays is killed."""
        self.process.send_signal(number)
        try:
            return self.process.wait(4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "stayed"

    def close(self, *queues):
        self.relay.close()
        channel = self.connection.channel()
        for queue in (self.queue, self.queue + ".dead", *queues):
            channel.queue_delete(queue)
        self.connection.close()

    def words(self):
        """What was said. In circles it differs by chance how far a program came."""
        if len(self.relay.sent) >= WORDS_MAX:
            return ["for ever", sorted(set(word.split()[0] for word in self.relay.sent))]
        return [self.relay.sent, self.relay.heard]


def at_work(program, port, folder):
    """Messages good and bad, a request, two lost connections, and SIGTERM."""
    stage = Stage(program, port, f"work-{program.name}", folder)
    answers = f"answers-{program.name}"
    stage.channel.queue_declare(answers)
    stage.start("amqp_worker.py", "--handler", "handlers:work")
    stage.calm()
    stage.put(b"good", b"bad", b"\xff\xfe")
    stage.put(b"question", b"mute", reply_to=answers, correlation_id="17")
    stage.calm()
    for body in (b"after a cut", b"after another"):
        stage.relay.cut(turn_away=2)
        stage.calm()
        stage.put(body)
        stage.calm()
    code = stage.end(signal.SIGTERM)
    done = stage.folder / "done.txt"
    seen = {
        "words": stage.words(), "exit code": code, "dead letters": stage.all(stage.queue + ".dead"), "answers": stage.all(answers),
        "left": stage.all(stage.queue), "handled": done.read_text().splitlines()[:20] if done.exists() else None,
    }
    stage.close(answers)
    return seen


def in_hand(program, port, folder):
    """A worker that fetches ahead is killed while its handler is busy."""
    stage = Stage(program, port, f"hand-{program.name}", folder)
    stage.start("amqp_worker.py", "--handler", "handlers:work", "--prefetch", "3")
    stage.calm()
    stage.put(b"block", b"2", b"3", b"4", b"5")
    stage.calm()
    stage.end(signal.SIGKILL)
    stage.calm()
    seen = {"words": stage.words(), "left": stage.all(stage.queue)}
    stage.close()
    return seen


def told_to_end(program, port, folder):
    """A worker is sent SIGTERM while its handler is busy, and the handler takes its time."""
    stage = Stage(program, port, f"end-{program.name}", folder)
    slow = HANDLER.replace("time.sleep(600)", "time.sleep(1.5)")
    (folder / "handlers.py").write_text(slow)
    stage.start("amqp_worker.py", "--handler", "handlers:work", "--prefetch", "2")
    stage.calm()
    stage.put(b"block", b"2")
    while not (folder / "done.txt").exists() and stage.process.poll() is None:
        time.sleep(0.01)
    code = stage.end(signal.SIGTERM)
    stage.calm()
    # Whether a message that pika puts back is delivered once more before the consumer is gone is chance.
    last = [word for word in stage.relay.sent if word.startswith(("Basic.Ack", "Connection.Close"))]
    seen = {"words": last, "exit code": code, "left": [body for body, *_ in stage.all(stage.queue)]}
    stage.close()
    return seen


def publishing(program, port, folder):
    """Lines for a queue, and lines for none."""
    stage = Stage(program, port, f"lines-{program.name}", folder)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": stage.queue + ".dead"}
    stage.channel.queue_declare(stage.queue, durable=True, arguments=arguments)
    seen = {}
    for step in ("for a queue", "for none"):
        stage.start("amqp_publish.py", stdin=subprocess.PIPE)
        stage.process.communicate(b"one\n \xfftwo \n\n")
        seen[step] = [stage.process.returncode, stage.all(stage.queue)]
        stage.channel.queue_delete(stage.queue)
    seen["words"] = stage.words()
    stage.close()
    return seen


FILES = {"amqp_worker.py": [at_work, in_hand, told_to_end], "amqp_publish.py": [publishing]}
