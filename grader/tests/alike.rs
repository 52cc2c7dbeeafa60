//! A program cannot tell whether its interpreter was forked from a template or started for it: every program in `alike/`
//! is run both ways and says the same, ends the same, and complains the same.
//!
//! A program's head may hold `# arguments: …`, `# ban: …` and `# file: NAME CONTENT`. Lines that begin with `differs:`
//! must not be the same. Addresses are left out of the comparison.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use grader::Grader;
use grader::sandbox::{Exit, Launcher, Role, SandboxLimits, environment};
use grader::submission::FileName;
use libtest_mimic::{Arguments, Failed, Trial};

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 20, memory_bytes: 256 << 20, processes: 64, work_bytes: 16 << 20, work_files: 1024 };

fn main() {
    grader::sandbox::launcher_main();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alike");
    let tests = std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            [Role::Submission, Role::Module].map(|role| {
                let path = path.clone();
                Trial::test(format!("{name} as {role:?}"), move || alike(&path, role))
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

#[derive(Debug, PartialEq)]
struct Said {
    exit: Exit,
    output: String,
    complaint: String,
}

fn alike(path: &Path, role: Role) -> Result<(), Failed> {
    let mut source = std::fs::read_to_string(path)?;
    if role == Role::Module {
        // What such an interpreter is for; the rest is compared from there on.
        source
            .insert_str(0, "import sys; sys.path.insert(0, '/practicum/library/shim'); import shim; del sys.path[0]; ");
    }
    let grader = Grader::new(true)?;
    let fresh = run(&mut grader.cold_launcher()?, role, &source)?;
    let warm = run(&mut grader.launcher()?, role, &source)?;
    let (same, differing): (Vec<_>, Vec<_>) =
        warm.output.lines().zip(fresh.output.lines()).partition(|(line, _)| !line.starts_with("differs:"));
    if let Some((line, _)) = differing.iter().find(|(warm, fresh)| warm == fresh) {
        return Err(format!("must differ: {line}").into());
    }
    if let Some((warm, fresh)) = same.iter().find(|(warm, fresh)| warm != fresh) {
        return Err(format!("fresh: {fresh}\nwarm:  {warm}").into());
    }
    if (warm.output.lines().count(), warm.exit, &warm.complaint)
        != (fresh.output.lines().count(), fresh.exit, &fresh.complaint)
    {
        return Err(format!("fresh: {fresh:#?}\nwarm: {warm:#?}").into());
    }
    Ok(())
}

fn run(launcher: &mut Launcher, role: Role, source: &str) -> Result<Said, Failed> {
    launcher.world()?;
    let heads = |name: &str| -> Vec<String> {
        let head = format!("# {name}: ");
        source.lines().filter_map(|line| line.split_once(&head)).map(|(_, rest)| rest).map(str::to_owned).collect()
    };
    let mut sandbox = launcher.sandbox(role, LIMITS, &[], &heads("ban"))?;
    sandbox.work().write(&FileName::parse(b"the program.py")?, source.as_bytes())?;
    for file in heads("file") {
        let (name, content) = file.split_once(' ').expect("a name and a content");
        sandbox.work().write(&FileName::parse(name.as_bytes())?, content.replace("\\n", "\n").as_bytes())?;
    }
    let (input, mut input_end) = std::io::pipe()?;
    std::io::Write::write_all(&mut input_end, b"a line\n")?;
    drop(input_end);
    let ((output, output_end), (complaint, complaint_end)) = (std::io::pipe()?, std::io::pipe()?);
    let descriptors: [OwnedFd; 3] = [input.into(), output_end.into(), complaint_end.into()];
    let mut argv = role.command("the program.py");
    argv.extend(heads("arguments").iter().flat_map(|line| line.split(' ').map(|word| word.replace("\"\"", ""))));
    let id = sandbox.spawn(&argv, &environment(), &descriptors.each_ref().map(AsFd::as_fd))?;
    drop(descriptors);
    let complaint = std::thread::spawn(move || read(complaint));
    let output = read(output);
    let exit = sandbox.exit_of(id)?.ok_or("the sandbox died")?;
    Ok(Said { exit, output: without_addresses(&output), complaint: without_addresses(&complaint.join().unwrap()) })
}

fn read(mut pipe: std::io::PipeReader) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `<object at 0x7f…>`
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "0x" + part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()))
}
