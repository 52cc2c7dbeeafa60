//! A template as a Python interpreter: what is forked from it has started already.
//!
//! The interpreter is started as for a program, with a name of ours in the place of the program's. At the end of its
//! start it looks for the module `sitecustomize`, and in the template's root finds ours (`python/template/`), which
//! loads this library as the module `practicum` and calls `serve`. There the process lives on as template, slot and
//! init; the call returns only in what is to become a program. It then lacks nothing but that program's name and
//! arguments, which are put into the interpreter's configuration; our module says that it does not exist, as in any
//! interpreter without a `sitecustomize`; and Python's own main function goes on to read and run the program. So every
//! step that a student can see is the one that a fresh interpreter takes.
//!
//! The configuration is `PyConfig`, which has public setters for its fields. Where the fields are differs from version
//! to version: they are found by what is in them, the name of ours.
//!
//! Python's functions are looked up in the running process, so that this library can also be linked into programs that
//! are no interpreter.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use super::interpreter::{Role, environment};
use super::kernel;
use super::launcher::{Life, Template, named};
use super::program::out_of_the_way;
use super::rehearsal;

/// The program of a rehearsal.
const REHEARSAL: &str = "/practicum/template/rehearsal.py";
/// Where a template's interpreter has its channel.
const ORDERS: i32 = 3;
/// How much of `PyConfig` is searched; it has some 400 bytes.
const CONFIGURATION_BYTES: usize = 1024;
const WORD: usize = size_of::<usize>();

/// Starts the interpreter in the template's root; returns only to tell why it could not.
pub fn exec_template(role: Role, orders: OwnedFd, voice: &OwnedFd) -> io::Error {
    let prepared = (|| {
        // Standard input is a pipe in programs too: what the interpreter finds out about it stays true.
        let input = out_of_the_way(&rustix::pipe::pipe()?.0)?;
        let (orders, voice) = (out_of_the_way(&orders)?, out_of_the_way(voice)?);
        for (number, descriptor) in [(0, &input), (1, &voice), (2, &voice), (ORDERS, &orders)] {
            kernel::install_descriptor(descriptor.as_fd(), number)?;
        }
        rustix::process::chdir("/work")?;
        kernel::reset_signals();
        let strings = |words: Vec<String>| words.into_iter().map(|word| CString::new(word).expect("no NUL in ours"));
        let environment = environment().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok((strings(role.command(role.template_name())).collect(), strings(environment).collect()))
    })();
    match prepared {
        Ok((argv, environment)) => {
            let (argv, environment): (Vec<CString>, Vec<CString>) = (argv, environment);
            kernel::execve(&argv, &environment)
        }
        Err(error) => error,
    }
}

/// Lives as a template; gives back, as `sitecustomize` reads it, what the program is that this process has become: how
/// many words its command has, the command, and the modules that are banned.
fn serve_template() -> io::Result<Vec<u8>> {
    let python = Python::find()?;
    let arguments = std::fs::read("/proc/self/cmdline")?;
    let name = arguments.split(|byte| *byte == 0).rfind(|word| !word.is_empty()).unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    let role = Role::of_template(&name).ok_or_else(|| io::Error::other(format!("no template is called {name:?}")))?;
    let configuration = named("find the configuration", python.configuration(&name))?;
    // SAFETY: the descriptor was put there for this process, and nobody else knows of it.
    let orders = unsafe { OwnedFd::from_raw_fd(ORDERS) };
    // For the life that follows, which may end in a program of its own descriptors.
    let orders = rustix::io::fcntl_dupfd_cloexec(&orders, ORDERS + 1).map(|copy| (copy, drop(orders)).0)?;
    kernel::trim_heap();
    let (argv, bans) = match role.ends_by_itself() && rehearsal::rehearse()? {
        true => (role.command(REHEARSAL), vec![]),
        false => {
            let template = Life::Template(Template::new(role, orders, true));
            template.live()?.unwrap_or_else(|| std::process::exit(0)).begin()?
        }
    };
    python.after_fork();
    python.configure(&configuration, &argv[role.flags().len()..])?;
    // For `/proc/self/cmdline`; where the kernel does not let us, that tells the template's.
    let text: Vec<u8> = argv.iter().flat_map(|word| word.bytes().chain([0])).collect();
    let _ = kernel::set_arguments(text.leak());
    let words: Vec<String> = std::iter::once(argv.len().to_string()).chain(argv).chain(bans).collect();
    Ok(words.join("\0").into_bytes())
}

type Object = c_void;
type Wide = libc::wchar_t;
type GetConfig = unsafe extern "C" fn() -> *mut c_void;
type SetString = unsafe extern "C" fn(*mut c_void, *mut *mut Wide, *const Wide) -> Status;
type SetWideStringList = unsafe extern "C" fn(*mut c_void, *mut c_void, isize, *const *mut Wide) -> Status;
type AfterFork = unsafe extern "C" fn();
type BytesFromString = unsafe extern "C" fn(*const c_char, isize) -> *mut Object;
type DefineModule = unsafe extern "C" fn(*mut ModuleDefinition) -> *mut Object;

/// `PyStatus` of `cpython/initconfig.h`.
#[repr(C)]
struct Status {
    kind: c_int,
    function: *const c_char,
    message: *const c_char,
    exit_code: c_int,
}

/// Functions of the interpreter that this process is.
struct Python {
    config: GetConfig,
    set_string: SetString,
    set_list: SetWideStringList,
    after_fork: AfterFork,
}

/// Addresses of the fields of `PyConfig` that name the program.
struct Configuration {
    config: *mut c_void,
    /// `wchar_t *run_filename`
    file: *mut *mut Wide,
    /// `PyWideStringList argv`
    arguments: *mut c_void,
}

impl Python {
    fn find() -> io::Result<Python> {
        // SAFETY: the types are those of CPython's headers; where a function does not exist nothing is converted.
        unsafe {
            Ok(Python {
                config: std::mem::transmute::<*mut c_void, GetConfig>(symbol(c"_Py_GetConfig")?),
                set_string: std::mem::transmute::<*mut c_void, SetString>(symbol(c"PyConfig_SetString")?),
                set_list: std::mem::transmute::<*mut c_void, SetWideStringList>(symbol(c"PyConfig_SetWideStringList")?),
                after_fork: std::mem::transmute::<*mut c_void, AfterFork>(symbol(c"PyOS_AfterFork_Child")?),
            })
        }
    }

    /// Looks for `name`: as a string of its own, which is made absolute, and as the only item of a list.
    fn configuration(&self, name: &str) -> io::Result<Configuration> {
        // SAFETY: called from the interpreter's own thread, which holds its lock.
        let config = unsafe { (self.config)() };
        let memory = OwnMemory::open()?;
        let (relative, absolute) = (wide(name), wide(&format!("/work/{name}")));
        let mut found = Configuration { config, file: std::ptr::null_mut(), arguments: std::ptr::null_mut() };
        let mut count = 0;
        for address in (config.addr()..config.addr() + CONFIGURATION_BYTES).step_by(WORD) {
            let Some(value) = memory.word(address) else { break };
            let field = config.with_addr(address);
            if memory.holds(value, &absolute) {
                found.file = field.cast();
                count += 1;
            }
            let is_list = memory.word(address.wrapping_sub(WORD)) == Some(1);
            if is_list && memory.word(value).is_some_and(|first| memory.holds(first, &relative)) {
                found.arguments = config.with_addr(address - WORD);
                count += 1;
            }
        }
        match found {
            Configuration { file, arguments, .. } if !file.is_null() && !arguments.is_null() && count == 2 => Ok(found),
            _ => Err(io::Error::other(format!("the program's name is in {count} fields, not in two"))),
        }
    }

    /// Puts a program in the place of the template's name.
    fn configure(&self, configuration: &Configuration, argv: &[String]) -> io::Result<()> {
        let absolute = std::path::Path::new("/work").join(&argv[0]);
        let file = wide(&absolute.to_string_lossy());
        let mut words: Vec<Vec<Wide>> = argv.iter().map(|word| wide(word)).collect();
        let pointers: Vec<*mut Wide> = words.iter_mut().map(|word| word.as_mut_ptr()).collect();
        let (file_field, list) = (configuration.file, configuration.arguments);
        // SAFETY: the fields were found in the configuration; the setters copy what they are given.
        let statuses = unsafe {
            [
                (self.set_string)(configuration.config, file_field, file.as_ptr()),
                (self.set_list)(configuration.config, list, pointers.len().cast_signed(), pointers.as_ptr()),
            ]
        };
        match statuses.iter().all(|status| status.kind == 0) {
            true => Ok(()),
            false => Err(io::Error::other("the interpreter does not take the program's name")),
        }
    }

    fn after_fork(&self) {
        // SAFETY: this is the only thread, in a child that has come from forks since the interpreter's start.
        unsafe { (self.after_fork)() }
    }
}

fn symbol(name: &CStr) -> io::Result<*mut c_void> {
    // SAFETY: a lookup by name in what is loaded already.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    match address.is_null() {
        true => Err(io::Error::other(format!("this interpreter has no {}", name.to_string_lossy()))),
        false => Ok(address),
    }
}

/// UTF-8 is the locale of every sandbox.
fn wide(text: &str) -> Vec<Wide> {
    text.chars().map(|character| u32::from(character) as Wide).chain([0]).collect()
}

/// Memory of our own, read by way of the kernel, which tells instead of crashing when there is none. Calls that read any
/// process's memory are forbidden to many containers; this file is not.
struct OwnMemory(std::fs::File);

impl OwnMemory {
    fn open() -> io::Result<OwnMemory> {
        Ok(OwnMemory(std::fs::File::open("/proc/self/mem")?))
    }

    fn read(&self, address: usize, bytes: &mut [u8]) -> bool {
        self.0.read_exact_at(bytes, address as u64).is_ok()
    }

    /// The word at an address, if there is memory.
    fn word(&self, address: usize) -> Option<usize> {
        let mut word = [0; WORD];
        self.read(address, &mut word).then(|| usize::from_ne_bytes(word))
    }

    fn holds(&self, address: usize, text: &[Wide]) -> bool {
        let mut bytes = vec![0; size_of_val(text)];
        self.read(address, &mut bytes)
            && bytes.chunks_exact(size_of::<Wide>()).zip(text).all(|(chunk, wide)| chunk == wide.to_ne_bytes())
    }
}

/// `PyModuleDef` and what it is made of, of `cpython/moduleobject.h`.
#[repr(C)]
struct ModuleDefinition {
    references: isize,
    kind: *const Object,
    init: *const c_void,
    index: isize,
    copy: *const Object,
    name: *const c_char,
    documentation: *const c_char,
    state_bytes: isize,
    methods: *mut Method,
    /// Slots, traverse, clear, free.
    rest: [*const c_void; 4],
}

/// `PyMethodDef`
#[repr(C)]
struct Method {
    name: *const c_char,
    function: Option<extern "C" fn(*mut Object, *mut Object) -> *mut Object>,
    flags: c_int,
    documentation: *const c_char,
}

const METHOD_WITHOUT_ARGUMENTS: c_int = 4;

/// The module `practicum`, made by the import of this library.
#[unsafe(no_mangle)]
pub extern "C" fn PyInit_practicum() -> *mut Object {
    const NOTHING: Method =
        Method { name: std::ptr::null(), function: None, flags: 0, documentation: std::ptr::null() };
    let serve = Method { name: c"serve".as_ptr(), function: Some(serve), flags: METHOD_WITHOUT_ARGUMENTS, ..NOTHING };
    let definition = ModuleDefinition {
        references: 1,
        kind: std::ptr::null(),
        init: std::ptr::null(),
        index: 0,
        copy: std::ptr::null(),
        name: c"practicum".as_ptr(),
        documentation: std::ptr::null(),
        state_bytes: 0,
        methods: Box::leak(Box::new([serve, NOTHING])).as_mut_ptr(),
        rest: [std::ptr::null(); 4],
    };
    let init = symbol(c"PyModuleDef_Init").unwrap_or_else(|error| give_up(&error));
    // SAFETY: the definition lives as long as the process.
    unsafe { std::mem::transmute::<*mut c_void, DefineModule>(init)(Box::leak(Box::new(definition))) }
}

/// `practicum.serve()`, see [`serve_template`].
extern "C" fn serve(_module: *mut Object, _arguments: *mut Object) -> *mut Object {
    let told = serve_template().and_then(|text| Ok((text, symbol(c"PyBytes_FromStringAndSize")?)));
    let (text, bytes) = told.unwrap_or_else(|error| give_up(&error));
    // SAFETY: the function copies as many bytes as it is told.
    unsafe {
        std::mem::transmute::<*mut c_void, BytesFromString>(bytes)(text.as_ptr().cast(), text.len().cast_signed())
    }
}

/// Templates and what comes from them end in no other way: an interpreter that went on would look for our name.
fn give_up(error: &io::Error) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}
