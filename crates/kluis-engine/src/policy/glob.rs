//! Path patterns: `*` is one segment, `**` any number of them (1claw contract §8).

/// The longest pattern, in bytes: as long as the longest path.
const LONGEST: usize = 1024;

/// A pattern over slash-separated paths.
///
/// A segment `*` stands for one whole segment, a segment `**` for any number of them, none included: `db/**` matches
/// `db` too. A `*` beside other text stands for any text within its segment. All other text is literal, so a path is
/// never read as a pattern. The pattern must match the entire path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    shape: Shape,
}

/// What a pattern comes down to, so that the common ones need no walk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// `**`.
    Everything,
    /// No wildcard.
    Literal,
    /// A literal and `/**`; holds the literal.
    Under(Box<str>),
    /// Anything else.
    Mixed {
        /// The segments before the first that has a wildcard, with a slash after each.
        root: Box<str>,
        /// The others, without a `**` beside a `**`.
        segments: Box<[Segment]>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`.
    Many,
    /// `*`.
    One,
    /// No wildcard.
    Literal(Box<str>),
    /// Text around and between at least one `*`.
    Partial {
        head: Box<str>,
        inner: Box<[Box<str>]>,
        tail: Box<str>,
    },
}

impl Glob {
    /// Read a pattern. The error says what is wrong with it; it finishes a sentence that begins with the field's name.
    ///
    /// Refused is whatever would mean something else than it looks like: empty segments, `.` and `..`, blanks at the
    /// ends, control characters, and `**` in a segment with anything else. So is more than 1024 bytes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.len() > LONGEST {
            return Err("must not be longer than 1024 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        if text.trim() != text {
            return Err("must not begin or end with a blank");
        }
        let mut segments = Vec::new();
        for segment in text.split('/') {
            let segment = Segment::parse(segment)?;
            // Any number of segments and any number of segments are any number of segments.
            if segment != Segment::Many || segments.last() != Some(&Segment::Many) {
                segments.push(segment);
            }
        }
        Ok(Self {
            text: text.into(),
            shape: Shape::of(text, segments),
        })
    }

    /// Whether the pattern matches the entire `path`.
    ///
    /// Allocates nothing, and compares at most as many pairs of segments as pattern times path have.
    pub fn matches(&self, path: &str) -> bool {
        match &self.shape {
            Shape::Everything => true,
            Shape::Literal => *self.text == *path,
            Shape::Under(root) => path
                .strip_prefix(&**root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Shape::Mixed { root, segments } => path
                .strip_prefix(&**root)
                .is_some_and(|rest| walk(segments, rest)),
        }
    }

    /// Texts that every matching path begins and ends with, to rule others out sooner.
    pub(super) fn ends(&self) -> (&str, &str) {
        match &self.shape {
            Shape::Everything => ("", ""),
            Shape::Literal => (&self.text, &self.text),
            Shape::Under(root) => (root, ""),
            Shape::Mixed { segments, .. } => {
                // The root, and what its next segment begins with.
                let head = self.text.split_once('*').map_or("", |(head, _)| head);
                let tail = self.text.rsplit_once('*').map_or("", |(_, tail)| tail);
                // The slash beside a `**` goes when that stands for no segment.
                let after_many = matches!(
                    segments.iter().rfind(|segment| segment.is_wild()),
                    Some(Segment::Many)
                );
                (
                    head,
                    if after_many {
                        tail.trim_start_matches('/')
                    } else {
                        tail
                    },
                )
            }
        }
    }

    /// Whether every path matches.
    pub fn matches_everything(&self) -> bool {
        self.shape == Shape::Everything
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Shape {
    fn of(text: &str, mut segments: Vec<Segment>) -> Self {
        let Some(first_wild) = segments.iter().position(Segment::is_wild) else {
            return Self::Literal;
        };
        let wild = segments.split_off(first_wild);
        let root: String = text.split_inclusive('/').take(first_wild).collect();
        match (&*wild, root.strip_suffix('/')) {
            ([Segment::Many], None) => Self::Everything,
            ([Segment::Many], Some(root)) => Self::Under(root.into()),
            _ => Self::Mixed {
                root: root.into(),
                segments: wild.into(),
            },
        }
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("must not begin or end with a slash or have two in a row"),
            "." | ".." => Err("must not contain a segment . or .."),
            "*" => Ok(Self::One),
            "**" => Ok(Self::Many),
            _ if text.contains("**") => Err("must have ** only as a whole segment"),
            _ => Ok(Self::partial(text)),
        }
    }

    fn partial(text: &str) -> Self {
        let Some((head, rest)) = text.split_once('*') else {
            return Self::Literal(text.into());
        };
        let (inner, tail) = match rest.rsplit_once('*') {
            Some((inner, tail)) => (inner.split('*').map(Into::into).collect(), tail),
            None => (Box::default(), rest),
        };
        Self::Partial {
            head: head.into(),
            inner,
            tail: tail.into(),
        }
    }

    fn is_wild(&self) -> bool {
        !matches!(self, Self::Literal(_))
    }

    fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Many | Self::One => true,
            Self::Literal(text) => **text == *segment,
            Self::Partial { head, inner, tail } => {
                let between = segment
                    .strip_prefix(&**head)
                    .and_then(|rest| rest.strip_suffix(&**tail));
                // The first place where a piece fits leaves the most to the pieces after it.
                between.is_some_and(|between| {
                    inner
                        .iter()
                        .try_fold(between, |rest, piece| {
                            rest.split_once(&**piece).map(|(_, after)| after)
                        })
                        .is_some()
                })
            }
        }
    }
}

/// Match segment by segment. A mismatch goes back to the last `**` only, which then takes one segment more: an earlier
/// `**` could only take what a later one can take as well.
fn walk(mut pattern: &[Segment], path: &str) -> bool {
    let mut path = Some(path);
    let mut last_many = None;
    loop {
        match (pattern.split_first(), path) {
            (None, None) | (Some((Segment::Many, [])), _) => return true,
            (Some((Segment::Many, after)), Some(here)) => {
                last_many = Some((after, here));
                pattern = after;
                continue;
            }
            (Some((segment, after)), Some(here)) => {
                let (text, rest) = split_segment(here);
                if segment.matches(text) {
                    (pattern, path) = (after, rest);
                    continue;
                }
            }
            (None, Some(_)) | (Some(_), None) => {}
        }
        // What follows a `**` begins with a segment that needs one, so nothing is left to try without one.
        let Some((after, (_, Some(rest)))) =
            last_many.map(|(after, taken)| (after, split_segment(taken)))
        else {
            return false;
        };
        last_many = Some((after, rest));
        (pattern, path) = (after, Some(rest));
    }
}

/// The first segment, and what is after its slash if it has one.
fn split_segment(path: &str) -> (&str, Option<&str>) {
    path.split_once('/')
        .map_or((path, None), |(first, rest)| (first, Some(rest)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(path)
    }

    /// The rules, one line each (1claw contract §8).
    #[test]
    fn patterns_match_what_the_contract_says() {
        for (pattern, matching, other) in [
            (
                "db/main",
                &["db/main"][..],
                &["db", "db/main/x", "db/Main", "xdb/main", "db/mai"][..],
            ),
            ("*", &["a", "a-b"], &["a/b"]),
            ("**", &["a", "a/b", "a/b/c"], &[]),
            ("**/**", &["a", "a/b"], &[]),
            ("db/*", &["db/a"], &["db", "db/a/b", "dbx/a"]),
            ("db/**", &["db", "db/a", "db/a/b"], &["dbx", "xdb/a", "d"]),
            ("*/key", &["a/key"], &["key", "a/b/key"]),
            (
                "**/key",
                &["key", "a/key", "a/b/key"],
                &["akey", "a/akey", "key/a"],
            ),
            (
                "a/**/z",
                &["a/z", "a/b/z", "a/b/c/z", "a/z/z"],
                &["a", "z", "a/b", "az", "a/zz"],
            ),
            ("a/*/z", &["a/b/z"], &["a/z", "a/b/c/z"]),
            ("*/**", &["a", "a/b"], &[]),
            ("**/*", &["a", "a/b"], &[]),
            ("*/*/**", &["a/b", "a/b/c"], &["a"]),
            (
                "api-*",
                &["api-", "api-x", "api-*"],
                &["api", "xapi-x", "api-x/y"],
            ),
            (
                "*-key",
                &["-key", "my-key"],
                &["key", "a/my-key", "my-keys"],
            ),
            (
                "a*b*c",
                &["abc", "aXbYc", "abbc", "abcbc"],
                &["ac", "acb", "ab/c", "abcd"],
            ),
            ("ab*ba", &["abba", "ab-ba"], &["aba"]),
            (
                "prod/api-*/*/key",
                &["prod/api-1/x/key"],
                &["prod/api-1/key", "prod/api/x/key"],
            ),
            ("**/a*/**", &["a", "x/ab/y", "ab/y"], &["x", "x/y"]),
            (
                "**/a/b/**/c",
                &["a/b/c", "a/a/b/c", "x/a/b/y/c"],
                &["a/c", "a/x/b/c"],
            ),
            ("é/*", &["é/x"], &["e/x"]),
        ] {
            for path in matching {
                assert!(matches(pattern, path), "{pattern} should match {path}");
            }
            for path in other {
                assert!(!matches(pattern, path), "{pattern} should not match {path}");
            }
        }
    }

    /// What other languages of patterns give a meaning to is text here, in patterns and in paths (NT-19).
    #[test]
    fn other_metacharacters_are_text() {
        for text in [
            "a?c", "a[bc]", "{a,b}", "a\\b", "a+b", "!a", "^a$", "(a|b)", "a,b", "%2A",
        ] {
            assert!(matches(text, text));
        }
        assert!(!matches("a?c", "abc"));
        assert!(!matches("a[bc]", "ab"));
        assert!(!matches("{a,b}", "a"));
        assert!(!matches("db/a", "db/*"), "a path is never a pattern");
        assert!(!matches("db/a", "**"), "a path is never a pattern");
        assert!(!matches("db/main", "DB/MAIN"));
    }

    #[test]
    fn what_would_mean_something_else_is_refused() {
        for refused in [
            "", "/", "/a", "a/", "a//b", "a/**/", "//", " a", "a ", "\u{a0}a", "a**", "**a",
            "a**b", "***", "****", "a/***", "a/b**/c", ".", "..", "a/../b", "./a", "a\0", "a\n",
            "a\u{7f}", "a\u{85}b",
        ] {
            assert!(Glob::parse(refused).is_err(), "{refused:?}");
        }
        assert!(Glob::parse(&"a".repeat(LONGEST)).is_ok());
        assert!(Glob::parse(&"a".repeat(LONGEST + 1)).is_err());
        for accepted in [
            "a b",
            "...",
            "a.b",
            "a/.b",
            "*.*",
            "*/*",
            "a*",
            "*a*",
            "ключ/*",
        ] {
            assert_eq!(Glob::parse(accepted).unwrap().as_str(), accepted);
        }
    }

    /// A matcher that tried every way to share the segments out would not end within the age of the universe.
    #[test]
    fn many_wildcards_do_not_multiply() {
        let pattern = Glob::parse(&format!("{}*b/**/c*", "**/a/".repeat(200))).unwrap();
        let path = format!("{}c", "a/".repeat(511));
        assert!(!pattern.matches(&path));
        let pattern = Glob::parse(&format!("{}b", "a*".repeat(500))).unwrap();
        assert!(!pattern.matches(&"a".repeat(LONGEST)));
    }

    /// Every way to match, tried in turn.
    fn naive(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            ([], _) => false,
            (["**", rest @ ..], _) => {
                naive(rest, path)
                    || path
                        .split_first()
                        .is_some_and(|(_, tail)| naive(pattern, tail))
            }
            (_, []) => false,
            ([first, rest @ ..], [segment, tail @ ..]) => {
                let (first, segment): (Vec<_>, Vec<_>) =
                    (first.chars().collect(), segment.chars().collect());
                naive_segment(&first, &segment) && naive(rest, tail)
            }
        }
    }

    fn naive_segment(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                naive_segment(rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(_, tail)| naive_segment(pattern, tail))
            }
            ([p, rest @ ..], [t, tail @ ..]) if p == t => naive_segment(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn agrees_with_trying_every_way(
            pattern in prop::collection::vec(
                prop_oneof![Just("**".to_owned()), "[ab]{1,2}", r"\*?[ab](\*?[ab]){0,2}\*?", Just("*".to_owned())],
                1..6,
            ),
            path in prop::collection::vec("[ab]{0,4}", 1..7),
        ) {
            let glob = Glob::parse(&pattern.join("/")).unwrap();
            let expected = naive(
                &pattern.iter().map(String::as_str).collect::<Vec<_>>(),
                &path.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            let path = path.join("/");
            prop_assert_eq!(glob.matches(&path), expected, "{} on {}", pattern.join("/"), path);
            let (head, tail) = glob.ends();
            prop_assert!(!expected || (path.starts_with(head) && path.ends_with(tail)), "{head} {tail}");
        }

        /// No text at all makes the parser or the matcher fail otherwise than by refusing.
        #[test]
        fn any_text_is_read_or_refused(pattern in ".{0,40}", path in ".{0,40}") {
            if let Ok(glob) = Glob::parse(&pattern) {
                prop_assert_eq!(glob.as_str(), &pattern);
                let _ = glob.matches(&path);
            }
        }
    }
}
