//! The rooms of `src/` and the direction of their imports, as CONTRIBUTING.md draws them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the top down. A room may use those on lower lines, and no other.
const LAYERS: &[&[&str]] = &[
    &["ffi"],
    &["api"],
    &["process"],
    &["authorize"],
    &["store"],
    &["credentials", "net", "state"],
    &["options", "reply"],
    &["diag"],
    &["ports"],
    &["model"],
    &["json", "platform"],
];

/// Outside the layers: what the crate exports, and what fuzzers call.
const OUTSIDE: &[&str] = &["lib.rs", "fuzzing"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file, unless it is outside the layers.
fn room_of(file: &Path) -> Option<String> {
    let first = file.strip_prefix(source()).expect("it lies below src").components().next()?;
    let name = first.as_os_str().to_str().expect("names are ASCII").to_owned();
    (!OUTSIDE.contains(&name.as_str())).then_some(name)
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that the code of a file names as `crate::ROOM`.
fn used_by(text: &str) -> BTreeSet<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: String = text.lines().filter(is_code).flat_map(|line| [line, "\n"]).collect();
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>())
        // What the crate exports by itself begins with a capital letter.
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    let mut arrows = BTreeSet::new();
    for file in files(&source()) {
        let Some(room) = room_of(&file) else { continue };
        let text = fs::read_to_string(&file).expect("it can be read");
        let from = layer(&room).unwrap_or_else(|| panic!("{} is in no layer", file.display()));
        for used in used_by(&text).into_iter().filter(|used| *used != room) {
            match layer(&used) {
                Some(to) if to > from => drop(arrows.insert((room.clone(), used))),
                _ => wrong.push(format!("{}: {room} uses {used}", file.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "these point up or sideways:\n{}", wrong.join("\n"));
    println!("{} arrows between rooms", arrows.len());
}

#[test]
fn one_file_knows_the_http_client() {
    let knows = |file: &PathBuf| fs::read_to_string(file).expect("it can be read").contains("ureq::");
    let found: Vec<_> = files(&source()).into_iter().filter(knows).collect();
    assert_eq!(found, [source().join("net/exchange.rs")]);
}

#[test]
fn a_room_that_points_up_is_noticed() {
    assert_eq!(used_by("use crate::state::Shared;\ncrate::net::x(); pub(crate) fn a() { crate::Error }"), {
        BTreeSet::from(["state".to_owned(), "net".to_owned()])
    });
    assert!(layer("ffi") < layer("platform") && layer("nowhere").is_none());
}
