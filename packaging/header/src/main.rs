//! Writes `include/b2auth.h` from `src/ffi`: `cargo run -p b2auth-header`, or `make header`.
//!
//! It is a program of its own so that nobody who builds the library has to build cbindgen.

use std::path::{Path, PathBuf};
use std::{fs, process::ExitCode};

/// The files of the border, in the order in which a reader of the header meets them.
const FILES: [&str; 7] = ["status", "authorize", "session", "error", "options", "cancel", "library"];

/// The width of a terminal, which no line of the header fills.
const LINE: usize = 80;

fn main() -> ExitCode {
    let path = root().join("include/b2auth.h");
    match generate().and_then(|text| fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))) {
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

fn generate() -> Result<String, String> {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml"))?;
    config.after_includes = Some(macros());
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in FILES {
        builder = builder.with_src(root().join("src/ffi").join(name).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder.generate().map_err(|e| e.to_string())?.write(&mut text);
    let text = String::from_utf8(text).map_err(|e| e.to_string())?;
    Ok(short_comments_on_one_line(&text))
}

/// cbindgen spreads every comment over three lines or more; one that fits on one is easier to read there.
fn short_comments_on_one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = lines.as_slice();
    while let [line, after @ ..] = rest {
        let short = match rest {
            [open, middle, close, ..] if open.trim() == "/**" && close.trim() == "*/" => {
                let said = middle.trim().trim_start_matches("* ");
                Some(open.replace("/**", &format!("/** {said} */"))).filter(|joined| joined.len() < LINE)
            }
            _ => None,
        };
        rest = if short.is_some() { &rest[3..] } else { after };
        out.push_str(short.as_deref().unwrap_or(line));
        out.push('\n');
    }
    out
}

/// The version, taken from Cargo.toml here and nowhere else (the workspace has one version).
fn macros() -> String {
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    let part = |text: &str| text.parse::<u32>().expect("Cargo checked that it is a number");
    let number = part(major) << 16 | part(minor) << 8 | part(patch);
    format!(
        "
#define B2_VERSION_MAJOR {major}
#define B2_VERSION_MINOR {minor}
#define B2_VERSION_PATCH {patch}
/** 0xMMmmpp: a later version is a larger number. */
#define B2_VERSION_NUMBER 0x{number:06x}
/** What b2_abi_version() answers if the library fits this header. */
#define B2_ABI_VERSION {major}

/** The compiler warns when the answer of such a function is not looked at. */
#if defined(__GNUC__)
#define B2_NODISCARD __attribute__((warn_unused_result))
#elif defined(_MSC_VER)
#define B2_NODISCARD _Check_return_
#else
#define B2_NODISCARD
#endif"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_committed_header_is_what_the_source_says() {
        let committed = fs::read_to_string(root().join("include/b2auth.h")).expect("include/b2auth.h is there");
        let generated = generate().expect("the source can be read");
        assert!(committed == generated, "include/b2auth.h is not what src/ffi says: run `make header`");
    }

    #[test]
    fn every_file_of_the_border_is_read() {
        let there: BTreeSet<String> = fs::read_dir(root().join("src/ffi"))
            .expect("src/ffi is there")
            .map(|entry| entry.expect("it can be listed").path())
            .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("#[unsafe(no_mangle)]")))
            .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
            .collect();
        let missed: Vec<_> = there.iter().filter(|name| !FILES.contains(&name.as_str())).collect();
        assert!(missed.is_empty(), "name these in FILES, or their functions are not in the header: {missed:?}");
    }
}
