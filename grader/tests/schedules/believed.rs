//! What a real worker answers is believed; `PRACTICUM_GOLDEN=write` keeps some of it for the fuzzer to begin with.

use std::path::Path;

use schedules::words::{Answer, Body, Call, Scenario, Subject};
use serde_json::json;

use crate::answers::{BETWEEN, Reached, plan, read};
use crate::worker::{Worker, scenario};

const PLANS: u8 = 6;
/// Of the zoo, those that differ most in what they say.
const PROGRAMS: [&str; 5] = ["abba", "counter", "if_wait", "lost_notify", "busy_wait"];

#[test]
fn what_a_worker_answers_is_believed() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (at, name) in PROGRAMS.into_iter().enumerate() {
        let folder = tests.join("tests/zoo").join(name);
        let driver = std::fs::read_to_string(folder.join("driver.py")).unwrap();
        let mut worker = Worker::start(&folder);
        worker.scenario(&scenario(Subject::File("bug.py".to_owned()), &driver, "run")).unwrap();
        for number in 0..PLANS {
            keep(&mut worker, name, number + PLANS * at as u8);
        }
    }
    let mut worker = Worker::start(&tests.join("tests/zoo/counter"));
    worker.scenario(&operations()).unwrap();
    (0..PLANS).for_each(|number| keep(&mut worker, "operations", number));
}

/// Two threads that call one object.
fn operations() -> Scenario {
    let text = "class List:\n    def __init__(self):\n        self.all = []\n    def put(self, item):\n        \
                self.all = self.all + [item]\n    def fail(self):\n        raise ValueError(self.all)\n";
    let subject = Subject::Text { name: "bug.py".to_owned(), text: text.to_owned() };
    let put = |value| Call { operation: "put".to_owned(), arguments: vec![json!(value)] };
    let fail = Call { operation: "fail".to_owned(), arguments: vec![] };
    let threads = vec![vec![put(1), fail], vec![put(2), put(3)]];
    let body = Body::Operations { class: "List".to_owned(), new: vec![], threads };
    Scenario { body, ..scenario(subject, "", "") }
}

fn keep(worker: &mut Worker, name: &str, number: u8) {
    worker.order_runs(&[plan(number)], number.is_multiple_of(2));
    let (ran, tail) = worker.ran();
    let head = serde_json::to_vec(&Answer::Ran(Box::new(ran))).unwrap();
    let input = [&[number], &head[..], &[BETWEEN], &tail].concat();
    assert_eq!(read(&input), Reached::Believed, "{name}, plan {number}");
    if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/explorer");
        std::fs::create_dir_all(&corpus).unwrap();
        std::fs::write(corpus.join(format!("{name}_{number:02}")), input).unwrap();
    }
}
