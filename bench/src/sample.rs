//! The secrets that both servers keep: names and values of one size.

/// The value kept under a key: [`VALUE_LENGTH`] bytes that begin with the key, so that a mixed-up answer is noticed.
pub(crate) fn value_of(key: &str) -> String {
    format!(
        "{key}:{:x<width$}",
        "",
        width = VALUE_LENGTH.saturating_sub(key.len() + 1)
    )
}

/// What the JSON of an answer must hold if the value of this key is in it.
pub(crate) fn value_marker(key: &str) -> String {
    format!("\"value\":\"{key}:")
}

/// Bytes of a value; the reference's row then has about 300.
const VALUE_LENGTH: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_length_and_begin_with_their_key() {
        let value = value_of("A_KEY");
        assert_eq!(value.len(), VALUE_LENGTH);
        assert!(value.starts_with("A_KEY:xx"));
        let answer = serde_json::json!({ "id": 1, "value": value }).to_string();
        assert!(answer.contains(&value_marker("A_KEY")) && !answer.contains(&value_marker("KEY")));
    }
}
