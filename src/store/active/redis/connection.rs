//! Commands to a server and its replies, on one connection that is opened when it is needed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error;
use super::resp::{self, MAX_ITEMS, MAX_TOTAL, Reply};
use crate::model::redis_url::{RedisAddress, RedisUrl};
use crate::model::store_url::{StorePlace, StoreUrl};
use crate::net::{Destination, Link, LinkFailure, LinkTls, Wire};
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind};
use crate::store::active::engine::Trouble;

/// A command: its name and its arguments.
pub(super) type Command<'a> = &'a [&'a [u8]];

/// A server, and the connection to it.
pub(super) struct Connection {
    url: Arc<StoreUrl>,
    /// Trusted besides, as the call says.
    ca_file: Option<PathBuf>,
    link: Link,
    /// Where the server sent us: a cluster's keys may be elsewhere.
    moved_to: Option<RedisAddress>,
    /// A server that was there once may be starting again.
    was_connected: bool,
    /// The longest array that is believed.
    max_items: usize,
}

/// What an exchange brought.
enum Received {
    Replies(Vec<Reply>),
    /// The server does not let us in.
    Refused(Vec<u8>),
    Malformed,
}

impl Connection {
    pub(super) fn new(url: Arc<StoreUrl>, ca_file: Option<&Path>) -> Self {
        let ca_file = ca_file.map(Path::to_owned);
        Self { url, ca_file, link: Link::default(), moved_to: None, was_connected: false, max_items: MAX_ITEMS }
    }

    /// One that reads longer arrays than those of a leader's commands.
    pub(super) fn with_max_items(mut self, max_items: usize) -> Self {
        self.max_items = max_items;
        self
    }

    fn redis(&self) -> Result<&RedisUrl, Trouble> {
        match &self.url.place {
            StorePlace::Redis(redis) => Ok(redis),
            StorePlace::Files(_) => Err(Trouble::lasting("it is no server")),
        }
    }

    /// Sends commands and reads one reply for each. An error among them is a trouble.
    pub(super) fn exchange(&mut self, commands: &[Command<'_>], limits: &Limits<'_>) -> Result<Vec<Reply>, Trouble> {
        loop {
            let replies = match self.send(commands, limits)? {
                Received::Replies(replies) => replies,
                Received::Refused(text) => {
                    self.link.close();
                    return Err(error::trouble(&text));
                }
                Received::Malformed => {
                    self.link.close();
                    return Err(Trouble::lasting("what it sends is not the protocol of Redis"));
                }
            };
            let Some(text) = first_error(&replies) else { return Ok(replies) };
            match error::moved(text) {
                Some(place) => self.follow(place)?,
                None => return Err(error::trouble(text)),
            }
        }
    }

    /// Goes where a cluster keeps the key, once, and nowhere that is less safe.
    fn follow(&mut self, place: &str) -> Result<(), Trouble> {
        self.link.close();
        let here = &self.redis()?.address;
        if self.moved_to.is_some() {
            return Err(Trouble::lasting("its cluster sends from one server to the next (MOVED)"));
        }
        let there = here.moved_to(place);
        self.moved_to =
            Some(there.ok_or_else(|| Trouble::lasting("its cluster sends to a place that is not safe (MOVED)"))?);
        Ok(())
    }

    fn send(&mut self, commands: &[Command<'_>], limits: &Limits<'_>) -> Result<Received, Trouble> {
        let url = Arc::clone(&self.url);
        let StorePlace::Redis(redis) = &url.place else { return Err(Trouble::lasting("it is no server")) };
        let address = self.moved_to.as_ref().unwrap_or(&redis.address);
        let name = address.to_string();
        let destination = destination(address, self.ca_file.as_deref());
        let (mut user, mut password) = (None, None);
        if let Some(login) = &redis.login {
            user = login.user.as_ref().map(|user| user.as_bytes());
            password = Some(login.password.as_bytes());
        }
        let auth: Vec<&[u8]> = [Some(&b"AUTH"[..]), user, password].into_iter().flatten().collect();
        let database = redis.database.to_string();
        let select: [&[u8]; 2] = [b"SELECT", database.as_bytes()];
        let mut first: Vec<Command<'_>> = Vec::new();
        if password.is_some() {
            first.push(&auth);
        }
        if redis.database != 0 {
            first.push(&select);
        }
        let max_items = self.max_items;
        let work = |wire: &mut dyn Wire, is_new: bool| {
            let before = if is_new { first.as_slice() } else { &[] };
            let all = || before.iter().chain(commands);
            let mut bytes = Zeroizing::new(Vec::with_capacity(all().map(|one| resp::written_length(one)).sum()));
            all().for_each(|command| resp::write(command, &mut bytes));
            wire.write_all(&bytes)?;
            wire.flush()?;
            receive(wire, before.len(), commands.len(), max_items)
        };
        let result = self.link.run(&name, &destination, limits, work);
        let result = result.map_err(|failure| trouble(failure, self.was_connected));
        self.was_connected |= result.is_ok();
        result
    }
}

fn destination<'a>(address: &'a RedisAddress, ca_file: Option<&'a Path>) -> Destination<'a> {
    match address {
        RedisAddress::Unix(path) => Destination::Unix(path),
        RedisAddress::Tcp { host, port, tls } => {
            let tls = tls.as_ref().map(|tls| LinkTls {
                ca_files: ca_file.into_iter().chain(tls.ca_file.as_deref()).collect(),
                identity: tls.identity.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path())),
            });
            Destination::Tcp { host, port: *port, tls }
        }
    }
}

/// Reads so many replies; those to a login come first, and are not passed on.
fn receive(wire: &mut dyn Wire, login: usize, count: usize, max_items: usize) -> io::Result<Received> {
    let mut buffer = Vec::with_capacity(4 * 1024);
    let mut replies = Vec::with_capacity(login + count);
    let mut start = 0;
    let mut chunk = [0; 4 * 1024];
    loop {
        while replies.len() < login + count {
            let Ok(found) = resp::read(&buffer[start..], max_items) else { return Ok(Received::Malformed) };
            let Some((reply, rest)) = found else { break };
            start = buffer.len() - rest.len();
            match reply {
                Reply::Error(text) if replies.len() < login => return Ok(Received::Refused(text)),
                reply => replies.push(reply),
            }
        }
        if replies.len() == login + count {
            // More than was asked for belongs to nobody.
            let is_all = start == buffer.len();
            return Ok(if is_all { Received::Replies(replies.split_off(login)) } else { Received::Malformed });
        }
        if buffer.len() >= MAX_TOTAL {
            return Ok(Received::Malformed);
        }
        let wanted = chunk.len().min(MAX_TOTAL - buffer.len());
        match wire.read(&mut chunk[..wanted])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

fn first_error(replies: &[Reply]) -> Option<&[u8]> {
    replies.iter().find_map(|reply| match reply {
        Reply::Error(text) => Some(text.as_slice()),
        // Of a transaction.
        Reply::Array(Some(items)) => first_error(items),
        _ => None,
    })
}

fn trouble(failure: LinkFailure, was_connected: bool) -> Trouble {
    let (failure, is_passing) = match failure {
        LinkFailure::Open(failure) => (failure, was_connected),
        LinkFailure::Use(failure) => (failure, true),
    };
    let Failure { kind, message, .. } = failure;
    match kind {
        FailureKind::Timeout | FailureKind::Cancelled => Trouble::slow(message),
        FailureKind::Network if is_passing => Trouble::passing(message),
        _ => Trouble::lasting(message),
    }
}
