//! Long lines, wrapped to fit a terminal.

/// Breaks a line at spaces so that it fits the width, if possible.
pub fn wrap(line: &str, width: Option<usize>) -> Vec<String> {
    let width = width.unwrap_or(usize::MAX);
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in line.split(' ') {
        let length = columns(word);
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            // A gap at the end of a line is no gap.
            Some(_) if word.is_empty() => {}
            last => {
                if let Some(line) = last {
                    line.truncate(line.trim_end().len());
                }
                lines.push(word.into());
                used = length;
            }
        }
    }
    lines
}

/// Returns the columns of a text, without our own color sequences.
pub(crate) fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut in_sequence = false;
    for c in text.chars() {
        match c {
            '\x1b' => in_sequence = true,
            'm' if in_sequence => in_sequence = false,
            _ if in_sequence => {}
            _ => columns += 1,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("aa bb cccc d", Some(5)), ["aa bb", "cccc", "d"]);
        assert_eq!(wrap("aa bb", None), ["aa bb"]);
        assert_eq!(wrap("aa  bb  cc", Some(3)), ["aa", "bb", "cc"]);
        assert_eq!(wrap("  aa", Some(4)), ["  aa"]);
        assert_eq!(wrap("\x1b[1maa\x1b[0m bb", Some(5)).len(), 1);
    }
}
