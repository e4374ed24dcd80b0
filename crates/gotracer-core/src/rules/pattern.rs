//! Patterns for functions and stacks.

use std::fmt;

/// Name with wildcards: `*` matches any characters, `?` matches one. Any other
/// character matches itself, also the brackets of generic functions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// Returns a pattern; every text is valid.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns whether a name matches, in time proportional to the product of both lengths at most.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Position of the last `*`, and of the part of the name that it matches.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(&c) if c == b'?' || c == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((at, from)) = star else { return false };
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
            }
        }
        pattern[p..].iter().all(|c| *c == b'*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Functions that call each other, the outermost first. `**` matches any number
/// of frames.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackPattern(Vec<Option<Pattern>>);

/// Maximum number of frames in a pattern, which bounds the time for matching.
pub const FRAMES: usize = 16;

impl StackPattern {
    /// Returns a pattern of these frames; `None` for no frames or more than
    /// [`FRAMES`].
    pub fn new(frames: &[String]) -> Option<Self> {
        let frame = |text: &String| (text != "**").then(|| Pattern::new(text));
        let fits = (1..=FRAMES).contains(&frames.len());
        fits.then(|| Self(frames.iter().map(frame).collect()))
    }

    /// Returns whether consecutive frames of a stack match, given the innermost frame first.
    pub fn matches<'f>(&self, innermost_first: impl Iterator<Item = &'f str>) -> bool {
        // Bit n: the first n parts of the pattern match the frames so
        // far. Stack and pattern are read from the innermost frame.
        let parts: Vec<_> = self.0.iter().rev().collect();
        let last = 1_u32 << parts.len();
        let spread = |mut reached: u32| {
            for (n, part) in parts.iter().enumerate() {
                if part.is_none() && reached & (1 << n) != 0 {
                    reached |= 1 << (n + 1);
                }
            }
            reached
        };
        let mut reached = spread(1);
        for name in innermost_first {
            if reached & last != 0 {
                return true;
            }
            // A match may begin at every frame.
            let mut next = 1;
            for (n, part) in parts.iter().enumerate() {
                if reached & (1 << n) == 0 {
                    continue;
                }
                match part {
                    None => next |= 1 << n,
                    Some(pattern) if pattern.matches(name) => next |= 1 << (n + 1),
                    Some(_) => {}
                }
            }
            reached = spread(next);
        }
        reached & last != 0
    }

    /// Returns the frames as the configuration has them, the outermost first.
    pub fn frames(&self) -> Vec<String> {
        let frame = |part: &Option<Pattern>| match part {
            Some(pattern) => pattern.to_string(),
            None => "**".into(),
        };
        self.0.iter().map(frame).collect()
    }
}

impl fmt::Display for StackPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            let arrow = if i == 0 { "" } else { " > " };
            match part {
                Some(pattern) => write!(f, "{arrow}{pattern}")?,
                None => write!(f, "{arrow}**")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_parts_of_names() {
        for (pattern, name, expected) in [
            ("main.work", "main.work", true),
            ("main.work", "main.worker", false),
            ("main.(*Cache).*", "main.(*Cache).Get", true),
            ("main.(*Cache).*", "main.(*Cache)", false),
            ("*", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("main.func?", "main.func1", true),
            ("main.func?", "main.func", false),
            ("main.Map[...]", "main.Map[...]", true),
            ("main.Map[...]", "main.Map.", false),
            ("database/sql.*", "database/sql.(*DB).query", true),
        ] {
            let found = Pattern::new(pattern).matches(name);
            assert_eq!(found, expected, "{pattern} {name}");
        }
        // Each star is tried once.
        let pattern = Pattern::new(&"*a".repeat(64));
        assert!(!pattern.matches(&"a".repeat(63)));
    }

    #[test]
    fn stacks_match_one_frame_below_the_other() {
        let stack = [
            "sync.Lock",
            "main.get",
            "main.serve",
            "http.handle",
            "http.serve",
        ];
        for (frames, expected) in [
            (&["main.get"][..], true),
            (&["main.*", "sync.*"], true),
            (&["main.serve", "sync.Lock"], false),
            (&["main.serve", "**", "sync.Lock"], true),
            (&["http.serve", "**", "main.get"], true),
            (&["**"], true),
            (&["http.serve", "**", "http.serve"], false),
            (&["sync.Lock", "**", "http.serve"], false),
            (
                &[
                    "http.serve",
                    "http.handle",
                    "main.serve",
                    "main.get",
                    "sync.Lock",
                ],
                true,
            ),
            (&["main.get", "**"], true),
        ] {
            let frames: Vec<String> = frames.iter().map(|&f| f.into()).collect();
            let pattern = StackPattern::new(&frames).unwrap();
            assert_eq!(pattern.matches(stack.into_iter()), expected, "{pattern}");
        }
        assert!(StackPattern::new(&[]).is_none());
        assert!(StackPattern::new(&vec!["a".into(); FRAMES + 1]).is_none());
    }
}
