//! What is answered besides runs, what a scenario of operations tells, and what a program cannot reach.

use std::path::Path;

use schedules::words::{Body, Call, Fact, Outcome, Scenario, Subject};
use serde_json::json;

use crate::worker::{Worker, calm, plan, scenario, text};

const DRIVER: &str = "def run(module):\n    return module.main()\n";

fn refusal(program: &str) -> String {
    Worker::start(Path::new("/tmp")).scenario(&scenario(text(program), DRIVER, "run")).unwrap_err()
}

fn operations(program: &str, class: &str, threads: Vec<Vec<Call>>) -> Scenario {
    let body = Body::Operations { class: class.to_owned(), new: vec![json!(2)], threads };
    Scenario { body, ..scenario(text(program), "", "") }
}

fn call(operation: &str, arguments: &[serde_json::Value]) -> Call {
    Call { operation: operation.to_owned(), arguments: arguments.to_vec() }
}

#[test]
fn what_cannot_be_run_is_refused_in_words() {
    assert!(refusal("def main(:\n").starts_with("student.py cannot be compiled: invalid syntax"));
    let mut worker = Worker::start(Path::new("/tmp"));
    let absent = scenario(Subject::File("no_such.py".to_owned()), DRIVER, "run");
    assert_eq!(worker.scenario(&absent).unwrap_err(), "there is no file no_such.py");
    let class = operations("x = 1\n", "Stack", Vec::new());
    assert_eq!(worker.scenario(&class).unwrap_err(), "student.py has no class Stack");
}

#[test]
fn operations_are_told_as_a_history() {
    let program = "
class Stack:
    def __init__(self, room):
        self.room, self.things = room, []
    def push(self, thing):
        if len(self.things) == self.room:
            raise OverflowError('full')
        self.things.append(thing)
    def pop(self):
        return self.things.pop()
";
    let threads = vec![
        vec![call("push", &[json!("a")]), call("pop", &[])],
        vec![call("pop", &[]), call("push", &[json!({"$bytes": "ff"})])],
    ];
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&operations(program, "Stack", threads)).unwrap();
    let (ran, _) = worker.run_one(&calm());
    let told: Vec<String> =
        ran.history.iter().map(|operation| format!("{} {}", operation.thread.0, operation.operation)).collect();
    assert_eq!(told, ["1 push", "1 pop", "2 pop", "2 push"]);
    assert_eq!(ran.history[1].result, Some(Outcome::Value(json!("a"))));
    let Some(Outcome::Raised(raised)) = &ran.history[2].result else { panic!("{ran:?}") };
    assert_eq!((raised.classes[0].as_str(), raised.place.as_ref().unwrap().line), ("IndexError", 10));
    assert_eq!(ran.history.iter().filter_map(|operation| operation.returned).collect::<Vec<_>>(), [1, 3, 5, 7]);
    assert!(ran.facts.is_empty() && ran.outcome.is_none());
}

#[test]
fn an_operation_under_way_has_no_result() {
    let program = "
import queue
class Box(queue.Queue):
    pass
";
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&operations(program, "Box", vec![vec![call("get", &[])]])).unwrap();
    let (ran, _) = worker.run_one(&calm());
    assert_eq!((ran.history[0].returned, &ran.history[0].result), (None, &None));
    let [Fact::Deadlock { waits, .. }] = ran.facts.as_slice() else { panic!("{ran:?}") };
    assert_eq!((waits[1].call.as_str(), waits[1].object.as_deref()), ("Queue.get", Some("Box#1")));
}

#[test]
fn every_kind_of_value_comes_across() {
    let program = "
class Odd:
    pass
def main():
    odd = Odd()
    return [None, True, 2 ** 53, 2 ** 70, 0.5, float('inf'), 'text', '\\ud800', (1,), {'a': 1}, {1: 2}, b'\\xff', {3, 1}, odd, Odd(), odd,
            KeyError('k')]
";
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&scenario(text(program), DRIVER, "run")).unwrap();
    let told = json!([
        null, true, 9_007_199_254_740_992_u64, {"$int": "0x400000000000000000"}, 0.5, {"$float": "inf"}, "text", "\u{fffd}\u{fffd}\u{fffd}", [1], {"a": 1},
        {"$dict": [[1, 2]]}, {"$bytes": "ff"}, {"$set": [1, 3]}, {"$object": ["Odd", 1]}, {"$object": ["Odd", 2]},
        {"$object": ["Odd", 1]}, {"$raised": ["KeyError", "'k'"]}
    ]);
    assert_eq!(worker.run_one(&calm()).0.outcome, Some(told));
}

/// A suite compares what a schedule showed with what its model says: both must tell a value in the same form.
#[test]
fn a_value_has_one_form_whoever_tells_it() {
    let values = "[None, False, -2 ** 53, -2 ** 70, 10 ** 5000, 0.1, float('-inf'), float('nan'), '\\ud800é', (1, [2]), {'a': (1,)},
        {1: 2, None: 3}, b'\\xff\\0', {1}, frozenset()]";
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&scenario(text(&format!("def main():\n    return {values}\n")), DRIVER, "run")).unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/examiner/practicum");
    let program = format!(
        "import sys, json\nsys.path.insert(0, sys.argv[1])\nfrom values import natural, plain\nform = plain({values})\n\
         assert plain(natural(form)) == form\nprint(json.dumps(form))"
    );
    let told =
        std::process::Command::new("/usr/bin/python3").args(["-B", "-c", &program]).arg(library).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(worker.run_one(&calm()).0.outcome, Some(serde_json::from_slice(&told.stdout).unwrap()));
}

#[test]
fn modules_of_the_submission_are_executed_afresh() {
    let folder = std::env::temp_dir().join(format!("practicum-modules-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("parts")).unwrap();
    std::fs::write(
        folder.join("main.py"),
        "import counts\nfrom parts.inner import add\ndef main():\n    add()\n    return counts.total\n",
    )
    .unwrap();
    std::fs::write(folder.join("counts.py"), "total = 0\n").unwrap();
    std::fs::write(folder.join("parts/__init__.py"), "").unwrap();
    let inner = "import counts\ndef add():\n    from . import late\n    counts.total += late.ONE\n";
    std::fs::write(folder.join("parts/inner.py"), inner).unwrap();
    std::fs::write(folder.join("parts/late.py"), "ONE = 1\n").unwrap();
    let mut worker = Worker::start(&folder);
    worker.scenario(&scenario(Subject::File("main.py".to_owned()), DRIVER, "run")).unwrap();
    for seed in 1..5 {
        let (ran, _) = worker.run_one(&plan(seed));
        assert_eq!((ran.facts.as_slice(), ran.outcome), ([].as_slice(), Some(json!(1))));
        assert!(ran.counts.points > 0);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_scheduler_is_out_of_a_programs_reach() {
    let program = "
import sys, threading, time, _thread
def main():
    import __main__
    found = [name for name in vars(__main__) if not name.startswith('__')]
    found += [name for name in sys.modules if 'scheduler' in name]
    for thing in (threading.Lock().acquire, threading.Condition().wait, time.sleep, _thread.start_new_thread, threading.Event.is_set):
        names = getattr(thing, '__globals__', {})
        found += [name for name in names if 'kernel' in name or 'tracer' in name]
    return found
";
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&scenario(text(program), DRIVER, "run")).unwrap();
    let (ran, _) = worker.run_one(&calm());
    assert_eq!((ran.outcome, ran.tripped), (Some(json!([])), Vec::new()));
}

#[test]
fn what_blocks_outside_is_called_out_of_reach() {
    let program = "
import fcntl, tempfile
def main():
    file = tempfile.NamedTemporaryFile()
    fcntl.flock(file, fcntl.LOCK_EX)
    with open(file.name) as again:
        fcntl.flock(again, fcntl.LOCK_EX)
";
    let mut worker = Worker::start(Path::new("/tmp"));
    let refused = worker.scenario(&scenario(text(program), DRIVER, "run")).unwrap_err();
    assert!(refused.starts_with("student.py, line 7, waits for something that cannot be scheduled"), "{refused}");
}

#[test]
fn what_is_too_large_is_left_out_and_said_to_be() {
    let mut worker = Worker::start(Path::new("/tmp"));
    let program = "def main():\n    return ['\\0' * 250_000, 1]\n";
    worker.scenario(&scenario(text(program), DRIVER, "run")).unwrap();
    assert_eq!(worker.run_one(&calm()).0.outcome, Some(json!({"$limit": "size"})));
    let driver =
        "def run(module):\n    for _ in range(9):\n        note('x' * 200_000)\n    return ['x' * 200_000] * 2\n";
    worker.scenario(&scenario(text(program), driver, "run")).unwrap();
    let (ran, _) = worker.run_one(&calm());
    assert!(ran.notes.is_empty());
    assert_eq!(ran.outcome.unwrap()[1], json!({"$limit": "text"}));
}
