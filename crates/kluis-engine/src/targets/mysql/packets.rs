//! Packets: three bytes of length, one that counts, and what is in them.

use super::super::TargetError;
use super::super::tls::Tls;
use super::super::wire::Wire;

/// A connection that carries packets.
pub(super) struct Packets {
    pub(super) wire: Wire,
    /// The number of the next packet, in either direction.
    number: u8,
}

/// The longest packet that is taken.
const LONGEST: usize = 1 << 20;

impl Packets {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, number: 0 }
    }

    /// Go on over TLS.
    pub(super) async fn encrypt(self, tls: &Tls, host: &str) -> Result<Self, TargetError> {
        Ok(Self {
            wire: self.wire.encrypt(tls, host).await?,
            number: self.number,
        })
    }

    /// A command follows: its packets are counted anew.
    pub(super) fn begin(&mut self) {
        self.number = 0;
    }

    /// What is in the next packet.
    pub(super) async fn read(&mut self) -> Result<Vec<u8>, TargetError> {
        let header = self.wire.read(4).await?;
        let [a, b, c, number] = *header.as_slice() else {
            return Err(TargetError::Protocol);
        };
        let length = u32::from_le_bytes([a, b, c, 0]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if number != self.number || length > LONGEST {
            return Err(TargetError::Protocol);
        }
        self.number = number.wrapping_add(1);
        self.wire.read(length).await
    }

    /// Send a packet.
    pub(super) async fn write(&mut self, content: Vec<u8>) -> Result<(), TargetError> {
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        if content.len() > LONGEST {
            return Err(TargetError::Unsupported);
        }
        let [a, b, c, _] = length.to_le_bytes();
        let mut packet = Vec::with_capacity(4 + content.len());
        packet.extend_from_slice(&[a, b, c, self.number]);
        packet.extend_from_slice(&content);
        self.number = self.number.wrapping_add(1);
        drop(zeroize::Zeroizing::new(content));
        self.wire.write(packet).await
    }
}

/// What is left to read of a packet.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(packet: &'a [u8]) -> Self {
        Self(packet)
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], TargetError> {
        let (bytes, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(TargetError::Protocol)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Little-endian, of as many bytes.
    pub(super) fn little(&mut self, count: usize) -> Result<u64, TargetError> {
        let bytes = self.bytes(count)?.iter().rev();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number whose first byte says how many follow.
    pub(super) fn number(&mut self) -> Result<u64, TargetError> {
        match self.little(1)? {
            small @ 0..=0xfa => Ok(small),
            0xfc => self.little(2),
            0xfd => self.little(3),
            0xfe => self.little(8),
            _ => Err(TargetError::Protocol),
        }
    }

    /// Text behind its length; what is NULL reads as empty.
    pub(super) fn text(&mut self) -> Result<String, TargetError> {
        if self.0.first() == Some(&0xfb) {
            return Ok(String::new());
        }
        let length = usize::try_from(self.number()?).map_err(|_| TargetError::Protocol)?;
        let text = str::from_utf8(self.bytes(length)?);
        Ok(text.map_err(|_| TargetError::Protocol)?.to_owned())
    }

    /// Bytes up to a NUL, which is taken too, or up to the end.
    pub(super) fn up_to_nul(&mut self) -> &'a [u8] {
        let length = self.0.iter().position(|byte| *byte == 0);
        let (bytes, rest) = match length.and_then(|at| self.0.split_at_checked(at)) {
            Some((bytes, rest)) => (bytes, rest.get(1..).unwrap_or_default()),
            None => (self.0, Default::default()),
        };
        self.0 = rest;
        bytes
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }
}
