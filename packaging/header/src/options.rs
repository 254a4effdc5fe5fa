//! The table of options in each of the forms that it is shown in.

use b2auth::tables::{OPTIONS, OptionRow, OptionValue};

use super::Form;

const NAME: usize = 23;
const INDENT: usize = 2;

/// The lines of the table for the header, each at most `width` wide: the name, and beside it value, default and meaning.
pub fn rows(form: Form, width: usize) -> Vec<String> {
    match form {
        Form::Header => OPTIONS.iter().flat_map(|option| header_row(option, width)).collect(),
        Form::Doxygen => {
            let head = "<table><tr><th>Name</th><th>Value</th><th>Default</th><th>Meaning</th></tr>".to_owned();
            let rows = OPTIONS.iter().map(|option| {
                let cells = [&escape(&option.value_text()), &escape(option.default), &escape(&meaning(option))];
                let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
                format!("<tr><td><code>{}</code></td>{cells}</tr>", option.name)
            });
            std::iter::once(head).chain(rows).chain(["</table>".to_owned()]).collect()
        }
    }
}

fn header_row(option: &OptionRow, width: usize) -> Vec<String> {
    let text = format!("{} (default {}). {}.", option.value_text(), option.default, meaning(option));
    let lines = wrap(&text, width - INDENT - NAME);
    let row = |(number, line): (usize, String)| {
        let name = if number == 0 { option.name } else { "" };
        format!("{:INDENT$}{name:NAME$}{line}", "")
    };
    lines.into_iter().enumerate().map(row).collect()
}

/// Rows of C, for the command.
pub fn c() -> String {
    let row = |option: &OptionRow| {
        format!(
            "    {{{:?}, {:?},\n     {:?},\n     {:?}}},\n",
            option.name,
            option.value_text(),
            option.default,
            meaning(option)
        )
    };
    OPTIONS.iter().map(row).collect()
}

/// Paragraphs of a man page.
pub fn man() -> String {
    let row = |option: &OptionRow| {
        let (value, default) = (troff(&option.value_text()), troff(option.default));
        format!(".TP\n.B {}\n{value}\n(default {default}).\n{}.\n", option.name, troff(&meaning(option)))
    };
    OPTIONS.iter().map(row).collect()
}

/// Rows of a table of Markdown.
pub fn markdown() -> String {
    let row = |option: &OptionRow| {
        format!("| `{}` | {} | {} | {} |\n", option.name, option.value_text(), option.default, meaning(option))
    };
    let head = "| name | value | default | meaning |\n|---|---|---|---|\n".to_owned();
    std::iter::once(head).chain(OPTIONS.iter().map(row)).collect()
}

/// For completion by bash: `name=` of each, and `name=word` of those whose value is one of some words.
pub fn bash() -> String {
    format!("_b2auth_settings='\n{}\n'\n", words().join("\n"))
}

/// The same for fish.
pub fn fish() -> String {
    format!("set -g __b2auth_settings \\\n    {}\n", words().join(" \\\n    "))
}

fn words() -> Vec<String> {
    let choices = OPTIONS.iter().filter_map(|option| match option.value {
        OptionValue::Choice(words) => Some(format!("{}={}", option.name, words.join(&format!(" {}=", option.name)))),
        OptionValue::Number { .. } | OptionValue::Text(_) => None,
    });
    let names: Vec<String> = OPTIONS.iter().map(|option| format!("{}=", option.name)).collect();
    wrap(&names.into_iter().chain(choices).collect::<Vec<_>>().join(" "), 100)
}

/// The same for zsh, with what each means.
pub fn zsh() -> String {
    let row = |option: &OptionRow| {
        let words = match option.value {
            OptionValue::Choice(words) => words.join(" "),
            OptionValue::Number { .. } | OptionValue::Text(_) => String::new(),
        };
        format!("    {} '{}' '{}'\n", option.name, meaning(option).replace('\'', "'\\''"), words)
    };
    OPTIONS.iter().map(row).collect()
}

fn meaning(option: &OptionRow) -> String {
    let (first, rest) = option.doc.split_at(1);
    first.to_uppercase() + rest
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub fn troff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti").replace('\'', "\\(aq")
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
