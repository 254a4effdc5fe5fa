//! The header itself: cbindgen's output, set as a book would set it, in groups.

use super::{Form, enums, groups, options, root};

/// The files of the border, in the order in which a reader of the header meets them.
pub const FILES: [&str; 10] =
    ["status", "authorize", "json", "diagnose", "session", "error", "options", "log", "cancel", "global"];

/// Stands in a doc comment where the table of options belongs.
const OPTIONS: &str = "{options}";

/// How wide a comment may be, as `line_length` says for the rest.
const WIDTH: usize = 79;

/// The header, for the compiler and for people, or for Doxygen.
pub fn generate(form: Form) -> Result<String, String> {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml"))?;
    config.after_includes = Some(macros());
    let enums = enums::source();
    let mut builder = cbindgen::Builder::new().with_config(config).with_src(enums.path());
    for name in FILES {
        builder = builder.with_src(root().join("src/ffi").join(name).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder.generate().map_err(|e| e.to_string())?.write(&mut text);
    let text = String::from_utf8(text).map_err(|e| e.to_string())?;
    let text = enums::fix_type_in_cpp(&join_prototypes(&set_comments(&text, form)));
    groups::insert(&text, form)
}

/// Sets the comments as a book would: the source is wider than a terminal, and cbindgen takes three lines for one.
/// The first comment is the introduction, which is as it should be.
fn set_comments(text: &str, form: Form) -> String {
    let (introduction, rest) = text.split_once(" */\n").expect("the header begins with its introduction");
    let mut out = match form {
        Form::Header => format!("{introduction} */\n"),
        Form::Doxygen => main_page(introduction),
    };
    let mut comment: Option<Vec<&str>> = None;
    for line in rest.lines() {
        let bare = line.trim_start();
        match &mut comment {
            None if bare == "/**" => comment = Some(Vec::new()),
            None => out.extend([line, "\n"]),
            Some(said) if bare == "*/" => {
                set_comment(&mut out, &line[..line.len() - bare.len() - 1], said, form);
                comment = None;
            }
            Some(said) => {
                let text = bare.strip_prefix('*').unwrap_or(bare);
                said.push(text.strip_prefix(' ').unwrap_or(text).trim_end());
            }
        }
    }
    out
}

/// The introduction as Doxygen's main page: its two columns become a list.
fn main_page(introduction: &str) -> String {
    let text = introduction.replace("@file b2auth.h\n", "@mainpage b2auth\n *\n");
    let line = |line: &str| match line.strip_prefix(" * ").map(|text| (text, text.split_once("  "))) {
        Some((_, Some(("", continued)))) => format!(" *   {}\n", continued.trim_start()),
        Some((_, Some((name, meaning)))) => format!(" * - **{name}**: {}\n", meaning.trim_start()),
        _ => format!("{line}\n"),
    };
    let text: String = text.lines().map(line).collect();
    let text = text
        .replace(" * Generated from", " * Start with @ref authorize. Each chapter is a module.\n *\n * Generated from");
    format!("{text} */\n\n/**\n * @file b2auth.h\n * All of the interface.\n */\n")
}

fn set_comment(out: &mut String, indent: &str, said: &[&str], form: Form) {
    if let [line] = said
        && indent.len() + line.len() + "/**  */".len() <= WIDTH
    {
        *out += &format!("{indent}/** {line} */\n");
        return;
    }
    *out += &format!("{indent}/**\n");
    let mut line = String::new();
    // An empty line, an item of a list and a row of a table start a new line. A row stays as it is.
    for part in said {
        let row = part.starts_with(' ');
        if part.is_empty() || part.starts_with("- ") || row {
            end_line(out, indent, &mut line);
        }
        if row {
            *out += &format!("{indent} * {part}\n");
            continue;
        }
        if *part == OPTIONS {
            options::rows(form, WIDTH - 3).iter().for_each(|row| *out += &format!("{indent} * {row}\n"));
            continue;
        }
        if part.is_empty() {
            *out += &format!("{indent} *\n");
        }
        for word in part.split_ascii_whitespace() {
            if !line.is_empty() && indent.len() + 3 + line.len() + 1 + word.len() > WIDTH {
                end_line(out, indent, &mut line);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
    }
    end_line(out, indent, &mut line);
    *out += &format!("{indent} */\n");
}

fn end_line(out: &mut String, indent: &str, line: &mut String) {
    if !line.is_empty() {
        *out += &format!("{indent} * {line}\n");
        line.clear();
    }
}

/// cbindgen breaks a prototype for the sake of a long line in its comment. What fits on one line is put on one.
fn join_prototypes(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut prototype = vec![line];
        while prototype[0].contains('(') && prototype.last().is_some_and(|line| line.ends_with(',')) {
            prototype.extend(lines.next());
        }
        let joined = prototype.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let fits = prototype.len() > 1 && joined.len() <= WIDTH;
        out += if fits { &joined } else { line };
        out.push('\n');
        if !fits {
            prototype[1..].iter().for_each(|line| out.extend([line, "\n"]));
        }
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
/** The header's version: a change of this number may break programs. */
#define B2_VERSION_MAJOR {major}
/** Something was added (before 1.0: or changed). */
#define B2_VERSION_MINOR {minor}
/** Something was corrected. */
#define B2_VERSION_PATCH {patch}
/** 0xMMmmpp: a later version is a larger number. */
#define B2_VERSION_NUMBER 0x{number:06x}

/** The compiler warns if the result of such a function is ignored. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) || \\
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define B2_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
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
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn the_committed_header_is_what_the_source_says() {
        let committed = fs::read_to_string(root().join("include/b2auth.h")).expect("include/b2auth.h is there");
        let generated = generate(Form::Header).expect("the source can be read");
        assert!(committed == generated, "include/b2auth.h is not what src/ffi says: run `make header`");
    }

    #[test]
    fn every_file_of_the_border_is_read() {
        let there: BTreeSet<String> = fs::read_dir(root().join("src/ffi"))
            .expect("src/ffi is there")
            .map(|entry| entry.expect("it can be listed").path())
            // For tests, and not shipped; for VBA, which reads no header.
            .filter(|path| !path.ends_with("hooks.rs") && !path.ends_with("stdcall.rs"))
            .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("#[unsafe(no_mangle)]")))
            .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
            .collect();
        let missed: Vec<_> = there.iter().filter(|name| !FILES.contains(&name.as_str())).collect();
        assert!(missed.is_empty(), "name these in FILES, or their functions are not in the header: {missed:?}");
    }
}
