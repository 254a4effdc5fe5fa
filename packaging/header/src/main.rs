//! Writes what is generated from the library's source: `cargo run -p b2auth-header`, or `make header`.
//!
//! `include/b2auth.h` comes from `src/ffi` and from the lists that the library itself uses; so do the tables of options in
//! the command, its completions, the man pages and the documents. It is a program of its own so that nobody who builds the
//! library has to build cbindgen. With `--doxygen FILE` it writes the header as Doxygen is to read it.

mod enums;
mod fragments;
mod groups;
mod header;
mod options;

use std::path::{Path, PathBuf};
use std::{env, fs, process::ExitCode};

/// Whom the header is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The compiler, and people.
    Header,
    /// Doxygen, which sets tables and links.
    Doxygen,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => header::generate(Form::Header)
            .and_then(|text| write(&root().join("include/b2auth.h"), &text))
            .and_then(|()| fragments::write_all()),
        ["--doxygen", path] => header::generate(Form::Doxygen).and_then(|text| write(Path::new(path), &text)),
        _ => Err("usage: b2auth-header [--doxygen FILE]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("b2auth-header: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    // What is as it should be keeps its time, so that nothing is built again for it.
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
