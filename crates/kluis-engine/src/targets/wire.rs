//! A connection to a server that is not believed: to a checked address, and with an end to what it may send.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::TargetError;
use super::tls::Tls;

/// A server's place: its name, for its certificate, and the addresses that were found for it and may be called.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Such bytes, over whatever they go.
pub(super) type Stream = Box<dyn Duplex>;

/// A stream that is read in portions whose length is known.
pub(super) struct Wire {
    stream: Stream,
    /// Bytes that may still come.
    left: usize,
    /// Whether what is written can be read on the way.
    pub(super) is_encrypted: bool,
}

/// What a server may send in one session. Everything that is asked of one fits many times over.
pub(super) const MOST_BYTES: usize = 4 << 20;

impl Place {
    /// Connect to the first of its addresses that answers.
    pub(super) async fn connect(&self) -> Result<Stream, TargetError> {
        if self.addresses.is_empty() {
            return Err(TargetError::Address);
        }
        for address in &self.addresses {
            if let Ok(stream) = TcpStream::connect(address).await {
                // It is only slower without.
                let _ = stream.set_nodelay(true);
                return Ok(Box::new(stream));
            }
        }
        Err(TargetError::Connect)
    }
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            left: MOST_BYTES,
            is_encrypted: false,
        }
    }

    /// Go on over TLS.
    pub(super) async fn encrypt(self, tls: &Tls, host: &str) -> Result<Self, TargetError> {
        Ok(Self {
            stream: tls.begin(self.stream, host).await?,
            left: self.left,
            is_encrypted: true,
        })
    }

    /// The stream, for whoever reads it otherwise.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Exactly so many bytes.
    pub(super) async fn read(&mut self, count: usize) -> Result<Vec<u8>, TargetError> {
        self.left = self.left.checked_sub(count).ok_or(TargetError::Protocol)?;
        let mut bytes = vec![0; count];
        match self.stream.read_exact(&mut bytes).await {
            Ok(_) => Ok(bytes),
            Err(_) => Err(TargetError::Protocol),
        }
    }

    /// Write all of it, and wipe it.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> Result<(), TargetError> {
        let bytes = Zeroizing::new(bytes);
        let written = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|_| TargetError::Protocol)
    }
}
