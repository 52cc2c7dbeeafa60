//! The tracer in the real interpreter: what is a point, when the kernel is called, and what it is told.
//!
//! Each test runs a script in a process of its own, as tracing is a matter of the whole process. The tracer comes as the
//! extension module of `examples/tracer_probe.rs`.

use std::path::PathBuf;
use std::process::Command;

const PYTHON: &str = "/usr/bin/python3";
const PRELUDE: &str = include_str!("tracer/prelude.py");

/// Runs a script, which raises if something is not as it says.
fn check(script: &str) {
    let text = format!("{PRELUDE}\n{script}");
    // With one seed of hashes a dictionary looks at its entries in one order, and asks the programs' `__eq__` as often.
    let mut python = Command::new("timeout");
    python.args(["60", PYTHON, "-c", &text]).arg(module()).env("PYTHONHASHSEED", "0");
    let output = python.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
}

/// `target/<profile>/examples/`, beside the `deps/` where this test is.
fn module() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name("examples").join("libtracer_probe.so")
}

const ACCOUNT: &str = r#"
account = submission('''
class Account:
    def __init__(self):
        self.balance = 0
        self.entries = []
    def deposit(self, amount):
        self.balance += amount
    def note(self, text):
        self.entries.append(text)
    def count(self):
        return len(self.entries)
    def local(self, n):
        total = 0
        for i in range(n):
            total += i * i
        return total
''', granularity).Account()
"#;

/// `granularity` is set for the scripts that watch an account.
fn check_account(granularity: &str, script: &str) {
    check(&format!("granularity = {granularity:?}\n{ACCOUNT}\n{script}"));
}

#[test]
fn what_may_be_shared_is_a_point() {
    check_account(
        "shared",
        r#"
check(points(account.deposit, 5), 2)
check(points(account.note, "a"), 1)
check(points(account.count), 1)
check(points(account.local, 100), 0)
check(points(account.__init__), 1)  # of two attributes one is rebound elsewhere
"#,
    );
}

#[test]
fn the_interpreter_switches_at_starts_and_jumps_back_and_after_calls_of_c() {
    check_account(
        "interpreter",
        r#"
check(points(account.deposit, 5), 1)  # its start: nothing between reading and writing
check(points(account.note, "a"), 2)  # its start, after append
check(points(account.local, 100), 102)  # its start, after range, 100 jumps
names = submission('''
def add(a, b):
    return a + b
def calls_python():
    return add(1, 2)
def unpacks(arguments):
    return max(*arguments)
def loops(n):
    while n > 0:
        n -= 1
def yields():
    yield 1
    yield 2
''', granularity)
check(points(names.calls_python), 2)  # two starts
check(points(names.unpacks, [1, 2]), 2)
check(points(names.loops, 10), 10)  # its start, 9 jumps that are taken
check(points(lambda: list(names.yields())), 3)  # its start, after each yield
"#,
    );
}

#[test]
fn synchronisation_leaves_no_point_in_bytecode() {
    check_account(
        "synchronisation",
        r#"
check([points(account.deposit, 5), points(account.note, "a"), points(account.local, 9), points(account.__init__)], [0] * 4)
check(probe.bump(True), 1)
check(probe.counts(0)[:2], (1, 1))
"#,
    );
}

#[test]
fn functions_of_the_tracers_own_library_make_their_points_themselves() {
    check(
        r#"
names = submission('''
def synchronises(lock):
    lock.bump(True)
    bump = lock.bump
    bump(False)
''')
check(points(names.synchronises, probe), 2)
"#,
    );
}

#[test]
fn what_cannot_change_is_no_point() {
    check(
        r#"
names = submission('''
LIMIT = 5
def fixed(pair, text):
    return pair[0], text[1], "a" in text, LIMIT, text.upper(), len(text), isinstance(text, str)
def calls(n):
    return 0 if n == 0 else sum_of(n, n) + calls(n - 1)
def sum_of(a, b):
    return divmod(a, max(b, 1))[0] * 0
def another(items):
    pass
another = len
def calls_another(items):
    return another(items)
def changing(table, items):
    return table["a"], "b" in table, items.count(1), len(items), list(items)
def rebinds():
    global total
    total = total + 1
def closure():
    count = 0
    def increase():
        nonlocal count
        count += 1
    return increase
''')
check(points(names.fixed, (1, 2), "abc"), 0)
check(points(names.calls, 10), 0)
check(points(names.calls_another, [1]), 1)
check(points(names.changing, {"a": 1}, [1]), 5)
names.total = 1
check(points(names.rebinds), 2)
check(points(names.closure()), 2)
"#,
    );
}

#[test]
fn instructions_with_long_arguments_are_points_like_others() {
    check(
        r#"
many = "".join(f"    self.a{i} = {i}\n" for i in range(300))
names = submission(f"class Many:\n  def fill(self):\n{many}  def last(self):\n    self.a299 += 1\n{many}")
check(points(names.Many().fill), 300)
check(points(lambda many: (setattr(many, "a299", 0), many.last()), names.Many()), 302)
"#,
    );
}

#[test]
fn the_sink_is_called_when_it_is_due_and_not_before() {
    check_account(
        "shared",
        r#"
def work():
    account.deposit(1)  # points 1 and 2 in line 7
    account.note("a")  # point 3 in line 9
check(reached(work), [])
check(reached(work, arm=3), [("Due", 9)])
check(reached(work, arm=2), [("Due", 7), ("Due", 9)])  # nobody armed anew
seen = []
def arm_again(reason, line, place):
    seen.append((reason, line, place, probe.counts(0)[:3]))
    probe.arm(2)
probe.on_reached(arm_again)
traced(work, arm=1)
check(seen, [("Due", 7, "Account.deposit", (1, 1, 0)), ("Due", 9, "Account.note", (3, 3, 0))])
check(reached(work, points_max=2), [("PointsMax", 7), ("PointsMax", 9)])
"#,
    );
}

#[test]
fn what_the_sink_raises_is_raised_there_and_tracing_goes_on() {
    check_account(
        "shared",
        r#"
class Abort(BaseException):
    pass
def abort(reason, line, place):
    raise Abort
probe.on_reached(abort)
def work():
    caught = 0
    for _ in range(3):
        try:
            account.deposit(1)
        except Abort as error:
            check(error.__traceback__.tb_next.tb_lineno, 7)
            caught += 1
    return caught
check(traced(work, arm=1), 3)
check((probe.counts(0)[0], account.balance), (3, 0))
swallows = submission('''
def work(account):
    for i in range(5):
        try:
            account.balance += 1
        except BaseException:
            pass
''')
traced(swallows.work, account, arm=1)
check((probe.counts(0)[0], account.balance), (5, 0))
"#,
    );
}

#[test]
fn a_thread_in_the_sink_does_not_keep_others_from_being_traced() {
    check_account(
        "shared",
        r#"
parked, go = threading.Event(), threading.Event()
def park(reason, line, place):
    probe.arm(None)
    parked.set()
    go.wait()
    probe.run(1)
probe.on_reached(park)
probe.reset()
probe.run(1)
probe.arm(2)
probe.enable(True)
one = in_thread(lambda: (account.deposit(1), account.note("a")))
parked.wait()
probe.run(2)
two = in_thread(lambda: [account.note("b") for _ in range(10)])
two.join()
check((probe.counts(1)[0], probe.counts(2)[0]), (2, 10))
go.set()
one.join()
check(probe.counts(1)[:2], (3, 13))
"#,
    );
}

#[test]
fn generators_and_coroutines_are_traced_in_whichever_thread_resumes_them() {
    check(
        r#"
names = submission('''
class Box:
    value = 0
    def change(self):
        while True:
            self.value += 1
            yield
    async def wait(self):
        for i in range(3):
            self.value += 1
            await Pause()
class Pause:
    def __await__(self):
        yield
''')
box = names.Box()
generator, coroutine = box.change(), box.wait()
check(points(next, generator), 2)
for resume in (lambda: next(generator), lambda: coroutine.send(None), lambda: generator.send(None)):
    probe.reset()
    probe.enable(True)
    in_thread(resume).join()
    check(probe.counts(0)[0], 2)
"#,
    );
}

#[test]
fn the_library_is_not_traced_and_what_it_calls_is() {
    check(
        r#"
library = compile('''
def all_of(sequence, n):
    return [sequence[i] for i in range(n)]
def call(function, n):
    for i in range(n):
        function()
''', "library.py", "exec")
names = module("library", library)
box = submission('''
class Box:
    reads = 0
    def __getitem__(self, index):
        self.reads += 1
        return index
    def read(self):
        self.reads += 1
    def key(self, value):
        self.reads += 1
        return value
''').Box()
check(points(names.all_of, box, 200), 400)
check(points(names.call, box.read, 200), 400)
check(points(lambda: sorted([3, 1, 2], key=box.key)), 6)
before = probe.counts(0)[3]
check(points(names.call, int, 1000), 0)
check(probe.counts(0)[3], 0)
import traceback
def deep(n):
    return n and deep(n - 1)
check(deep(900), 0)
"#,
    );
}

const WAITS: &str = r#"
names = submission('''
import collections
class Waits:
    def __init__(self):
        self.ready, self.n, self.items, self.queue = False, 0, [], collections.deque(range(500))
    def set(self):
        self.ready = True
    def spins(self):
        while not self.ready:
            pass
    def spins_by_a_local(self):
        while True:
            ready = self.ready
            if ready:
                break
    def spins_by_a_call(self):
        while True:
            if len(self.items) > 3:
                break
    def spins_over_all(self):
        while True:
            for i in (1, 2, 3):
                if self.ready:
                    return
    def counts(self):
        i = 0
        while i < 500:
            i += 1
    def takes(self):
        while self.queue:
            self.queue.popleft()
    def writes(self):
        while self.n < 500:
            self.n += 1
    def goes_through(self):
        for i in range(500):
            self.ready
''')
waits = names.Waits()
class Enough(Exception):
    pass
def spins(function, times=1):
    seen = []
    def give_way(reason, line, place):
        seen.append(reason)
        if len(seen) == times:
            raise Enough
    probe.on_reached(give_way)
    try:
        traced(function)
    except Enough:
        pass
    return seen
"#;

#[test]
fn a_loop_that_only_looks_is_a_busy_wait() {
    check(&format!(
        "{WAITS}{}",
        r#"
check(spins(waits.spins), ["Spin"])
check(probe.counts(0)[0] in (100, 101), True)
check(spins(waits.spins, 3), ["Spin"] * 3)
check(spins(waits.spins_by_a_local), ["Spin"])
check(spins(waits.spins_by_a_call), ["Spin"])
check(spins(waits.spins_over_all), ["Spin"])
"#
    ));
}

#[test]
fn a_loop_that_gets_on_is_none() {
    check(&format!(
        "{WAITS}{}",
        r#"
check(spins(waits.counts), [])
check(spins(waits.takes), [])
check(spins(waits.writes), [])
check(spins(waits.goes_through), [])
"#
    ));
}

#[test]
fn an_endless_loop_meets_the_limit_of_instructions() {
    check(
        r#"
names = submission('''
import itertools
def endless():
    x = 0
    while True:
        x = x ^ 1
def iterates():
    for i in itertools.count():
        pass
def swallows():
    while True:
        try:
            while True:
                x = object()
        except BaseException:
            pass
''')
class Enough(BaseException):
    pass
def stop(reason, line, place):
    check(reason, "InstructionsMax")
    raise Enough
for function in (names.endless, names.iterates):
    probe.on_reached(stop)
    try:
        traced(function, instructions_max=10_000)
        raise SystemExit("it ended")
    except Enough:
        check(10_000 <= probe.counts(0)[3] < 10_100, True)
"#,
    );
}

#[test]
fn values_are_told_without_running_the_programs_code() {
    check(
        r#"
names = submission('''
class Shy:
    __slots__ = ("slot", "none")
    def __repr__(self):
        raise SystemExit("repr")
    def __eq__(self, other):
        return noted(other)
    def __hash__(self):
        return hash("key")
class Open:
    shared = 7
    def __getattr__(self, name):
        raise SystemExit("getattr")
    @property
    def computed(self):
        return 1
    @computed.setter
    def computed(self, value):
        pass
class Watched:
    def __getattribute__(self, name):
        return 5
def reads(shy, open, watched, table, items):
    shy.slot, open.shared, open.own, open.computed, watched.own
    table["key"], items[-1], items[0]
def writes(shy, open, table):
    open.own = shy
    shy.slot = [1, "a", None, 2.5, (True,)]
    table["key"] = 1 << 500
    open.computed = "x" * 50
def counts():
    global total
    open.shared = total = total + 1
class open:
    pass
def closes(items):
    n = 1
    def inner():
        nonlocal n
        n += 1
    inner()
    items.append("x")
    return len(items), "k" in items
''')
compared = []
names.noted = compared.append
shy, open_, watched = names.Shy(), names.Open(), names.Watched()
shy.slot, open_.own = "text", b"own"
names.total = 1
check(recorded(names.reads, shy, open_, watched, {shy: 0, "key": shy}, [shy, 3]), [
    ("Shy", "slot", "Reads", "'text'"),
    ("Open", "shared", "Reads", "7"),
    ("Open", "own", "Reads", "b'own'"),
    ("Open", "computed", "Reads", None),
    ("Watched", "own", "Reads", None),
    ("dict", "['key']", "Reads", "Shy"),
    ("list", "append", "Calls", "'key'"),
    ("list", "[-1]", "Reads", "3"),
    ("list", "[0]", "Reads", "Shy"),
])
check(compared, ["key", "key"])  # when the dictionary is made and by the program's own lookup
check(recorded(names.writes, shy, open_, {}), [
    ("Open", "own", "Writes", "Shy"),
    ("Shy", "slot", "Writes", "[1, 'a', None, 2.5, (True,)]"),
    ("dict", "['key']", "Writes", "int"),
    ("Open", "computed", "Writes", "'" + "x" * 40 + "'…"),
])
check(recorded(names.counts), [
    ("module", "total", "Reads", "1"),
    ("type", "shared", "Writes", "2"),
    ("module", "total", "Writes", "2"),
])
check(recorded(names.closes, []), [
    ("cell", "n", "Writes", "1"),
    ("cell", "n", "Reads", "1"),
    ("cell", "n", "Writes", "2"),
    ("list", "append", "Calls", "'x'"),
    ("list", "len", "Calls", None),
    ("list", "['k']", "Reads", None),
])
"#,
    );
}

#[test]
fn a_frame_that_asks_not_to_be_traced_is_remembered() {
    check(
        r#"
names = submission('''
import sys
def hides(items):
    sys._getframe().f_trace_opcodes = False
    items.append(1)
def hides_long(items, n=1):
    n = n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n
    sys._getframe().f_trace_lines = False
    n = n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n + n * n
    items.append(1)
def hides_otherwise(items):
    frame = sys._getframe()
    frame.f_trace_lines, frame.f_trace_opcodes = True, False
    items.append(1)
def generates():
    yield [].append(1)
def is_honest(items):
    sys._getframe().f_trace_opcodes
    items.append(1)
''')
def ends_a_generator():
    try:
        names.generates().throw(ValueError)
    except ValueError:
        pass
probe.arm_audit(True)
traced(names.is_honest, [])
traced(ends_a_generator)
check(probe.tripped(), [])
for hides in (names.hides, names.hides_long, names.hides_otherwise):
    traced(hides, [])
    check(probe.tripped(), ["hiding a frame"])
"#,
    );
}

#[test]
fn what_would_leave_the_schedule_is_refused_and_remembered() {
    check(
        r#"
import gc, os, inspect, json.decoder
def refused(function, *arguments):
    try:
        function(*arguments)
    except RuntimeError as error:
        assert "is not available while threads are scheduled" in str(error), error
    else:
        raise SystemExit(f"{function} was allowed")
def copy():
    import shutil, tempfile
    copied = shutil.copy(sys.argv[1], tempfile.mkdtemp() + "/json_speedups.so")
    loader = importlib.machinery.ExtensionFileLoader("tracer_probe", copied)
    importlib.util.module_from_spec(importlib.util.spec_from_loader("tracer_probe", loader))
probe.arm_audit(True)
refused(sys.settrace, None)
refused(sys.setprofile, lambda *_: None)
refused(copy.__code__.replace)
refused(gc.get_objects)
refused(gc.get_referrers, probe)
refused(os.fork)
refused(os.system, "true")
refused(open, "/proc/self/mem")
refused(lambda: __import__("ctypes"))
tripped = probe.tripped()
check([what for what in tripped if not what.startswith("ctypes")], [
    "sys.settrace", "sys.setprofile", "code.__new__", "gc.get_objects", "gc.get_referrers", "os.fork", "os.system",
    "/proc/self/mem",
])
check(len(tripped), 9)
probe.arm_audit(False)
import shutil, tempfile
probe.arm_audit(True)
refused(copy)
check("json_speedups.so" in probe.tripped()[0], True)
check(inspect.currentframe() is sys._getframe(), True)
import _json, decimal, asyncio
probe.install()
check(probe.tripped(), [])
probe.arm_audit(False)
sys.settrace(None)
"#,
    );
}
