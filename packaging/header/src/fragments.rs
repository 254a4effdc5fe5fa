//! Parts of other files that are generated: the lines between one that has `GENERATED` with the name of the part, and one
//! that has `END GENERATED`.

use std::fs;

use super::{enums, options, root, write};

const END: &str = "END GENERATED";

/// A file, the name of its part, and what makes it.
type Part = (&'static str, &'static str, fn() -> String);

const PARTS: [Part; 8] = [
    ("cli/options.h", "OPTIONS", options::c),
    ("cli/completions/b2auth.bash", "OPTIONS", options::bash),
    ("cli/completions/b2auth.fish", "OPTIONS", options::fish),
    ("cli/completions/_b2auth", "OPTIONS", options::zsh),
    ("docs/man/b2auth.1", "OPTIONS", options::man),
    ("docs/man/libb2auth.3", "OPTIONS", options::man),
    ("docs/man/libb2auth.3", "STATUSES", enums::man),
    ("docs/options.md", "OPTIONS", options::markdown),
];

pub fn write_all() -> Result<(), String> {
    PARTS.into_iter().try_for_each(|part| write(&root().join(part.0), &generate(part)?))
}

/// The file with that part made anew.
fn generate((file, name, part): Part) -> Result<String, String> {
    let text = fs::read_to_string(root().join(file)).map_err(|e| format!("{file}: {e}"))?;
    let missing = |mark: &str| format!("{file}: no line has {mark}");
    let mark = format!("GENERATED {name}");
    let begin = text.find(&mark).ok_or_else(|| missing(&mark))?;
    let begin = text[begin..].find('\n').map(|length| begin + length + 1).ok_or_else(|| missing(END))?;
    let end = text[begin..].find(END).map(|length| begin + length).ok_or_else(|| missing(END))?;
    let end = text[..end].rfind('\n').map_or(begin, |at| at + 1);
    Ok(format!("{}{}{}", &text[..begin], part(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_parts_are_what_the_table_says() {
        for part in PARTS {
            let file = part.0;
            let committed = fs::read_to_string(root().join(file)).expect(file);
            let generated = generate(part).expect("it has the marks");
            assert!(committed == generated, "{file} is not what the table of options says: run `make header`");
        }
    }
}
