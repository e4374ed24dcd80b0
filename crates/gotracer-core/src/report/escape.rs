//! Text from a trace, made safe for a terminal.
//!
//! Function names and messages are untrusted. They must not move the cursor, set colors, break a line, or change the
//! direction of the text.

use std::fmt;

/// Displays text with hostile characters escaped.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_hostile(c)) {
            f.write_str(&rest[..at])?;
            write!(f, "{}", c.escape_default())?;
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Whether a character is hostile to a terminal: a control character, an invisible one, or one that changes the
/// layout of the text around it.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_terminal_is_not_fooled() {
        let text = Escaped("main.\x1b[31mred\r\n\u{202e}ünï\u{9b}").to_string();
        assert_eq!(text, "main.\\u{1b}[31mred\\r\\n\\u{202e}ünï\\u{9b}");
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(s in any::<String>()) {
            prop_assert!(!Escaped(&s).to_string().chars().any(is_hostile));
        }
    }
}
