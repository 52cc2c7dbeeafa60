//! Files that were compiled beforehand: quicker, and never another program than their text.

use std::collections::BTreeMap;

use crate::common::*;
use simulation::Precompiler;
use simulation::disk::Image;
use simulation::words::Exit;

/// A long program, and one line that tells it apart.
fn long(last: &str) -> String {
    let functions =
        (0..200).map(|number| format!("def function_{number}(a, b):\n    return [a + b, a * {number}]\n\n"));
    functions.chain([last.to_owned()]).collect()
}

fn image(files: &[(&str, &str)]) -> Image {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn compiled(files: &[(&str, &str)]) -> Image {
    let mut image = image(files);
    Precompiler::new(machine()).add_to(&mut image).unwrap();
    image
}

fn ran(image: Image) -> simulation::words::Ran {
    let mut cluster = cluster(&["node: main.py"]);
    cluster.nodes[0].image = "image".to_owned();
    machine().run(&cluster, &BTreeMap::from([("image".to_owned(), image)])).unwrap()
}

#[test]
fn programs_and_modules_start_without_their_compilation() {
    let module = long("word = 'module'\n");
    let main = long("import module\nprint(module.word, function_7(2, 3), __file__, module.__file__)\n");
    let files = [("work/main.py", main.as_str()), ("work/module.py", module.as_str())];
    let (slow, quick) = (ran(image(&files)), ran(compiled(&files)));
    assert_eq!(stdout(&quick, 0), "module [5, 14] /work/main.py /work/module.py\n", "{}", all(&quick));
    assert_eq!(stdout(&slow, 0), stdout(&quick, 0));
    assert!(quick.nodes[0].fuel * 4 < slow.nodes[0].fuel, "{} of {}", quick.nodes[0].fuel, slow.nodes[0].fuel);
}

#[test]
fn what_cannot_be_compiled_is_told_by_its_own_life() {
    for (text, told) in [("print(", "SyntaxError"), ("x = 1\0", "null bytes")] {
        let ran = ran(compiled(&[("work/main.py", text)]));
        assert!(stderr(&ran, 0).contains(told), "{}", all(&ran));
    }
}

#[test]
fn a_program_that_rewrites_a_file_runs_the_new_text() {
    let main = "
import importlib, module
open('/work/module.py', 'w').write('word = \"new\"')
importlib.reload(module)
print(module.word)
";
    let ran = ran(compiled(&[("work/main.py", main), ("work/module.py", "word = 'old'")]));
    assert_eq!(stdout(&ran, 0), "new\n", "{}", all(&ran));
}

#[test]
fn tracebacks_show_the_text() {
    let ran = ran(compiled(&[("work/main.py", "def fail():\n    raise ValueError('no')\n\n\nfail()\n")]));
    assert_eq!(exit(&ran, 0), Exit::Exited(1));
    assert!(
        stderr(&ran, 0).contains("File \"/work/main.py\", line 2, in fail\n    raise ValueError('no')\n"),
        "{}",
        all(&ran)
    );
}

#[test]
fn no_text_has_a_say_in_another_one() {
    // What is compiled runs nothing, be it named as what compiles.
    let evil = "raise SystemExit(open('/pycache/work/main.cpython-314.pyc', 'wb').write(b'evil'))";
    let files = [("work/py_compile.py", evil), ("work/warnings.py", evil), ("work/main.py", "print('good')")];
    let ran = ran(compiled(&files));
    assert_eq!(stdout(&ran, 0), "good\n", "{}", all(&ran));
}
