//! Event loops: tasks are chosen among like threads, callbacks keep their order, and time is virtual.

use std::path::Path;

use schedules::words::{Body, Call, Deadlock, Fact, Outcome, Ran, Scenario};
use schedules::{Plan, Thread, Transcript};
use serde_json::{Value, json};

use crate::replay::search;
use crate::worker::{Worker, calm, plan, scenario, text};

fn start(program: &str, driver: &str) -> Worker {
    start_of(&scenario(text(program), driver, "run"))
}

fn start_of(scenario: &Scenario) -> Worker {
    let mut worker = Worker::start(Path::new(env!("CARGO_MANIFEST_DIR")));
    worker.scenario(scenario).unwrap();
    worker
}

/// The first of `within` schedules that shows it, once it was followed and shown again by another process.
fn find(program: &str, driver: &str, within: u32, wrong: impl Fn(&Ran) -> bool) -> (u32, Ran) {
    let scenario = scenario(text(program), driver, "run");
    let mut worker = start_of(&scenario);
    for seed in 1..=within {
        let (ran, transcript) = worker.run_one(&plan(seed));
        if !wrong(&ran) {
            continue;
        }
        let deviations = transcript.schedule().deviations;
        let (again, followed) = start_of(&scenario).run_one(&Plan::Follow { deviations });
        assert_eq!((&again.facts, &again.outcome), (&ran.facts, &ran.outcome), "seed {seed}");
        assert_eq!(followed.schedule(), transcript.schedule());
        return (seed, ran);
    }
    panic!("not found");
}

/// The same outcome and no fact in so many schedules.
fn peaceful(program: &str, driver: &str, schedules: u32, right: &Value) {
    let mut worker = start(program, driver);
    let plans: Vec<Plan> = (0..schedules).map(|seed| if seed == 0 { calm() } else { plan(seed) }).collect();
    for batch in plans.chunks(25) {
        for ((ran, _), plan) in worker.run(batch, false).into_iter().zip(batch) {
            assert_eq!((ran.facts.as_slice(), ran.outcome.as_ref()), ([].as_slice(), Some(right)), "{plan:?}");
            assert_eq!((ran.tripped, ran.uncontrolled, ran.spent), (vec![], false, false), "{plan:?}");
        }
    }
}

const ACCOUNT: &str = "
import asyncio

class Account:
    def __init__(self):
        self.balance = 0
        self.opened = False

    async def open(self):
        await asyncio.sleep(0.01)
        self.opened = True

    async def deposit(self, amount):
        seen = self.balance
        if seen:
            await asyncio.sleep(0)
        self.balance = seen + amount

    async def careless(self, amount):
        seen = self.balance
        await asyncio.sleep(0.01)
        self.balance = seen + amount
";

#[test]
fn an_update_that_an_await_divides_is_lost() {
    let driver = "
async def run(bank):
    account = bank.Account()
    await tasks(account.careless(1), account.careless(2))
    return account.balance
";
    let (seed, _) = find(ACCOUNT, driver, 5, |ran| ran.outcome != Some(json!(3)));
    assert!(seed <= 5);
}

#[test]
fn a_sleep_in_place_of_an_await_is_found() {
    let driver = "
import asyncio
async def run(bank):
    account = bank.Account()
    task = asyncio.create_task(account.open())
    await asyncio.sleep(0.1)
    return account.opened
";
    find(ACCOUNT, driver, 100, |ran| ran.outcome == Some(json!(false)));
}

const ABBA: &str = "
import asyncio

class Account:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.balance = 10

async def transfer(one, other, amount):
    async with one.lock:
        await asyncio.sleep(0)
        async with other.lock:
            one.balance -= amount
            other.balance += amount
";

#[test]
fn two_locks_in_two_orders_are_a_ring_of_tasks() {
    let driver = "
async def run(bank):
    a, b = bank.Account(), bank.Account()
    await tasks(bank.transfer(a, b, 1), bank.transfer(b, a, 2))
    return [a.balance, b.balance]
";
    let (_, ran) = find(ABBA, driver, 50, |ran| !ran.facts.is_empty());
    let Some(Fact::Deadlock { class, waits, cycle }) = ran.facts.first() else { panic!("{:?}", ran.facts) };
    assert_eq!((*class, cycle.len()), (Deadlock::Cycle, 2));
    assert_eq!(ran.threads, ["main", "Task-1 (run)", "Task-2 (transfer)", "Task-3 (transfer)"]);
    let rows: Vec<_> = waits.iter().map(|wait| (wait.thread, wait.call.as_str(), wait.held_by.clone())).collect();
    let (main, one, other) = (Thread(1), Thread(2), Thread(3));
    assert_eq!(
        rows,
        [(main, "gather", vec![one, other]), (one, "Lock.acquire", vec![other]), (other, "Lock.acquire", vec![one]),]
    );
    assert_eq!(waits[1].object.as_deref(), waits[2].holds.first().map(String::as_str));
    assert_eq!(waits[1].place.as_ref().map(|place| (place.line, place.function.as_str())), Some((12, "transfer")));
}

#[test]
fn a_notification_that_nobody_waits_for_is_missed() {
    let program = "
import asyncio

class Signal:
    def __init__(self):
        self.condition = asyncio.Condition()

    async def wait(self):
        async with self.condition:
            await self.condition.wait()

    async def give(self):
        async with self.condition:
            self.condition.notify_all()
";
    let driver = "
async def run(m):
    signal = m.Signal()
    await tasks(signal.wait(), signal.give())
";
    let (_, ran) = find(program, driver, 50, |ran| !ran.facts.is_empty());
    let Some(Fact::Deadlock { class, waits, .. }) = ran.facts.first() else { panic!("{:?}", ran.facts) };
    assert_eq!(*class, Deadlock::LostWakeUp);
    assert_eq!((waits[1].call.as_str(), waits[1].object.as_deref()), ("Condition.wait", Some("Condition#1")));
    assert_eq!(waits[1].missed.as_ref().map(|place| place.line), Some(14));
}

#[test]
fn a_queue_between_tasks_is_left_in_peace() {
    let program = "
import asyncio

async def produce(queue, items):
    for item in items:
        await queue.put(item)
        await asyncio.sleep(0)

async def consume(queue, seen):
    while True:
        item = await queue.get()
        await asyncio.sleep(0.001)
        seen.append(item)
        queue.task_done()

async def pipeline(items):
    queue, seen = asyncio.Queue(2), []
    workers = [asyncio.create_task(consume(queue, seen)) for _ in range(2)]
    await asyncio.gather(produce(queue, items[::2]), produce(queue, items[1::2]))
    await queue.join()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return seen
";
    let driver = "
async def run(m):
    return sorted(await m.pipeline([1, 2, 3, 4, 5, 6]))
";
    peaceful(program, driver, 1_000, &json!([1, 2, 3, 4, 5, 6]));
}

#[test]
fn an_hour_costs_no_time() {
    let driver = "
import asyncio
async def run(m):
    loop = asyncio.get_running_loop()
    before = loop.time()
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 3600)
    except TimeoutError:
        return [int(loop.time() - before), int(clock())]
";
    let before = std::time::Instant::now();
    peaceful("", driver, 50, &json!([3600, 3600]));
    assert!(before.elapsed().as_secs() < 60);
}

#[test]
fn threads_and_tasks_share_a_lock() {
    let program = "
import asyncio, threading

class Counter:
    def __init__(self, lock):
        self.lock = lock
        self.value = 0

    def add(self):
        with self.lock:
            self.value += 1

    async def both(self):
        for _ in range(2):
            self.add()
            await asyncio.sleep(0)

class NoLock:
    def __enter__(self): pass
    def __exit__(self, *error): pass

async def count(lock):
    counter = Counter(lock)
    await asyncio.gather(asyncio.to_thread(counter.add), counter.both(), asyncio.to_thread(counter.add))
    return counter.value

def locked(): return asyncio.run(count(threading.Lock()))
def unlocked(): return asyncio.run(count(NoLock()))
";
    peaceful(program, "def run(m): return m.locked()", 200, &json!(4));
    find(program, "def run(m): return m.unlocked()", 300, |ran| ran.outcome != Some(json!(4)));
}

#[test]
fn the_same_plan_is_the_same_run() {
    let driver = "
async def run(m):
    a, b, c = m.Account(), m.Account(), m.Account()
    await tasks(m.transfer(a, b, 1), m.transfer(b, c, 2), m.transfer(c, a, 3))
";
    let (mut one, mut other) = (start(ABBA, driver), start(ABBA, driver));
    for seed in 1..=40 {
        let (plan, record) = (plan(seed), seed % 2 == 0);
        let same = |worker: &mut Worker| worker.run(std::slice::from_ref(&plan), record);
        let runs: [Vec<(Ran, Transcript)>; 3] = [same(&mut one), same(&mut one), same(&mut other)];
        assert_eq!(runs[0], runs[1], "seed {seed}");
        assert_eq!(runs[0], runs[2], "seed {seed}");
    }
}

#[test]
fn callbacks_keep_their_order_and_tasks_do_not() {
    let driver = "
import asyncio
async def run(m):
    loop, seen, steps = asyncio.get_running_loop(), [], []
    async def step(number):
        steps.append(number)
    for number in range(3):
        loop.call_soon(seen.append, number)
        asyncio.create_task(step(number))
    loop.call_later(2, seen.append, 'late')
    loop.call_later(1, seen.append, 'early')
    await asyncio.sleep(3)
    return [seen, steps]
";
    let mut worker = start("", driver);
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let (ran, _) = worker.run_one(&if seed == 0 { calm() } else { plan(seed) });
        let outcome = ran.outcome.unwrap();
        assert_eq!(outcome[0], json!([0, 1, 2, "early", "late"]), "seed {seed}");
        if seed == 0 {
            assert_eq!(outcome[1], json!([0, 1, 2]));
        }
        orders.insert(outcome[1].to_string());
    }
    assert_eq!(orders.len(), 6, "{orders:?}");
}

#[test]
fn what_asyncio_would_print_is_a_fact() {
    let program = "
import asyncio

async def fails():
    raise ValueError('lost')

async def waits():
    await asyncio.sleep(100)

async def forgets_the_exception():
    task = asyncio.create_task(fails())
    await asyncio.sleep(1)

async def forgets_the_task():
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)

async def forgets_to_await():
    fails()

async def goes_on_for_ever():
    loop = asyncio.get_running_loop()
    def again():
        loop.call_soon(again)
    again()
    await waits()

async def polls():
    task = asyncio.create_task(asyncio.sleep(5))
    while not task.done():
        await asyncio.sleep(0)

async def waits_for_ever():
    await asyncio.get_running_loop().create_future()
";
    let facts = |name: &str| {
        let driver = format!("async def run(m):\n    await m.{name}()\n");
        let (ran, _) = start(program, &driver).run_one(&calm());
        assert_eq!(ran.tripped, [""; 0]);
        ran.facts
    };
    let told = |facts: &[Fact]| match facts {
        [Fact::Exception { thread, raised }] => (*thread, format!("{}: {}", raised.classes[0], raised.text)),
        _ => panic!("{facts:?}"),
    };
    assert_eq!(told(&facts("forgets_the_exception")), (Thread(2), "ValueError: lost".to_owned()));
    assert_eq!(facts("forgets_the_task"), [Fact::Unjoined { threads: vec![Thread(2)] }]);
    let warning = "RuntimeWarning: coroutine 'fails' was never awaited".to_owned();
    assert_eq!(told(&facts("forgets_to_await")), (Thread(1), warning));
    assert!(matches!(facts("goes_on_for_ever").as_slice(), [Fact::Livelock { .. }]));
    assert!(matches!(facts("polls").as_slice(), [Fact::BusyWait { thread: Thread(1), .. }]), "{:?}", facts("polls"));
    let stuck = facts("waits_for_ever");
    let [Fact::Deadlock { class: Deadlock::Stuck, waits, .. }] = stuck.as_slice() else { panic!("{stuck:?}") };
    assert_eq!((waits[0].call.as_str(), waits[0].object.as_deref()), ("await", Some("Future#1")));
}

#[test]
fn the_library_is_the_library() {
    let driver = "
import asyncio, contextvars
name = contextvars.ContextVar('name', default='none')

async def run(m):
    seen = []
    async def named(value):
        name.set(value)
        await asyncio.sleep(0)
        return name.get()
    async with asyncio.TaskGroup() as group:
        made = [group.create_task(named(value)) for value in 'ab']
    seen.append([task.result() for task in made] + [name.get()])
    try:
        async with asyncio.timeout(5):
            await asyncio.sleep(10)
    except TimeoutError:
        seen.append('timeout')
    inner = asyncio.create_task(asyncio.sleep(1, 'shielded'))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 0.5)
    except TimeoutError:
        seen.append(await inner)
    async def numbers():
        try:
            for number in range(3):
                await asyncio.sleep(0)
                yield number
        finally:
            seen.append('closed')
    seen.append([number async for number in numbers()])
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        seen.append('cancelled')
    slots = asyncio.Semaphore(2)
    inside, most = 0, 0
    async def use():
        nonlocal inside, most
        async with slots:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.1)
            inside -= 1
    await tasks(*[use() for _ in range(4)])
    seen.append(most)
    done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(n)) for n in (1, 50)], timeout=20)
    seen.append([len(done), len(pending)])
    for task in pending:
        task.cancel()
    barrier = asyncio.Barrier(2)
    seen.append(sorted(await tasks(barrier.wait(), barrier.wait())))
    seen.append(await asyncio.get_running_loop().run_in_executor(None, lambda: 'thread'))
    failed = await tasks(asyncio.sleep(0, 'fine'), m.fail())
    seen.append([failed[0], type(failed[1]).__name__])
    return seen
";
    let right = json!([
        ["a", "b", "none"],
        "timeout",
        "shielded",
        "closed",
        [0, 1, 2],
        "cancelled",
        2,
        [1, 1],
        [0, 1],
        "thread",
        ["fine", "KeyError"]
    ]);
    peaceful("async def fail(): raise KeyError(1)", driver, 100, &right);
}

#[test]
fn another_thread_wakes_a_loop_only_by_the_door_for_threads() {
    let program = "
import asyncio, threading

async def wait(safe):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    call = loop.call_soon_threadsafe if safe else loop.call_soon
    thread = threading.Thread(target=call, args=(future.set_result, 'done'))
    thread.start()
    return await future
";
    peaceful(program, "async def run(m): return await m.wait(True)", 200, &json!("done"));
    find(program, "async def run(m): return await m.wait(False)", 50, |ran| {
        matches!(ran.facts.as_slice(), [Fact::Deadlock { .. }])
    });
}

#[test]
fn streams_between_tasks_work() {
    let driver = "
import asyncio
async def run(m):
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    # An address of its own: others who take a free port at this time may be given the same one.
    server = await asyncio.start_server(serve, '127.8.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    async def client(word):
        reader, writer = await asyncio.open_connection('127.8.0.1', port)
        writer.write(word + b'\\n')
        line = await reader.readline()
        writer.close()
        return line.decode().strip()
    async with server:
        return await tasks(client(b'a'), client(b'b'))
";
    let mut worker = start("", driver);
    for seed in 1..=100 {
        let (ran, _) = worker.run_one(&plan(seed));
        assert_eq!((ran.facts.as_slice(), ran.outcome), ([].as_slice(), Some(json!(["A", "B"]))), "seed {seed}");
    }
}

#[test]
fn a_task_that_will_not_end_is_a_deadlock_all_the_same() {
    let program = "
import asyncio
async def deaf():
    while True:
        try:
            await asyncio.get_running_loop().create_future()
        except BaseException:
            pass

async def start():
    await asyncio.gather(deaf())
";
    for function in ["deaf", "start"] {
        let (ran, _) = start(program, &format!("async def run(m): await m.{function}()")).run_one(&calm());
        assert!(matches!(ran.facts.as_slice(), [Fact::Deadlock { .. }]), "{:?}", ran.facts);
    }
}

#[test]
fn a_bounded_search_over_tasks_ends() {
    let driver = "
async def run(bank):
    a, b = bank.Account(), bank.Account()
    await tasks(bank.transfer(a, b, 1), bank.transfer(b, a, 2))
";
    let deadlock = |ran: &Ran| !ran.facts.is_empty();
    assert!(search(&mut start(ABBA, driver), 1, 200, deadlock).1);
    let ordered =
        "    first, second = sorted((one, other), key=lambda account: account.number)\n    async with first.lock:";
    let right = ABBA.replace("    async with one.lock:", ordered).replace("with other.lock", "with second.lock");
    let right = right.replace("class Account:", "numbers = iter(range(9))\n\nclass Account:");
    let right = right.replace("self.balance = 10", "self.balance, self.number = 10, next(numbers)");
    let (runs, found) = search(&mut start(&right, driver), 1, 2_000, deadlock);
    assert!(!found && runs > 1, "{runs} runs");
}

#[test]
fn operations_that_are_coroutines_are_called_by_tasks() {
    let program = "
import asyncio

class Cell:
    def __init__(self, value):
        self.value = value

    async def add(self, amount):
        seen = self.value
        await asyncio.sleep(0)
        self.value = seen + amount
        return self.value

    async def take(self):
        if self.value < 10:
            raise ValueError('too little')
";
    let call = |operation: &str, arguments: Vec<Value>| Call { operation: operation.to_owned(), arguments };
    let threads = vec![vec![call("add", vec![json!(1)]), call("take", vec![])], vec![call("add", vec![json!(2)])]];
    let body = Body::Operations { class: "Cell".to_owned(), new: vec![json!(0)], threads };
    let scenario = Scenario { body, ..scenario(text(program), "", "run") };
    let mut worker = start_of(&scenario);
    let mut firsts = std::collections::BTreeSet::new();
    for seed in 1..=50 {
        let (ran, _) = worker.run_one(&plan(seed));
        assert_eq!(ran.facts, []);
        assert_eq!(ran.threads[2..], ["task-1", "task-2"]);
        assert_eq!(ran.history.len(), 3);
        firsts.insert(ran.history[0].thread);
        let taken = ran.history.iter().find(|operation| operation.operation == "take").unwrap();
        let Some(Outcome::Raised(raised)) = &taken.result else { panic!("{taken:?}") };
        assert_eq!((taken.thread, raised.classes[0].as_str()), (Thread(2), "ValueError"));
    }
    assert_eq!(firsts.len(), 2, "both orders of the first step");
}
