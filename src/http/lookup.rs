//! From a host name to addresses, on a thread that the caller can walk away from.
//!
//! The C library's resolver can't be interrupted. A look-up that hangs is left behind, and few may be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::platform;
use crate::transport::FailureKind;

use super::failure::{failure, hinted, reason};
use super::line::Line;
use super::shared::Shared;

/// The most look-ups that may be under way in this process.
const MOST: usize = 8;

/// How a name becomes addresses.
pub(super) type Resolve = fn(&str) -> io::Result<Vec<IpAddr>>;

/// Asks the system.
pub(super) fn system(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    Ok(found)
}

/// One look-up, and all who wait for it.
#[derive(Default)]
pub(super) struct LookUp {
    found: Mutex<Option<Result<Vec<IpAddr>, String>>>,
    done: Condvar,
}

impl LookUp {
    fn finish(&self, found: Result<Vec<IpAddr>, String>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        self.done.notify_all();
    }

    fn wait(&self, line: &Line) -> io::Result<Result<Vec<IpAddr>, String>> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = &*found {
                return Ok(found.clone());
            }
            found = match line.look()? {
                Some(span) => self.done.wait_timeout(found, span).unwrap_or_else(PoisonError::into_inner).0,
                None => self.done.wait(found).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// The addresses of `host`, in the order to try them.
pub(super) fn addresses(line: &Line, shared: &'static Shared, resolve: Resolve, host: &str) -> io::Result<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    // A name server has no say in where this is.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let problem = match join(line, shared, resolve, host)?.wait(line)? {
        Ok(found) if !found.is_empty() => return Ok(found),
        Ok(_) => "it has no address".to_owned(),
        Err(problem) => problem,
    };
    Err(line.fail(hinted(
        FailureKind::Network,
        format!("the name {host} cannot be resolved: {problem}"),
        "check the spelling of the name, and this machine's network and DNS",
    )))
}

/// The look-up of `host` that is under way, or a new one.
fn join(line: &Line, shared: &'static Shared, resolve: Resolve, host: &str) -> io::Result<Arc<LookUp>> {
    enum Place {
        Joined(Arc<LookUp>),
        Leading(Arc<LookUp>),
        Full,
    }
    let place = shared.with(|table| {
        if let Some((_, look_up)) = table.look_ups.iter().find(|(name, _)| name == host) {
            return Place::Joined(Arc::clone(look_up));
        }
        if table.look_ups.len() >= MOST {
            return Place::Full;
        }
        let look_up = Arc::<LookUp>::default();
        table.look_ups.push((host.to_owned(), Arc::clone(&look_up)));
        Place::Leading(look_up)
    });
    let look_up = match place {
        Place::Joined(look_up) => return Ok(look_up),
        Place::Leading(look_up) => look_up,
        Place::Full => {
            return Err(line.fail(hinted(
                FailureKind::Network,
                format!("the name {host} cannot be resolved: {MOST} look-ups are stuck already"),
                "this machine's name servers do not answer: check its network and DNS",
            )));
        }
    };
    let (mine, name) = (Arc::clone(&look_up), host.to_owned());
    let started = platform::spawn_deaf("b2auth look-up", move || {
        let found = resolve(&name).map_err(|e| plain(&e));
        leave(shared, &mine);
        mine.finish(found);
    });
    if let Err(e) = started {
        let problem = format!("no thread could be started for it: {}", reason(&e));
        leave(shared, &look_up);
        look_up.finish(Err(problem.clone()));
        let message = format!("the name {host} cannot be resolved: {problem}");
        return Err(line.fail(failure(FailureKind::Network, message)));
    }
    Ok(look_up)
}

fn leave(shared: &Shared, look_up: &Arc<LookUp>) {
    shared.with(|table| table.look_ups.retain(|(_, other)| !Arc::ptr_eq(other, look_up)));
}

/// The standard library prefixes the C library's reason with what the caller says anyway.
fn plain(error: &io::Error) -> String {
    let text = reason(error);
    text.strip_prefix("failed to lookup address information: ").map_or(text.clone(), str::to_owned)
}
