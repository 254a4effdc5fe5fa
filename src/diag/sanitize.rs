//! Other people's words, made fit for a line of a message or of a log: nothing in them commands a terminal, begins
//! another line, or changes where the rest of the line stands. Somebody reads these at 3 a.m. and believes them.

/// The text as one line. What could not be seen, or could do more than be seen, becomes a blank.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { ' ' }).collect()
}

/// At most that many characters of a line, the last of them an ellipsis if there were more.
pub(crate) fn shortened(line: String, most: usize) -> String {
    if line.chars().nth(most).is_none() {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Neither a control (ESC and all of C0 and C1, line ends among them), nor one that turns the direction of writing, nor
/// one that takes no room and so hides in what is looked for.
fn is_harmless(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends = matches!(c, '\u{2028}' | '\u{2029}');
    let hides = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !(c.is_control() || turns || ends || hides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_do_more_than_be_seen_becomes_a_blank() {
        let hostile = (0..0x20).chain(0x7f..0xa0).chain([0xad, 0x61c, 0x180e]).chain(0x200b..0x2010);
        let hostile = hostile.chain(0x2028..0x202f).chain(0x2060..0x2070).chain([0xfeff, 0xfff9, 0xe0001, 0xe0041]);
        for c in hostile.filter_map(char::from_u32) {
            assert_eq!(line(&format!("a{c}b")), "a b", "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn words_in_any_writing_are_left() {
        for text in ["", " a  b ", "Schlüssel", "मुंबई", "كلمة", "מילה", "e\u{301}", "日本語", "\u{a0}", "…"]
        {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn a_long_line_ends_with_an_ellipsis() {
        assert_eq!(shortened("äbc".to_owned(), 3), "äbc");
        assert_eq!(shortened("äbcd".to_owned(), 3), "äb…");
    }
}
