//! Runs that go on and on: whether the program is to blame, and who never had what it waited for.

use serde_json::json;

use crate::traps::check;

/// A schedule may let one thread go on as long as it likes. A program that ends once the others have had a turn is none that
/// goes on and on.
#[test]
fn a_program_that_works_until_it_is_told_to_stop_ends() {
    let program = "
class Box:
    stop, turns = False, 0
def main():
    box = Box()
    def work():
        while not box.stop:
            box.turns += 1
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    box.stop = True
    thread.join()
    return 1
";
    check(program, Some(json!(1)), &[]);
    check(&program.replace("    time.sleep(1)\n", ""), Some(json!(1)), &[]);
}

#[test]
fn looking_again_and_again_under_a_lock_is_a_busy_wait() {
    let program = "
class Box:
    full = False
def main():
    lock, box = threading.Lock(), Box()
    def fill():
        with lock:
            box.full = True
    thread = threading.Thread(target=fill)
    thread.start()
    while True:
        with lock:
            if box.full:
                break
    thread.join()
    return 1
";
    check(program, Some(json!(1)), &["busy-wait"]);
}

#[test]
fn a_thread_that_is_notified_for_nothing_all_the_time_starves() {
    let program = "
def main():
    room, guests = threading.Condition(), []
    def wait():
        with room:
            while not guests:
                room.wait()
    def call():
        while True:
            with room:
                room.notify_all()
    threads = [threading.Thread(target=work) for work in (wait, call)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
";
    check(program, None, &["livelock", "starvation"]);
    check(
        &program
            .replace("while not guests", "while True")
            .replace("with room:\n            while", "while")
            .replace("                room.wait()", "            with room:\n                room.wait()"),
        None,
        &["livelock"],
    );
}

/// What it waits for comes, and others are faster.
#[test]
fn a_consumer_that_is_never_the_first_starves() {
    let program = "
def main():
    room, things, turns = threading.Condition(), [], [0]
    def patient():
        with room:
            while len(things) < 2:
                room.wait()
    def greedy():
        while True:
            with room:
                while not things:
                    room.wait()
                things.pop()
    def produce():
        while True:
            with room:
                if not things:
                    things.append(1)
                room.notify_all()
    threads = [threading.Thread(target=work) for work in (patient, greedy, produce)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
";
    check(program, None, &["livelock", "starvation"]);
}
