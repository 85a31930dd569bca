//! Key material: how strong a key or certificate is by its algorithm and its size. Only as much of it is read as that takes; whatever is
//! encrypted, cut or of an unknown kind is not judged.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// Whether it is a key or certificate in a form that is known here.
pub(super) fn is_key_material(text: &str) -> bool {
    let text = text.trim_start();
    text.contains(BEGIN) || SSH_KEYS.iter().any(|kind| text.starts_with(kind))
}

/// The strength of the weakest part, in bits: how many a symmetric key would have that is as hard to find. None where nothing is known.
pub(super) fn strength(text: &str) -> Option<f64> {
    let text = text.trim_start();
    if SSH_KEYS.iter().any(|kind| text.starts_with(kind)) {
        let blob = text.split_whitespace().nth(1)?;
        let blob = BASE64_STANDARD.decode(blob).ok()?;
        return of_ssh_blob(&blob);
    }
    let mut weakest: Option<f64> = None;
    let mut rest = text;
    for _ in 0..MOST_BLOCKS {
        let Some((block, behind)) = next_block(rest) else {
            break;
        };
        rest = behind;
        if let Some(bits) = of_block(&block) {
            weakest = Some(weakest.map_or(bits, |other| other.min(bits)));
        }
    }
    weakest
}

/// A block of armour.
struct Block<'a> {
    label: &'a str,
    content: Zeroizing<Vec<u8>>,
}

/// The first block of armour in a text, and what is behind it.
fn next_block(text: &str) -> Option<(Block<'_>, &str)> {
    let (_, text) = text.split_once(BEGIN)?;
    let (label, text) = text.split_once("-----")?;
    let (body, rest) = text.split_once("-----END ")?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    // Headers in it say that it is encrypted; nothing of it can be read then.
    let content = BASE64_STANDARD.decode(body.as_bytes()).unwrap_or_default();
    let content = Zeroizing::new(content);
    Some((Block { label, content }, rest))
}

fn of_block(block: &Block<'_>) -> Option<f64> {
    let content = block.content.as_slice();
    match block.label {
        "DSA PRIVATE KEY" => Some(OF_DSA),
        "RSA PRIVATE KEY" => of_rsa_key(content),
        "PRIVATE KEY" => of_private_key(content),
        "OPENSSH PRIVATE KEY" => of_openssh(content),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => of_certificate(content),
        _ => None,
    }
}

/// `RSAPrivateKey` (RFC 8017 A.1.2).
fn of_rsa_key(der: &[u8]) -> Option<f64> {
    let mut key = Der(Der(der).expect_tag(SEQUENCE)?);
    key.expect_tag(INTEGER)?;
    Some(of_rsa(size(key.expect_tag(INTEGER)?)))
}

/// `PrivateKeyInfo` (RFC 5208).
fn of_private_key(der: &[u8]) -> Option<f64> {
    let mut info = Der(Der(der).expect_tag(SEQUENCE)?);
    info.expect_tag(INTEGER)?;
    let algorithm = Der(info.expect_tag(SEQUENCE)?).expect_tag(OBJECT)?;
    match algorithm {
        RSA => of_rsa_key(info.expect_tag(OCTETS)?),
        DSA => Some(OF_DSA),
        _ => None,
    }
}

/// `Certificate` (RFC 5280 §4.1): its key, and the digest that it was signed over.
fn of_certificate(der: &[u8]) -> Option<f64> {
    let mut certificate = Der(Der(der).expect_tag(SEQUENCE)?);
    let mut signed = Der(certificate.expect_tag(SEQUENCE)?);
    let signature = Der(certificate.expect_tag(SEQUENCE)?).expect_tag(OBJECT)?;
    let (tag, _) = signed.next()?;
    if tag == VERSION {
        signed.expect_tag(INTEGER)?;
    }
    for _ in ["signature", "issuer", "validity", "subject"] {
        signed.expect_tag(SEQUENCE)?;
    }
    let mut key = Der(signed.expect_tag(SEQUENCE)?);
    let algorithm = Der(key.expect_tag(SEQUENCE)?).expect_tag(OBJECT)?;
    let of_key = match algorithm {
        RSA => {
            let bits = key.expect_tag(BITS)?;
            let mut key = Der(Der(bits.get(1..)?).expect_tag(SEQUENCE)?);
            Some(of_rsa(size(key.expect_tag(INTEGER)?)))
        }
        DSA => Some(OF_DSA),
        _ => None,
    };
    let of_digest = match signature {
        MD5_WITH_RSA => Some(OF_MD5),
        SHA1_WITH_RSA | SHA1_WITH_ECDSA => Some(OF_SHA1),
        _ => None,
    };
    match (of_key, of_digest) {
        (Some(key), Some(digest)) => Some(digest.min(key)),
        (one, other) => one.or(other),
    }
}

/// A private key as OpenSSH writes it; the public one stands in it in clear.
fn of_openssh(bytes: &[u8]) -> Option<f64> {
    let mut rest = bytes.strip_prefix(OPENSSH_MAGIC)?;
    for _ in ["cipher", "derivation", "its options"] {
        ssh_string(&mut rest)?;
    }
    rest = rest.get(4..)?;
    of_ssh_blob(ssh_string(&mut rest)?)
}

/// A public key of SSH (RFC 4253 §6.6).
fn of_ssh_blob(blob: &[u8]) -> Option<f64> {
    let mut rest = blob;
    match ssh_string(&mut rest)? {
        b"ssh-rsa" => {
            ssh_string(&mut rest)?;
            Some(of_rsa(size(ssh_string(&mut rest)?)))
        }
        b"ssh-dss" => Some(OF_DSA),
        b"ssh-ed25519" | b"ecdsa-sha2-nistp256" => Some(128.0),
        b"ecdsa-sha2-nistp384" => Some(192.0),
        b"ecdsa-sha2-nistp521" => Some(256.0),
        _ => None,
    }
}

/// A text behind its length.
fn ssh_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (text, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(text)
}

/// A number's size in bits.
fn size(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(8, |byte| byte.leading_zeros());
    let bytes = number.len().saturating_sub(zeros);
    (8 * bytes).saturating_sub(usize::try_from(first).unwrap_or(0))
}

/// RSA by the size of its modulus (NIST SP 800-57 part 1, table 2).
fn of_rsa(bits: usize) -> f64 {
    match bits {
        7_680.. => 192.0,
        3_072.. => 128.0,
        2_048.. => 112.0,
        1_024.. => 80.0,
        _ => 50.0,
    }
}

/// Elements of DER, one after the other (X.690 §8.1), as far as their lengths are within what there is.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], mut rest) = self.0.split_first_chunk::<2>()?;
        let length = match length {
            0x80.. => {
                let (bytes, behind) = rest.split_at_checked(usize::from(length & 0x7f))?;
                rest = behind;
                if bytes.len() > 4 {
                    return None;
                }
                bytes
                    .iter()
                    .fold(0_usize, |length, byte| (length << 8) | usize::from(*byte))
            }
            short => usize::from(short),
        };
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }

    fn expect_tag(&mut self, expected: u8) -> Option<&'a [u8]> {
        self.next()
            .and_then(|(tag, content)| (tag == expected).then_some(content))
    }
}

const BEGIN: &str = "-----BEGIN ";
const SSH_KEYS: &[&str] = &["ssh-rsa ", "ssh-dss ", "ssh-ed25519 ", "ecdsa-sha2-"];
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";
/// More than any chain has.
const MOST_BLOCKS: usize = 16;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The version of a certificate, in a context of its own.
const VERSION: u8 = 0xa0;
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
const MD5_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04";
const SHA1_WITH_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05";
const SHA1_WITH_ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x01";
const OF_DSA: f64 = 80.0;
const OF_MD5: f64 = 18.0;
const OF_SHA1: f64 = 61.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    }

    fn integer(bits: usize) -> Vec<u8> {
        let mut number = vec![0xff; bits / 8];
        number.insert(0, 0);
        element(INTEGER, &number)
    }

    fn rsa_key(bits: usize) -> Vec<u8> {
        element(SEQUENCE, &[integer(0), integer(bits)].concat())
    }

    fn armoured(label: &str, der: &[u8]) -> String {
        let body = BASE64_STANDARD.encode(der);
        let (one, other) = body.split_at(body.len() / 2);
        format!("-----BEGIN {label}-----\n{one}\n{other}\n-----END {label}-----\n")
    }

    fn certificate(bits: usize, signature: &[u8]) -> Vec<u8> {
        let algorithm = |oid: &[u8]| element(SEQUENCE, &element(OBJECT, oid));
        let modulus = element(SEQUENCE, &[integer(bits), integer(24)].concat());
        let key = element(BITS, &[&[0], &modulus[..]].concat());
        let signed = [
            element(VERSION, &integer(8)),
            integer(64),
            algorithm(signature),
            element(SEQUENCE, b""),
            element(SEQUENCE, b""),
            element(SEQUENCE, b""),
            element(SEQUENCE, &[algorithm(RSA), key].concat()),
        ];
        let all = [
            element(SEQUENCE, &signed.concat()),
            algorithm(signature),
            element(BITS, b"\0"),
        ];
        element(SEQUENCE, &all.concat())
    }

    fn ssh(kind: &str, numbers: &[usize]) -> Vec<u8> {
        let text = |text: &[u8]| {
            let length = u32::try_from(text.len()).unwrap().to_be_bytes();
            [&length[..], text].concat()
        };
        let mut blob = text(kind.as_bytes());
        for bits in numbers {
            blob.extend(text(&vec![0xff; bits / 8]));
        }
        blob
    }

    #[test]
    fn keys_are_as_strong_as_their_size_and_algorithm() {
        let info = |oid: &[u8]| {
            let algorithm = element(SEQUENCE, &element(OBJECT, oid));
            let key = element(OCTETS, &rsa_key(1024));
            element(SEQUENCE, &[integer(0), algorithm, key].concat())
        };
        for (text, expected) in [
            (armoured("RSA PRIVATE KEY", &rsa_key(1024)), Some(80.0)),
            (armoured("RSA PRIVATE KEY", &rsa_key(512)), Some(50.0)),
            (armoured("RSA PRIVATE KEY", &rsa_key(4096)), Some(128.0)),
            (armoured("PRIVATE KEY", &info(RSA)), Some(80.0)),
            (armoured("PRIVATE KEY", &info(DSA)), Some(80.0)),
            (armoured("PRIVATE KEY", &info(b"\x2b\x65\x70")), None),
            (armoured("DSA PRIVATE KEY", b""), Some(80.0)),
            (armoured("ENCRYPTED PRIVATE KEY", &rsa_key(512)), None),
            (armoured("CERTIFICATE", &certificate(2048, RSA)), Some(112.0)),
            (armoured("CERTIFICATE", &certificate(2048, MD5_WITH_RSA)), Some(18.0)),
            (armoured("CERTIFICATE", &certificate(1024, RSA)), Some(80.0)),
            (
                format!("ssh-rsa {} me@host", BASE64_STANDARD.encode(ssh("ssh-rsa", &[24, 1024]))),
                Some(80.0),
            ),
            (
                format!("ssh-ed25519 {}", BASE64_STANDARD.encode(ssh("ssh-ed25519", &[256]))),
                Some(128.0),
            ),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), None),
            ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----".to_owned(), None),
        ] {
            assert!(is_key_material(&text), "{text}");
            assert_eq!(strength(&text), expected, "{text}");
        }
        let chain = [2048, 1024].map(|bits| armoured("CERTIFICATE", &certificate(bits, RSA)));
        assert_eq!(strength(&chain.concat()), Some(80.0));
        assert!(!is_key_material("hunter2"));
    }

    #[test]
    fn a_key_of_openssh_tells_its_public_half() {
        let blob = ssh("ssh-dss", &[1024]);
        let length = u32::try_from(blob.len()).unwrap().to_be_bytes();
        let none = [&4_u32.to_be_bytes()[..], b"none"].concat();
        let empty = 0_u32.to_be_bytes();
        let one = 1_u32.to_be_bytes();
        let key = [OPENSSH_MAGIC, &none, &none, &empty, &one, &length, &blob].concat();
        assert_eq!(strength(&armoured("OPENSSH PRIVATE KEY", &key)), Some(80.0));
    }

    proptest! {
        #[test]
        fn whatever_bytes_there_are_nothing_breaks(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            label in "(RSA |OPENSSH |)PRIVATE KEY|CERTIFICATE",
        ) {
            let _ = strength(&armoured(&label, &bytes));
            let _ = of_certificate(&bytes);
            let _ = of_openssh(&[OPENSSH_MAGIC, &bytes].concat());
        }

        #[test]
        fn whatever_is_cut_off_nothing_breaks(cut in 0_usize..900) {
            let whole = certificate(2048, RSA);
            let _ = of_certificate(&whole[..cut.min(whole.len())]);
        }
    }
}
