//! The enums of the header, as Rust source for cbindgen: written from the library's own lists.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use b2auth::tables::{LEVELS, STATUSES};

use super::options;

/// A file that is removed when this is dropped.
pub struct Source(PathBuf);

impl Source {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // A leftover file in the temporary folder is harmless.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes the source file.
pub fn source() -> Source {
    let path =
        std::env::temp_dir().join(format!("b2auth-header-{}-{:?}.rs", std::process::id(), std::thread::current().id()));
    fs::write(&path, text()).expect("the temporary folder is writable");
    Source(path)
}

fn text() -> String {
    let mut text = String::from(
        "/// The result of a call. 0 is success. Numbers are permanent: new ones are appended,
         /// none is changed, so a program built with an old header may receive a number that it
         /// does not know.\n#[repr(C)]\npub enum b2_status {\n",
    );
    for row in STATUSES {
        doc(&mut text, row.doc);
        let name = row.name.to_str().expect("names are ASCII");
        writeln!(text, "    {name} = {},", row.number).expect("a string takes any text");
    }
    writeln!(text, "    /// {MAX_DOC}\n    B2_STATUS_MAX_ENUM = 0x7fffffff,\n}}\n").expect("a string takes any text");
    text += "/// How important a log message is.\n#[repr(C)]\npub enum b2_log_level {\n";
    for row in LEVELS {
        doc(&mut text, row.doc);
        writeln!(text, "    {} = {},", row.c_name, row.number).expect("a string takes any text");
    }
    text += "}\n";
    text
}

const MAX_DOC: &str = "Not a status: reserves the enum's range for those to come.";

/// In C++ the type of an enum can be fixed, so that it may hold any number: then a `switch` with a case for every status
/// has one for every enumerator, and compilers do not ask for more.
pub fn fix_type_in_cpp(header: &str) -> String {
    let start = "typedef enum {\n    /** Success";
    let end = format!("    /** {MAX_DOC} */\n    B2_STATUS_MAX_ENUM = 2147483647,\n}} b2_status;\n");
    for part in [start, &end] {
        assert_eq!(header.matches(part).count(), 1, "cbindgen writes this once: {part}");
    }
    let fixed =
        start.replace("typedef enum {", "#ifdef __cplusplus\ntypedef enum : int {\n#else\ntypedef enum {\n#endif");
    let max = format!("    /** {MAX_DOC} */\n    B2_STATUS_MAX_ENUM = 2147483647,\n");
    let constant =
        format!("/** {MAX_DOC} */\nstatic const b2_status B2_STATUS_MAX_ENUM = static_cast<b2_status>(2147483647);\n");
    let closed = format!("#ifndef __cplusplus\n{max}#endif\n}} b2_status;\n#ifdef __cplusplus\n{constant}#endif\n");
    header.replacen(start, &fixed, 1).replacen(&end, &closed, 1)
}

/// The statuses as paragraphs of a man page.
pub fn man() -> String {
    let row = |row: &b2auth::tables::StatusRow| {
        let name = row.name.to_str().expect("names are ASCII");
        let doc: Vec<&str> = row.doc.iter().map(|line| line.trim()).collect();
        format!(".TP\n.BR {name} \" (\" {} )\n{}\n", row.number, options::troff(&doc.join(" ")))
    };
    STATUSES.iter().map(row).collect()
}

fn doc(text: &mut String, lines: &[&str]) {
    for line in lines {
        writeln!(text, "    ///{line}").expect("a string takes any text");
    }
}
