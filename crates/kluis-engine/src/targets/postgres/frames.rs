//! What a PostgreSQL server may send: its messages are looked at whole before the driver gets them.
//!
//! The driver makes room for as many bytes as a message says it has, and repeats a hash as often as the server wants. Both
//! are the server's to choose, and bounded here (NT-48).

use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::TargetError;
use super::super::wire::{MOST_BYTES, Stream};

/// A stream of messages that were found to be in order.
pub(super) struct Frames {
    stream: Stream,
    /// What has come and is not handed on yet.
    held: Vec<u8>,
    /// So much of it may be handed on.
    checked: usize,
    /// Bytes that may still come.
    left: usize,
    is_encrypted: bool,
}

/// Why a message is not handed on.
#[derive(Debug)]
struct Unfit(TargetError);

/// A byte that says what kind, and a length of four bytes that counts itself.
const HEADER: usize = 5;
/// The longest message.
const LONGEST: usize = 1 << 20;
/// The kind of messages that steer a log-in.
const AUTHENTICATION: u8 = b'R';
/// What such a message asks for, of what is looked at here.
const CLEARTEXT: u32 = 3;
const SASL_CONTINUE: u32 = 11;
/// The most rounds of a hash that a server may ask for; theirs ask for 4,096 unless told otherwise.
const MOST_ROUNDS: u32 = 100_000;

impl Frames {
    pub(super) fn new(stream: Stream, is_encrypted: bool) -> Self {
        Self {
            stream,
            held: Vec::new(),
            checked: 0,
            left: MOST_BYTES,
            is_encrypted,
        }
    }

    /// Look at what is held behind what was looked at.
    fn check(&mut self) -> Result<(), TargetError> {
        while let Some((header, behind)) = self
            .held
            .get(self.checked..)
            .and_then(|held| held.split_first_chunk::<HEADER>())
        {
            let [kind, length @ ..] = *header;
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if !(4..=LONGEST).contains(&length) {
                return Err(TargetError::Protocol);
            }
            let Some(body) = behind.get(..length - 4) else {
                return Ok(());
            };
            if kind == AUTHENTICATION {
                authentication(body, self.is_encrypted)?;
            }
            self.checked += 1 + length;
        }
        Ok(())
    }
}

/// A password goes in the clear only where nobody can read it on the way, and a hash is not repeated for ever.
fn authentication(body: &[u8], is_encrypted: bool) -> Result<(), TargetError> {
    let (code, said) = body.split_first_chunk().ok_or(TargetError::Protocol)?;
    match u32::from_be_bytes(*code) {
        CLEARTEXT if !is_encrypted => Err(TargetError::Method),
        SASL_CONTINUE => {
            let rounds = said
                .split(|byte| *byte == b',')
                .find_map(|part| part.strip_prefix(b"i="))
                .and_then(|rounds| str::from_utf8(rounds).ok()?.parse::<u32>().ok());
            match rounds {
                Some(1..=MOST_ROUNDS) => Ok(()),
                _ => Err(TargetError::Protocol),
            }
        }
        _ => Ok(()),
    }
}

/// Why a log-in failed, where that was found here.
pub(super) fn cause(error: &tokio_postgres::Error) -> Option<TargetError> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    let Unfit(cause) = io.get_ref()?.downcast_ref()?;
    Some(cause.clone())
}

impl AsyncRead for Frames {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let frames = self.get_mut();
        while frames.checked == 0 {
            let mut portion = [0; 8 << 10];
            let mut portion = ReadBuf::new(&mut portion);
            ready!(Pin::new(&mut frames.stream).poll_read(context, &mut portion))?;
            let come = portion.filled();
            if come.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let unfit = |cause| Poll::Ready(Err(io::Error::other(Unfit(cause))));
            match frames.left.checked_sub(come.len()) {
                Some(left) => frames.left = left,
                None => return unfit(TargetError::Protocol),
            }
            frames.held.extend_from_slice(come);
            if let Err(cause) = frames.check() {
                return unfit(cause);
            }
        }
        let count = frames.checked.min(into.remaining());
        into.put_slice(frames.held.get(..count).unwrap_or_default());
        frames.held.drain(..count);
        frames.checked -= count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Frames {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unfit {}
