//! A port that is listened on, and the thread that accepts there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A thousand clients may come at once; the usual 128 would have them wait a second and more.
const BACKLOG: libc::c_int = 4_096;
/// How often a free port is looked for that is free on IPv4 and IPv6 alike.
const TRIES: usize = 20;

#[derive(Debug)]
pub(crate) struct Listener {
    port: u16,
    /// Each stops listening when it goes.
    _ends: Vec<End>,
}

#[derive(Debug)]
struct End {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on `port` (0 for any that is free) and hands each connection to `serve`. On
    /// 127.0.0.1, ::1 too if there is one: `localhost` may mean either.
    pub(crate) fn start(
        address: IpAddr,
        port: u16,
        serve: impl Fn(TcpStream) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let sockets = bind(address, port)?;
        let port = sockets[0].local_addr()?.port();
        let ends = sockets.into_iter().map(|socket| End::start(socket, serve.clone()));
        Ok(Self { port, _ends: ends.collect::<io::Result<_>>()? })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Listens on one address; an error names it.
fn bind_one(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    let name = |error: io::Error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}"));
    TcpListener::bind(address).map_err(name)
}

fn bind(address: IpAddr, port: u16) -> io::Result<Vec<TcpListener>> {
    for _ in 0..TRIES {
        let first = bind_one(address, port)?;
        if address != Ipv4Addr::LOCALHOST {
            return Ok(vec![first]);
        }
        match bind_one(Ipv6Addr::LOCALHOST.into(), first.local_addr()?.port()) {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // No IPv6 on this machine.
            Err(_) => return Ok(vec![first]),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

impl End {
    fn start(socket: TcpListener, serve: impl Fn(TcpStream) + Send + 'static) -> io::Result<Self> {
        // SAFETY: `socket` is a bound stream socket; listening again only changes the backlog.
        unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) };
        let address = socket.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopping);
        let accept = move || {
            while !seen.load(Ordering::SeqCst) {
                match socket.accept() {
                    Ok(_) if seen.load(Ordering::SeqCst) => return,
                    Ok((stream, _)) => serve(stream),
                    // Out of descriptors, most likely: some will be given back.
                    Err(_) => thread::sleep(Duration::from_millis(10)),
                }
            }
        };
        let thread = thread::Builder::new().name("b2-sandbox-accept".to_owned()).spawn(accept)?;
        Ok(Self { address, stopping, thread: Some(thread) })
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        // Wakes the accepting thread, which then sees the flag.
        let woken = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // A panic over there has been printed by then.
            let _ = thread.join();
        }
    }
}
