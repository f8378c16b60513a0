//! Texts at which an answer ends.

/// Looks for stop texts in a text that comes in pieces.
#[derive(Clone, Debug)]
pub(crate) struct Stops {
    texts: Vec<String>,
    /// What may be the beginning of one.
    held: String,
}

/// What may be shown now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// A stop text follows, and ends the answer.
    pub(crate) is_last: bool,
}

impl Stops {
    pub(crate) fn new(texts: Vec<String>) -> Self {
        Self {
            texts,
            held: String::new(),
        }
    }

    /// The next piece.
    pub(crate) fn push(&mut self, piece: &str) -> Shown {
        self.held.push_str(piece);
        let found = self.texts.iter().filter_map(|stop| self.held.find(stop));
        if let Some(at) = found.min() {
            self.held.truncate(at);
            return Shown {
                text: std::mem::take(&mut self.held),
                is_last: true,
            };
        }
        let bytes = self.held.as_bytes();
        let is_begun = |at: &usize| {
            self.texts
                .iter()
                .any(|stop| stop.as_bytes().starts_with(&bytes[*at..]))
        };
        // Stop texts are short.
        let longest = self.texts.iter().map(String::len).max().unwrap_or(0);
        let first = bytes.len().saturating_sub(longest);
        let at = (first..bytes.len()).find(is_begun);
        let rest = self.held.split_off(at.unwrap_or(bytes.len()));
        Shown {
            text: std::mem::replace(&mut self.held, rest),
            is_last: false,
        }
    }

    /// What was held back, after the last piece.
    pub(crate) fn finish(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However a text is cut into pieces, it ends before the first stop text.
    #[test]
    fn texts_end_before_the_first_stop() {
        for (text, stops, expected) in [
            ("one two three", &["two"][..], "one "),
            ("one two three", &["three", "two"], "one "),
            ("ababc and", &["abc"], "ab"),
            ("aab", &["aab", "ab"], ""),
            ("aab", &["ab"], "a"),
            ("grüße 🦀!", &["🦀"], "grüße "),
            ("grüße", &["🦀"], "grüße"),
            ("end\n", &["\n\n"], "end\n"),
            ("nothing", &[], "nothing"),
            ("ends with th", &["the"], "ends with th"),
        ] {
            let chars: Vec<char> = text.chars().collect();
            for size in 1..=chars.len() {
                let mut found = Stops::new(stops.iter().map(|s| (*s).to_owned()).collect());
                let mut shown = String::new();
                let mut is_over = false;
                for piece in chars.chunks(size) {
                    let piece: String = piece.iter().collect();
                    let part = found.push(&piece);
                    shown += &part.text;
                    if part.is_last {
                        is_over = true;
                        break;
                    }
                }
                if !is_over {
                    shown += &found.finish();
                }
                assert_eq!(shown, expected, "{text:?}, {stops:?}, {size}");
                assert_eq!(is_over, stops.iter().any(|stop| text.contains(stop)));
            }
        }
    }
}
