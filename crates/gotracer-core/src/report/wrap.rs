//! Long lines, wrapped to fit a terminal.

/// Breaks a line at spaces so that it fits the width, if possible.
pub fn wrap(line: &str, width: Option<usize>) -> Vec<String> {
    let width = width.unwrap_or(usize::MAX);
    let mut lines: Vec<String> = Vec::new();
    let mut columns = 0;
    for word in line.split(' ') {
        let length = visible(word);
        match lines.last_mut() {
            Some(line) if columns + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
                columns += 1 + length;
            }
            _ => {
                lines.push(word.into());
                columns = length;
            }
        }
    }
    lines
}

/// Returns the columns of a word, without our own color sequences.
fn visible(word: &str) -> usize {
    let mut columns = 0;
    let mut in_sequence = false;
    for c in word.chars() {
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
        assert_eq!(wrap("\x1b[1maa\x1b[0m bb", Some(5)).len(), 1);
    }
}
