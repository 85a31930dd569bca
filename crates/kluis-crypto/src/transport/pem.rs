//! PEM (RFC 7468) of public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

/// `der` under this label, in lines of 64 characters, with a final newline.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + &format!("-----END {label}-----\n")
}

/// Label and content of the one section that `text` is, in any line length and with white space around it.
pub(super) fn decode(text: &str) -> Result<(&str, Vec<u8>), Error> {
    let text = text.trim_ascii();
    let (label, rest) = text
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(Error::Encoding)?;
    let body = rest
        .strip_suffix("-----")
        .and_then(|rest| rest.strip_suffix(label))
        .and_then(|rest| rest.strip_suffix("-----END "))
        .ok_or(Error::Encoding)?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(body).map_err(|_| Error::Encoding)?;
    Ok((label, der))
}

const LINE: usize = 64;
