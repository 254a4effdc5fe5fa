//! Foreign text made safe for a line of a message or of a log: nothing in it controls a terminal, starts another line,
//! or reorders the rest of the line.

/// The most characters of a message.
pub(crate) const MAX_LINE: usize = 1_000;

/// The text as one line: every character that is not plainly printable becomes a space.
pub(crate) fn single_line(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

/// At most that many characters of a line, the last of them an ellipsis if there were more.
pub(crate) fn truncate(line: String, most: usize) -> String {
    if line.chars().nth(most).is_none() {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Not a control character (C0 and C1, line ends among them), nor one that changes the direction of text, nor one that
/// has no width and so hides within a word.
fn is_printable(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !(c.is_control() || reorders || breaks || invisible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_characters_become_spaces() {
        let hostile = (0..0x20).chain(0x7f..0xa0).chain([0xad, 0x61c, 0x180e]).chain(0x200b..0x2010);
        let hostile = hostile.chain(0x2028..0x202f).chain(0x2060..0x2070).chain([0xfeff, 0xfff9, 0xe0001, 0xe0041]);
        for c in hostile.filter_map(char::from_u32) {
            assert_eq!(single_line(&format!("a{c}b")), "a b", "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn text_in_any_script_is_left_as_it_is() {
        for text in ["", " a  b ", "Schlüssel", "मुंबई", "كلمة", "מילה", "e\u{301}", "日本語", "\u{a0}", "…"]
        {
            assert_eq!(single_line(text), text);
        }
    }

    #[test]
    fn a_long_line_is_truncated_with_an_ellipsis() {
        assert_eq!(truncate("äbc".to_owned(), 3), "äbc");
        assert_eq!(truncate("äbcd".to_owned(), 3), "äb…");
    }
}
