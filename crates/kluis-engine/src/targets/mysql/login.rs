//! Logging in to MySQL and MariaDB.

use kluis_crypto::{Secret, database};

use super::super::{Door, TargetError};
use super::packets::{Fields, Packets};
use super::{END, ERROR, OK};

/// What a server says first.
struct Greeting {
    version: String,
    capabilities: u64,
    challenge: Challenge,
}

/// How a password is to be proved.
struct Challenge {
    method: Vec<u8>,
    nonce: Vec<u8>,
}

/// The version of the protocol that both have spoken for twenty years.
const PROTOCOL: u64 = 10;
/// What follows steers the log-in.
const MORE: u8 = 1;
/// Of `caching_sha2_password`: the proof was enough, or the password itself is wanted.
const PROVED: &[u8] = &[3];
const WANTS_PASSWORD: &[u8] = &[4];

/// What client and server can: long passwords, this protocol, TLS, transactions, safe proofs, methods by name.
const LONG_PASSWORD: u64 = 1;
const PROTOCOL_41: u64 = 1 << 9;
const TLS: u64 = 1 << 11;
const TRANSACTIONS: u64 = 1 << 13;
const SECURE_CONNECTION: u64 = 1 << 15;
const METHODS: u64 = 1 << 19;
const OURS: u64 = LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | METHODS;
/// `utf8mb4`.
const CHARACTER_SET: u8 = 45;
/// Random bytes that a proof is over.
const NONCE: usize = 20;
/// A server that goes on asking is not believed.
const MOST_ROUNDS: usize = 8;

const NATIVE: &[u8] = b"mysql_native_password";
const SHA2: &[u8] = b"caching_sha2_password";

/// The codes of errors about who logs in: the password, the host, a locked account, an expired password.
const CREDENTIALS: [&str; 6] = ["1044", "1045", "1130", "1698", "3118", "4151"];

/// Log in; gives the version that the server says it has.
pub(super) async fn begin(
    mut packets: Packets,
    door: &Door,
) -> Result<(Packets, String), TargetError> {
    let greeting = Greeting::read(&packets.read().await?)?;
    let mut capabilities = OURS;
    if door.tls.is_wanted() {
        if greeting.capabilities & TLS == 0 {
            return Err(TargetError::Unencrypted);
        }
        capabilities |= TLS;
        packets.write(header(capabilities)).await?;
        packets = packets.encrypt(&door.tls, &door.place.host).await?;
    }
    let login = &door.login;
    let mut challenge = greeting.challenge;
    let proof = challenge.prove(&login.password).unwrap_or_default();
    let mut response = header(capabilities);
    response.extend_from_slice(login.username.as_bytes());
    response.push(0);
    response.push(u8::try_from(proof.len()).unwrap_or(0));
    response.extend_from_slice(&proof);
    response.extend_from_slice(challenge.known_method());
    response.push(0);
    packets.write(response).await?;
    for _ in 0..MOST_ROUNDS {
        let said = packets.read().await?;
        match said.split_first() {
            Some((&OK, _)) => return Ok((packets, greeting.version)),
            Some((&ERROR, error)) => return Err(refused(error)),
            Some((&END, other)) => {
                let mut fields = Fields::of(other);
                challenge = Challenge {
                    method: fields.up_to_nul().to_vec(),
                    nonce: fields.rest().iter().copied().take(NONCE).collect(),
                };
                let proof = challenge.prove(&login.password);
                packets.write(proof.ok_or(TargetError::Method)?).await?;
            }
            Some((&MORE, PROVED)) => {}
            Some((&MORE, WANTS_PASSWORD)) => {
                // Where others listen, it is told to nobody.
                if !packets.wire.is_encrypted || challenge.method != SHA2 {
                    return Err(TargetError::Method);
                }
                let mut password = Vec::with_capacity(login.password.len() + 1);
                password.extend_from_slice(login.password.expose());
                password.push(0);
                packets.write(password).await?;
            }
            Some((&MORE, _)) => return Err(TargetError::Method),
            _ => return Err(TargetError::Protocol),
        }
    }
    Err(TargetError::Protocol)
}

impl Greeting {
    fn read(packet: &[u8]) -> Result<Self, TargetError> {
        if let Some((&ERROR, error)) = packet.split_first() {
            return Err(refused(error));
        }
        let mut fields = Fields::of(packet);
        if fields.little(1)? != PROTOCOL {
            return Err(TargetError::Protocol);
        }
        let version = String::from_utf8_lossy(fields.up_to_nul()).into_owned();
        fields.bytes(4)?;
        let mut nonce = fields.bytes(8)?.to_vec();
        fields.bytes(1)?;
        let low = fields.little(2)?;
        fields.bytes(3)?;
        let capabilities = low | fields.little(2)? << 16;
        if capabilities & (PROTOCOL_41 | SECURE_CONNECTION) != PROTOCOL_41 | SECURE_CONNECTION {
            return Err(TargetError::Protocol);
        }
        let length = usize::try_from(fields.little(1)?).unwrap_or(0);
        fields.bytes(10)?;
        let rest = fields.bytes(length.saturating_sub(nonce.len()).max(13))?;
        nonce.extend(rest.iter().take(NONCE - nonce.len()));
        let method = match capabilities & METHODS {
            0 => NATIVE,
            _ => fields.up_to_nul(),
        };
        Ok(Self {
            version,
            capabilities,
            challenge: Challenge {
                method: method.to_vec(),
                nonce,
            },
        })
    }
}

impl Challenge {
    /// The method, or the oldest one where it is not known here: then the server names the one of the user.
    fn known_method(&self) -> &[u8] {
        if self.method == SHA2 { SHA2 } else { NATIVE }
    }

    /// The proof that is asked for; none for a method that is not known here.
    fn prove(&self, password: &Secret) -> Option<Vec<u8>> {
        match self.method.as_slice() {
            NATIVE => Some(database::mysql_native(password, &self.nonce)),
            SHA2 => Some(database::mysql_sha2(password, &self.nonce)),
            _ => None,
        }
    }
}

/// What a response to a greeting begins with, and all that is sent before TLS.
fn header(capabilities: u64) -> Vec<u8> {
    let capabilities = u32::try_from(capabilities).unwrap_or(0);
    let largest = 1_u32 << 24;
    let mut header = Vec::with_capacity(128);
    header.extend_from_slice(&capabilities.to_le_bytes());
    header.extend_from_slice(&largest.to_le_bytes());
    header.push(CHARACTER_SET);
    header.extend_from_slice(&[0; 23]);
    header
}

fn refused(error: &[u8]) -> TargetError {
    match super::refused(error) {
        TargetError::Refused(code) if CREDENTIALS.contains(&code.as_str()) => {
            TargetError::Credentials
        }
        error => error,
    }
}
