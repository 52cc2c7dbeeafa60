//! The submission's modules: compiled once, executed afresh in every run.
//!
//! A module is what lies under its name in the current folder, as for any program; a finder of ours gives the code that
//! was compiled before, so that what the tracer knows of it is kept. Files are called by their paths in the submission.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyDict, PyModule, PyString};
use schedules::words::{Granularity, Subject};

use crate::frames::{self, Side};
use crate::held::Held;
use crate::tracer;

/// Largest source of one module.
const SOURCE_BYTES_MAX: u64 = 1 << 20;

/// One module of the submission.
#[derive(Debug)]
struct Source {
    file: String,
    code: Py<PyCode>,
    is_package: bool,
    checksum: u32,
}

#[derive(Debug, Default)]
struct Sources {
    by_name: BTreeMap<String, Source>,
    granularity: Granularity,
    /// Modules that this run has loaded.
    loaded: Vec<String>,
}

static SOURCES: Held<RefCell<Option<Sources>>> = Held::new(RefCell::new(None));

/// Forgets all sources and begins with the module under test; its name, or why there is none.
pub fn begin(py: Python<'_>, subject: &Subject, granularity: Granularity) -> PyResult<Result<String, String>> {
    unload(py)?;
    frames::forget(py, Side::Submission);
    frames::forget(py, Side::Driver);
    let before = SOURCES.borrow_mut().replace(Sources { granularity, ..Sources::default() });
    drop(before);
    let (name, found) = match subject {
        Subject::File(file) => {
            let path = Path::new(file);
            let stem = path.with_extension("");
            let name = stem.to_string_lossy().replace('/', ".");
            (name, read(path).map(|text| (file.clone(), text)))
        }
        Subject::Text { name, text } => {
            let stem = Path::new(name).with_extension("").to_string_lossy().into_owned();
            (stem, Some((name.clone(), text.clone().into_bytes())))
        }
    };
    let Some((file, text)) = found else { return Ok(Err(format!("there is no file {name}.py"))) };
    if let Subject::Text { .. } = subject {
        let lines = PyString::new(py, &String::from_utf8_lossy(&text)).call_method1("splitlines", (true,))?;
        let cache = py.import("linecache")?.getattr("cache")?;
        cache.set_item(&file, (text.len(), py.None(), lines, &file))?;
    }
    Ok(match compile(py, &name, &file, &text, false)? {
        Ok(()) => {
            imports_too(py, &name)?;
            watch(py)?;
            Ok(name)
        }
        Err(reason) => Err(reason),
    })
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let small = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= SOURCE_BYTES_MAX);
    if small { std::fs::read(path).ok() } else { None }
}

/// A file of the submission that holds module `name`, and whether it is a package.
fn find(name: &str) -> Option<(PathBuf, bool)> {
    if name.split('.').any(|part| part.is_empty() || part.contains('/')) {
        return None;
    }
    let stem = PathBuf::from(name.replace('.', "/"));
    let package = stem.join("__init__.py");
    if package.is_file() {
        return Some((package, true));
    }
    let file = stem.with_extension("py");
    file.is_file().then_some((file, false))
}

/// Compiles and keeps a module; the inner error is the author's, in words.
fn compile(py: Python<'_>, name: &str, file: &str, text: &[u8], is_package: bool) -> PyResult<Result<(), String>> {
    let file_text = PyString::new(py, file);
    let arguments = (PyBytes::new(py, text), &file_text, "exec", 0, true);
    let code = match py.import("builtins")?.call_method1("compile", arguments) {
        Ok(code) => code.cast_into::<PyCode>()?,
        Err(error)
            if error.is_instance_of::<PySyntaxError>(py)
                || error.is_instance_of::<pyo3::exceptions::PyValueError>(py) =>
        {
            return Ok(Err(format!("{file} cannot be compiled: {}", error.value(py))));
        }
        Err(error) => return Err(error),
    };
    let own = code.getattr("co_filename")?.cast_into::<PyString>()?;
    frames::know(&own, Side::Submission);
    let source = Source { file: file.to_owned(), code: code.unbind(), is_package, checksum: crc32(text) };
    if let Some(sources) = SOURCES.borrow_mut().as_mut() {
        sources.by_name.insert(name.to_owned(), source);
    }
    Ok(Ok(()))
}

/// Compiles what the module seems to import, so that one analysis sees all of it before anything runs.
fn imports_too(py: Python<'_>, name: &str) -> PyResult<()> {
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let code = SOURCES.borrow().as_ref().and_then(|sources| Some(sources.by_name.get(&name)?.code.clone_ref(py)));
        let Some(code) = code else { continue };
        let mut names = Vec::new();
        names_in(code.bind(py), &mut names)?;
        let package = name.rsplit_once('.').map(|(package, _)| package.to_owned());
        for found in names {
            let inside = package.as_ref().map(|package| format!("{package}.{found}"));
            for candidate in [Some(found), inside].into_iter().flatten() {
                if compile_by_name(py, &candidate)? {
                    open.push(candidate);
                }
            }
        }
    }
    Ok(())
}

/// All names that the code and those below it use, whatever for.
fn names_in(code: &Bound<'_, PyCode>, names: &mut Vec<String>) -> PyResult<()> {
    names.extend(code.getattr("co_names")?.extract::<Vec<String>>()?);
    for constant in code.getattr("co_consts")?.try_iter()? {
        if let Ok(below) = constant?.cast::<PyCode>() {
            names_in(below, names)?;
        }
    }
    Ok(())
}

/// Whether a module of that name was there and not yet compiled, and could be.
fn compile_by_name(py: Python<'_>, name: &str) -> PyResult<bool> {
    if SOURCES.borrow().as_ref().is_none_or(|sources| sources.by_name.contains_key(name)) {
        return Ok(false);
    }
    let Some((path, is_package)) = find(name) else { return Ok(false) };
    let Some(text) = read(&path) else { return Ok(false) };
    compile(py, name, &path.to_string_lossy(), &text, is_package).map(|compiled| compiled.is_ok())
}

fn watch(py: Python<'_>) -> PyResult<()> {
    let (codes, granularity) = match SOURCES.borrow().as_ref() {
        Some(sources) => {
            let codes = sources.by_name.values().map(|source| source.code.bind(py).clone());
            (codes.collect::<Vec<_>>(), sources.granularity)
        }
        None => return Ok(()),
    };
    tracer::watch(py, &codes, granularity)
}

/// Code is about to be executed that nobody has looked at: it is watched, unless it is the library's.
pub fn met(code: &Bound<'_, PyCode>) -> PyResult<()> {
    let file: String = code.getattr("co_filename")?.extract()?;
    let library = ["/usr/lib/", "/practicum/", "<frozen "].iter().any(|place| file.starts_with(place));
    let granularity = SOURCES.borrow().as_ref().map(|sources| sources.granularity);
    match granularity {
        Some(granularity) if !library && !tracer::is_watched(code) => {
            tracer::watch(code.py(), std::slice::from_ref(code), granularity)
        }
        _ => Ok(()),
    }
}

/// Of all sources.
pub fn checksum(_py: Python<'_>) -> u32 {
    let sources = SOURCES.borrow();
    let all = sources.iter().flat_map(|sources| &sources.by_name);
    let told = all.map(|(name, source)| format!("{name} {}\n", source.checksum)).collect::<String>();
    crc32(told.as_bytes())
}

/// Executes the module under test afresh.
pub fn load<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyModule>> {
    let spec = spec(py, name)?.expect("begun with it");
    let module = py.import("_frozen_importlib")?.getattr("module_from_spec")?.call1((&spec,))?;
    let module = module.cast_into::<PyModule>()?;
    py.import("sys")?.getattr("modules")?.set_item(name, &module)?;
    execute(&module)?;
    Ok(module)
}

fn execute(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let name = module.name()?.to_string();
    let code = match SOURCES.borrow_mut().as_mut() {
        Some(sources) => {
            let code = sources.by_name.get(&name).map(|source| source.code.clone_ref(py));
            sources.loaded.push(name);
            code
        }
        None => None,
    };
    let Some(code) = code else { return Ok(()) };
    run(code.bind(py), &module.dict())
}

/// Executes a module's code in `names`.
pub fn run(code: &Bound<'_, PyCode>, names: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = code.py();
    names.set_item(pyo3::intern!(py, "__builtins__"), py.import(pyo3::intern!(py, "builtins"))?)?;
    // SAFETY: a code object and a dictionary; a new reference or an error.
    let done = unsafe { pyo3::ffi::PyEval_EvalCode(code.as_ptr(), names.as_ptr(), names.as_ptr()) };
    // SAFETY: as above.
    unsafe { Bound::from_owned_ptr_or_err(py, done) }.map(drop)
}

/// After a run: the next one imports everything again.
pub fn unload(py: Python<'_>) -> PyResult<()> {
    let loaded = SOURCES.borrow_mut().as_mut().map(|sources| std::mem::take(&mut sources.loaded)).unwrap_or_default();
    if loaded.is_empty() {
        return Ok(());
    }
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    for name in loaded {
        if let Some(module) = modules.get_item(&name)? {
            modules.del_item(&name)?;
            drop(module);
        }
    }
    Ok(())
}

fn spec<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = SOURCES.borrow().as_ref().and_then(|sources| {
        let source = sources.by_name.get(name)?;
        Some((source.file.clone(), source.is_package))
    });
    let Some((file, is_package)) = found else { return Ok(None) };
    let keywords = PyDict::new(py);
    let path = std::env::current_dir().unwrap_or_default().join(&file);
    keywords.set_item("origin", path.to_string_lossy())?;
    keywords.set_item("is_package", is_package)?;
    let loader = Bound::new(py, Finder)?;
    let spec = py.import("_frozen_importlib")?.getattr("ModuleSpec")?.call((name, loader), Some(&keywords))?;
    spec.setattr("has_location", true)?;
    if is_package && let Some(folder) = path.parent() {
        spec.setattr("submodule_search_locations", vec![folder.to_string_lossy().into_owned()])?;
    }
    Ok(Some(spec))
}

/// Finds and loads modules of the submission; first on `sys.meta_path`.
#[pyclass(module = "importlib.machinery", name = "SourceFileLoader", frozen)]
#[derive(Debug)]
pub struct Finder;

#[pymethods]
impl Finder {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = (path, target);
        if compile_by_name(py, name)? {
            imports_too(py, name)?;
            watch(py)?;
        }
        match spec(py, name)? {
            Some(spec) => Ok(Some(spec)),
            None => crate::managed::asyncio::spec(py, name),
        }
    }

    fn create_module(&self, py: Python<'_>, spec: &Bound<'_, PyAny>) -> Py<PyAny> {
        let _ = spec;
        py.None()
    }

    fn exec_module(&self, module: &Bound<'_, PyModule>) -> PyResult<()> {
        execute(module)
    }
}

/// CRC-32 as of Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
