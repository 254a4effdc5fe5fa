//! The table of options for the header.

use b2auth::tables::OPTIONS;

const NAME: usize = 23;
const INDENT: usize = 2;

/// The lines of the table, each at most `width` wide: the name, and beside it value, default and meaning.
pub fn rows(width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for option in OPTIONS {
        let (first, rest) = option.doc.split_at(1);
        let doc = first.to_uppercase() + rest;
        let text = format!("{} (default {}). {doc}.", option.value_text(), option.default);
        for (number, line) in wrap(&text, width - INDENT - NAME).into_iter().enumerate() {
            let name = if number == 0 { option.name } else { "" };
            rows.push(format!("{:INDENT$}{name:NAME$}{line}", ""));
        }
    }
    rows
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
