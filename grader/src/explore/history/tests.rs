use schedules::Thread;
use schedules::words::Raised;
use serde_json::json;

use super::*;

/// A queue that holds at most two items; `size` only looks.
struct Queue {
    questions: usize,
}

impl Model for Queue {
    fn step(&mut self, questions: &[Question<'_>]) -> io::Result<Vec<Stepped>> {
        self.questions += questions.len();
        let step = |question: &Question<'_>| {
            let items = question.state.as_array().unwrap();
            let to = |state: Vec<Value>, result| Stepped::To { state: Value::Array(state), result };
            match (question.operation, items.split_first()) {
                ("put", _) if items.len() == 2 => Stepped::Blocked,
                ("put", _) => to([items.as_slice(), question.arguments].concat(), Value::Null),
                ("get", None) => Stepped::Blocked,
                ("get", Some((first, rest))) => to(rest.to_vec(), first.clone()),
                ("try", None) => to(vec![], json!({RAISED: "Empty"})),
                ("try", Some(_)) => Stepped::Blocked,
                ("size", _) => to(items.clone(), json!(items.len())),
                other => panic!("{other:?}"),
            }
        };
        Ok(questions.iter().map(step).collect())
    }
}

/// An operation from its text: `put 1`, `get = 1`, `try ! Empty`, and when it was begun and returned.
fn operation(text: &str, invoked: u32, returned: Option<u32>) -> Operation {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |text: &str| text.parse::<i64>().map(Value::from).unwrap();
    let (arguments, result) = match words[1..] {
        ["=", value] => (vec![], Outcome::Value(number(value))),
        ["!", class] => {
            let classes = vec![class.to_owned(), "Exception".to_owned()];
            (vec![], Outcome::Raised(Raised { classes, text: String::new(), place: None, traceback: None }))
        }
        [argument] => (vec![number(argument)], Outcome::Value(Value::Null)),
        _ => (vec![], Outcome::Value(Value::Null)),
    };
    let result = returned.map(|_| result);
    Operation { thread: Thread(0), operation: words[0].to_owned(), arguments, invoked, returned, result }
}

/// A row for each operation: `[` where it was begun, `]` where it returned, if it did.
fn history(rows: &[(&str, &str)]) -> Vec<Operation> {
    let row = |(span, text): &(&str, &str)| {
        let begun = span.find('[').unwrap() as u32;
        operation(text, begun, span.find(']').map(|at| at as u32))
    };
    rows.iter().map(row).collect()
}

fn check_of(rows: &[(&str, &str)], pending: Pending) -> Finding {
    check(&history(rows), pending, &mut Memory::new(Queue { questions: 0 }, json!([]))).unwrap()
}

fn explained(rows: &[(&str, &str)]) {
    assert_eq!(check_of(rows, Pending::Stuck), Finding::Linearizable);
}

fn unexplained(rows: &[(&str, &str)]) -> Unexplained {
    match check_of(rows, Pending::Stuck) {
        Finding::Unexplained(unexplained) => unexplained,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_overlaps_may_come_in_any_order() {
    explained(&[("[      ]    ", "put 1"), (" [    ]     ", "put 2"), ("        [ ] ", "get = 2")]);
    explained(&[("[      ]    ", "put 1"), (" [    ]     ", "put 2"), ("        [ ] ", "get = 1")]);
}

#[test]
fn what_returned_before_comes_before() {
    let found = unexplained(&[("[]          ", "put 1"), ("  []        ", "put 2"), ("     [ ]    ", "get = 2")]);
    assert_eq!(found.order, [0, 1]);
    assert_eq!(found.refusals, [Refusal { operation: 2, expected: Some(json!(1)) }]);
}

#[test]
fn an_item_cannot_be_taken_twice() {
    let found = unexplained(&[("[]", "put 1"), ("  [  ]", "get = 1"), ("   [  ]", "get = 1")]);
    assert_eq!(found.refusals.len(), 1);
    assert_eq!(found.refusals[0].expected, None);
}

#[test]
fn a_stuck_operation_is_legal_where_the_model_is_blocked() {
    explained(&[("[]      ", "put 1"), ("  [ ]   ", "get = 1"), ("   [    ", "get")]);
    let found = unexplained(&[("[]      ", "put 1"), ("   [    ", "get")]);
    assert_eq!(found.refusals, [Refusal { operation: 1, expected: Some(json!(1)) }]);
}

#[test]
fn what_nobody_knows_may_have_taken_effect() {
    let rows = [("[       ", "put 1"), ("  [ ]   ", "get = 1")];
    assert_eq!(check_of(&rows, Pending::Unknown), Finding::Linearizable);
    assert!(matches!(check_of(&rows, Pending::Stuck), Finding::Unexplained(_)));
    assert_eq!(
        check_of(&[("[       ", "put 1"), ("  [ ]   ", "try ! Empty")], Pending::Unknown),
        Finding::Linearizable
    );
}

#[test]
fn exceptions_are_results() {
    explained(&[("[]", "try ! Empty")]);
    unexplained(&[("[]", "try ! Full")]);
}

#[test]
fn a_failing_history_is_cut_and_what_only_looked_is_left_out() {
    let found = unexplained(&[
        ("[]                ", "put 1"),
        ("  []              ", "size = 1"),
        ("    []            ", "get = 7"),
        ("      []          ", "put 3"),
        ("        []        ", "get = 3"),
    ]);
    assert_eq!(found.operations, [0, 2]);
    assert_eq!(found.order, [0]);
}

#[test]
fn a_wrong_look_is_not_left_out() {
    let found = unexplained(&[("[]", "put 1"), ("  []", "size = 0"), ("    []", "size = 1")]);
    assert_eq!(found.operations, [0, 1]);
}

#[test]
fn sets_are_equal_in_any_order() {
    let set = |items: Value| json!({"seen": [{"$set": items}, {"$dict": [[1, 2]]}]});
    assert_eq!(memory::canonical(set(json!([3, "b", 1]))), memory::canonical(set(json!([1, 3, "b"]))));
    assert_ne!(memory::canonical(json!([3, 1])), memory::canonical(json!([1, 3])));
}

/// Sixteen threads whose operations all overlap: without memory there are 16! orders.
#[test]
fn no_question_is_asked_twice() {
    let rows: Vec<Operation> =
        (0..16).map(|at| operation(if at % 2 == 0 { "put 1" } else { "get = 1" }, at, Some(100 + at))).collect();
    let mut memory = Memory::new(Queue { questions: 0 }, json!([]));
    assert_eq!(check(&rows, Pending::Stuck, &mut memory).unwrap(), Finding::Linearizable);
    // Three states, two deeds.
    assert!(memory.model_mut().questions <= 6);
}

/// Every answer is the one that trying all orders gives.
#[test]
fn the_search_agrees_with_trying_all_orders() {
    let mut random = schedules::Random::new(3);
    let mut counts = [0, 0];
    for _ in 0..3000 {
        let rows: Vec<Operation> = (0..5).map(|_| drawn(&mut random)).collect();
        let expected = any_order(&rows, &mut (0..rows.len()).collect::<Vec<_>>(), 0);
        let found = check(&rows, Pending::Stuck, &mut Memory::new(Queue { questions: 0 }, json!([]))).unwrap();
        assert_eq!(found == Finding::Linearizable, expected, "{rows:?}");
        counts[usize::from(expected)] += 1;
    }
    assert!(counts[0] > 300 && counts[1] > 300, "{counts:?}");
}

fn drawn(random: &mut schedules::Random) -> Operation {
    let text = ["put 1", "put 2", "get = 1", "get = 2", "size = 1", "try ! Empty"][random.below(6)];
    // No two moments are the same.
    let (invoked, length) = (random.below(8) as u32, random.below(8) as u32);
    let spread = |moment: u32, salt: u32| moment * 64 + salt;
    let returned = spread(invoked + length, 32 + random.below(32) as u32);
    operation(text, spread(invoked, random.below(32) as u32), (random.below(8) > 0).then_some(returned))
}

fn any_order(rows: &[Operation], order: &mut Vec<usize>, fixed: usize) -> bool {
    if is_explanation(rows, &order[..fixed]) {
        return true;
    }
    (fixed..order.len()).any(|at| {
        order.swap(fixed, at);
        let found = any_order(rows, order, fixed + 1);
        order.swap(fixed, at);
        found
    })
}

/// Whether this order has all that returned, keeps time, gives every result, and leaves only what is blocked.
fn is_explanation(rows: &[Operation], order: &[usize]) -> bool {
    let mut state = json!([]);
    for (at, index) in order.iter().enumerate() {
        let row = &rows[*index];
        let late = |other: &usize| rows[*other].returned.is_some_and(|returned| returned < row.invoked);
        if row.returned.is_none() || order[at + 1..].iter().any(late) {
            return false;
        }
        match one_step(&state, row) {
            Stepped::To { state: next, result } if fits(row.result.as_ref().unwrap(), &result) => state = next,
            _ => return false,
        }
    }
    (0..rows.len())
        .filter(|index| !order.contains(index))
        .all(|index| rows[index].returned.is_none() && one_step(&state, &rows[index]) == Stepped::Blocked)
}

fn fits(outcome: &Outcome, expected: &Value) -> bool {
    match outcome {
        Outcome::Value(value) => value == expected,
        Outcome::Raised(raised) => expected.get(RAISED).is_some_and(|class| class == raised.classes[0].as_str()),
    }
}

fn one_step(state: &Value, row: &Operation) -> Stepped {
    let question = Question { state, operation: &row.operation, arguments: &row.arguments };
    Queue { questions: 0 }.step(&[question]).unwrap().remove(0)
}
