//! From names to URLs, without a name meaning more or less than itself.

use reqwest::Url;

use crate::Error;

/// Checks a base URL: http or https, and nothing in it that would be lost or sent where it should not.
pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text)
        .map_err(|error| Error::Request(format!("not a usable server URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Request(
            "a server URL begins with http:// or https://".to_owned(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Request(
            "a server URL holds no user name or password; the token goes beside it".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::Request(
            "a server URL holds no '?' and no '#'".to_owned(),
        ));
    }
    Ok(url)
}

/// The URL of a path below the base: each segment is percent-encoded as a whole.
pub(crate) fn address(base: &Url, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
    let mut url = base.clone();
    for segment in segments {
        if let Some(why) = unaddressable(segment) {
            return Err(Error::Request(format!(
                "'{}' cannot stand in a URL: {why}",
                segment.escape_debug()
            )));
        }
    }
    url.path_segments_mut()
        .map_err(|()| Error::Request("the base URL has no path".to_owned()))?
        .pop_if_empty()
        .extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Why a URL library would drop or change this path segment, if it would.
fn unaddressable(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("it is empty");
    }
    if matches!(
        segment.to_ascii_lowercase().as_str(),
        "." | ".." | "%2e" | "%2e%2e" | ".%2e" | "%2e."
    ) {
        return Some("URLs give dots alone another meaning");
    }
    segment
        .chars()
        .any(char::is_control)
        .then_some("it holds a control character")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str, segments: &[&str], query: &[(&str, &str)]) -> Option<String> {
        address(&base_url(base).unwrap(), segments, query)
            .map(String::from)
            .ok()
    }

    #[test]
    fn a_segment_is_encoded_as_a_whole() {
        for (segment, encoded) in [
            ("a/b", "a%2Fb"),
            ("a b?c#d%2F\u{e9}\\", "a%20b%3Fc%23d%252F%C3%A9%5C"),
            ("...", "..."),
            ("a..b", "a..b"),
        ] {
            assert_eq!(
                at("http://h", &["v1", segment], &[]),
                Some(format!("http://h/v1/{encoded}"))
            );
        }
        for lost in [
            "", ".", "..", "%2e", "%2E%2e", ".%2E", "a\tb", "a\nb", "a\0b",
        ] {
            assert_eq!(at("http://h", &["v1", lost], &[]), None, "{lost:?}");
        }
    }

    #[test]
    fn a_base_path_is_kept_and_a_query_encoded() {
        for base in ["https://h/kluis", "https://h/kluis/"] {
            let url = at(base, &["v1", "me"], &[("after", "a&b=c d")]);
            assert_eq!(
                url.as_deref(),
                Some("https://h/kluis/v1/me?after=a%26b%3Dc+d")
            );
        }
    }

    #[test]
    fn an_unusable_base_url_is_refused() {
        for base in [
            "",
            "h",
            "h:8200",
            "ftp://h",
            "http://",
            "http://u:p@h",
            "http://u@h",
            "http://h?x",
            "http://h#x",
        ] {
            assert!(matches!(base_url(base), Err(Error::Request(_))), "{base}");
        }
    }
}
