//! A proxy that keeps all that passes, as one that ends TLS could.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What passed on one connection in one direction.
type Stream = Arc<Mutex<Vec<u8>>>;

/// A TCP proxy on a port of its own.
pub(super) struct Recorder {
    pub(super) base: String,
    streams: Arc<Mutex<Vec<Stream>>>,
}

impl Recorder {
    /// In front of the server at `base`. Whoever holds a byte has it from the record: it is written there first.
    pub(super) fn before(base: &str) -> Self {
        let target = base.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            streams: Arc::default(),
        };
        let streams = Arc::clone(&recorder.streams);
        in_thread(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(&target).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let stream = Stream::default();
                    streams.lock().unwrap().push(Arc::clone(&stream));
                    in_thread(move || carry(from, to, &stream));
                }
            }
        });
        recorder
    }

    /// All that has passed since this was asked last, each direction of each connection by itself.
    pub(super) fn taken(&self) -> Vec<Vec<u8>> {
        let streams = std::mem::take(&mut *self.streams.lock().unwrap());
        let streams = streams.iter();
        streams
            .map(|stream| stream.lock().unwrap().clone())
            .collect()
    }
}

/// Carries bytes until one end hangs up, which ends the other.
fn carry(mut from: TcpStream, mut to: TcpStream, stream: &Stream) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        stream.lock().unwrap().extend_from_slice(&chunk[..count]);
        if to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn in_thread(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name("recorder".to_owned());
    thread.spawn(work).unwrap();
}
