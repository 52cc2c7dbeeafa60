"""Uses the files of the last done of a map task, not those of the first."""
import argparse
import asyncio
import json
import os
import sys
from collections import Counter, deque

FAILURES_MAX = 3


class Coordinator:
    def __init__(self, arguments):
        self.job, self.out, self.reducers = arguments.job, arguments.out, arguments.reducers
        self.inputs = [os.path.join(arguments.inputs, name) for name in sorted(os.listdir(arguments.inputs))]
        self.tasks = deque(self.map_tasks())  # nobody has them
        self.unfinished = len(self.tasks)  # tasks of this phase that are not done
        self.workers = set()
        self.idle = deque()  # workers that are ready and have no task
        self.held = {}  # the task that a worker has
        self.files = {}  # what each map task that is done has made
        self.failures = Counter()
        self.exit_code = asyncio.get_running_loop().create_future()
        if not self.inputs:
            self.begin_reducing()

    def map_tasks(self):
        for number, path in enumerate(self.inputs):
            yield {"op": "map", "task": number, "job": self.job, "input": path, "reducers": self.reducers, "out": self.out}

    def begin_reducing(self):
        first = len(self.inputs)
        for part in range(self.reducers):
            files = [names[part] for names in self.files.values()]
            self.tasks.append({"op": "reduce", "task": first + part, "job": self.job, "files": files, "out": self.out})
        self.unfinished = self.reducers

    async def serve(self, reader, worker):
        self.workers.add(worker)
        try:
            # Half a line is what is left of a worker that died while it was sending.
            while (line := await reader.readline()).endswith(b"\n"):
                self.hear(worker, json.loads(line))
                self.deal()
        except ConnectionError:
            pass
        finally:
            self.lose(worker)
            self.deal()
            worker.close()

    def hear(self, worker, message):
        task = self.held.get(worker)
        if message["op"] == "ready":
            self.idle.append(worker)
        elif task is not None and message["task"] == task["task"]:
            del self.held[worker]
            if message["op"] == "done":
                self.finish(task, message["files"])
            else:
                self.try_again(task, message.get("error"))
        elif message["task"] in self.files:
            self.files[message["task"]] = message["files"]

    def finish(self, task, files):
        if task["op"] == "map":
            self.files[task["task"]] = files
        else:
            part = task["task"] - len(self.inputs)
            os.replace(files[0], os.path.join(self.out, f"part-{part:05}"))
        self.unfinished -= 1
        if not self.unfinished:
            if task["op"] == "map":
                self.begin_reducing()
            else:
                self.end(0)

    def try_again(self, task, error):
        self.failures[task["task"]] += 1
        if self.failures[task["task"]] < FAILURES_MAX:
            self.tasks.append(task)
        else:
            print(f"{task['op']} task {task['task']} failed {FAILURES_MAX} times, at last with {error}", file=sys.stderr)
            self.end(2)

    def lose(self, worker):
        self.workers.discard(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        if task := self.held.pop(worker, None):
            self.tasks.append(task)

    def deal(self):
        while self.idle and self.tasks and not self.exit_code.done():
            worker, task = self.idle.popleft(), self.tasks.popleft()
            self.held[worker] = task
            send(worker, task)

    def end(self, code):
        for worker in self.workers:
            send(worker, {"op": "bye"})
        if not self.exit_code.done():
            self.exit_code.set_result(code)

    async def say_bye(self):
        """Returns when all that was sent has left."""
        workers = list(self.workers)
        for worker in workers:
            worker.close()
        await asyncio.gather(*(worker.wait_closed() for worker in workers), return_exceptions=True)


def send(worker, message):
    worker.write(json.dumps(message).encode() + b"\n")


async def run(arguments):
    os.makedirs(arguments.out, exist_ok=True)
    coordinator = Coordinator(arguments)
    async with await asyncio.start_server(coordinator.serve, arguments.host, arguments.port):
        code = await coordinator.exit_code
        await coordinator.say_bye()
    return code


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--job", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--reducers", type=int, required=True)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
