"""A kernel whose processes are generators."""


class TaskFailed(Exception):
    """Raised by Join."""


class Self:
    pass


class Spawn:
    def __init__(self, gen):
        self.gen = gen


class Join:
    def __init__(self, tid):
        self.tid = tid


class Kill:
    def __init__(self, tid):
        self.tid = tid


class Sleep:
    def __init__(self, ticks):
        self.ticks = ticks


class Send:
    def __init__(self, tid, msg):
        self.tid = tid
        self.msg = msg


class Receive:
    pass


class Kernel:
    def __init__(self):
        self.stuck = []

    def spawn(self, gen):
        raise NotImplementedError

    def run(self):
        raise NotImplementedError
