"""A kernel whose processes are generators."""
from collections import deque
from dataclasses import dataclass
from types import GeneratorType
from typing import Any


class TaskFailed(Exception):
    """Raised by Join: the task ended by an exception, which is the cause, or was killed."""

    def __init__(self, tid, cause):
        super().__init__(f"task {tid} failed")
        self.tid = tid
        self.__cause__ = cause


@dataclass
class Self:
    pass


@dataclass
class Spawn:
    gen: GeneratorType


@dataclass
class Join:
    tid: int


@dataclass
class Kill:
    tid: int


@dataclass
class Sleep:
    ticks: int


@dataclass
class Send:
    tid: int
    msg: Any


@dataclass
class Receive:
    pass


class Task:
    def __init__(self, tid, gen):
        self.tid = tid
        self._frames = [gen]            # generators, each called by the one before
        self._next = "send", None       # the method that resumes the last of them, and its argument
        self.mailbox = deque()
        self.receives = False           # waits in Receive
        self.joiners = []
        self.ended = False
        self.failed = False
        self.result = None              # what it returned, or what it failed by

    def give(self, value):
        self._next = "send", value

    def blame(self, error):
        self._next = "throw", error

    def resume(self):
        """Goes on to the next request and returns it. At the end StopIteration, or what the task has raised."""
        method, argument = self._next
        while True:
            try:
                asked = getattr(self._frames[-1], method)(argument)
            except Exception as end:
                self._frames.pop()
                if not self._frames:
                    raise
                method, argument = ("send", end.value) if isinstance(end, StopIteration) else ("throw", end)
            else:
                if not isinstance(asked, GeneratorType):
                    return asked
                self._frames.append(asked)
                method, argument = "send", None

    def close(self):
        while self._frames:
            try:
                self._frames.pop().close()
            except Exception:
                pass                    # a task that is killed has no say any more

    def tell(self, joiner):
        if self.failed:
            joiner.blame(TaskFailed(self.tid, self.result))
        else:
            joiner.give(self.result)


class Kernel:
    def __init__(self):
        self.stuck = []
        self._tasks = {}
        self._ready = deque()
        self._sleepers = {}             # the turn at whose end they wake: tasks in the order of their going to sleep
        self._turn = 0

    def spawn(self, gen):
        tid = len(self._tasks) + 1
        self._tasks[tid] = Task(tid, gen)
        self._make_ready(self._tasks[tid])
        return tid

    def run(self):
        while self._ready or self._sleepers:
            if self._ready:
                self._turn += 1
                self._give_turn(self._ready.popleft())
            else:
                self._turn = min(self._sleepers)
            for task in self._sleepers.pop(self._turn, []):
                self._make_ready(task)
        self.stuck = [tid for tid, task in self._tasks.items() if not task.ended]

    def _make_ready(self, task):
        if not task.ended:
            self._ready.append(task)

    def _give_turn(self, task):
        try:
            request = task.resume()
        except StopIteration as end:
            self._end(task, result=end.value)
        except Exception as error:
            self._end(task, failed=True, result=error)
        else:
            if self._perform(request, task):
                self._make_ready(task)

    def _perform(self, request, task):
        """Answers the task, or lets it wait; returns whether it is ready again."""
        match request:
            case None | Sleep(0):
                task.give(None)
            case Self():
                task.give(task.tid)
            case Spawn(gen):
                task.give(self.spawn(gen))
            case Sleep(ticks):
                task.give(None)
                self._sleepers.setdefault(self._turn + ticks, []).append(task)
                return False
            case Receive() if task.mailbox:
                task.give(task.mailbox.popleft())
            case Receive():
                task.receives = True
                return False
            case Join(tid) | Kill(tid) | Send(tid, _) if tid not in self._tasks:
                task.blame(LookupError(f"there is no task {tid}"))
            case Join(tid):
                return self._join(self._tasks[tid], task)
            case Kill(tid):
                task.give(self._kill(self._tasks[tid]))
            case Send(tid, msg):
                task.give(self._deliver(self._tasks[tid], msg))
            case _:
                task.blame(TypeError(f"no request: a {type(request).__name__}"))
        return True

    def _join(self, target, joiner):
        if target.ended:
            target.tell(joiner)
        else:
            target.joiners.append(joiner)
        return target.ended

    def _deliver(self, target, msg):
        if target.ended:
            return False
        if target.receives:
            target.receives = False
            target.give(msg)
            self._make_ready(target)
        else:
            target.mailbox.append(msg)
        return True

    def _kill(self, target):
        if target.ended:
            return False
        target.close()
        if target in self._ready:
            self._ready.remove(target)
        self._end(target, failed=True)
        return True

    def _end(self, task, failed=False, result=None):
        task.ended, task.failed, task.result = True, failed, result
        for joiner in task.joiners[-1:]:
            task.tell(joiner)
            self._make_ready(joiner)
