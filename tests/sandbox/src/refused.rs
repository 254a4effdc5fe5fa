//! A port on which every connect is refused, and that nobody else can be given meanwhile.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Holds both ends of a connection whose listener is gone. The near end's port is taken, so the
/// system gives it to no one, and nothing listens on it.
#[derive(Debug)]
pub(crate) struct Refused {
    near: TcpStream,
    _far: TcpStream,
}

impl Refused {
    pub(crate) fn reserve() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let near = TcpStream::connect(listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        Ok(Self { near, _far: far })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.near.local_addr()?.port())
    }
}
