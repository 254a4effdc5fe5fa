//! One connection from accept to end: requests in, answers out.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::channel::{Channel, Socket};
use crate::connections::Open;
use crate::deliver::{After, Wish, deliver};
use crate::fault::Fault;
use crate::peer;
use crate::request::{AnswerNow, Request};
use crate::response::Response;
use crate::routes;
use crate::world::World;

/// What a listener does with its connections.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    Http,
    Https(Arc<ServerConfig>),
    NoHandshake,
    HalfHandshake(Arc<ServerConfig>),
    ResetHandshake,
}

/// What a listener's connections have in common.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) world: Arc<World>,
    pub(crate) manner: Manner,
    pub(crate) name: &'static str,
    pub(crate) idle: Duration,
}

/// Where a request came in.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) world: &'a World,
    pub(crate) socket: &'a TcpStream,
    pub(crate) listener: &'static str,
    pub(crate) connection: u64,
    pub(crate) https: bool,
}

impl Service {
    /// Serves one connection to its end. What fails on the way is the client's to notice.
    pub(crate) fn serve(&self, socket: Arc<TcpStream>, open: &Open) {
        self.world.log.connected(self.name);
        let _ = socket.set_nodelay(true);
        let _ = socket.set_read_timeout(Some(self.idle));
        // A client that stops reading must not keep a thread for good.
        let _ = socket.set_write_timeout(Some(peer::LONGEST));
        match &self.manner {
            Manner::Http => self.converse(Channel::Plain(Socket(socket)), open.number),
            Manner::Https(config) => {
                let Ok(session) = ServerConnection::new(Arc::clone(config)) else {
                    return;
                };
                let stream = StreamOwned::new(session, Socket(socket));
                self.converse(Channel::Tls(Box::new(stream)), open.number);
            }
            Manner::NoHandshake => {
                peer::stays_for(&socket, peer::LONGEST, &self.world.halt);
            }
            Manner::HalfHandshake(config) => {
                // Whether or not the client leaves in the middle of it.
                let _ = say_half(config, &mut Socket(Arc::clone(&socket)));
                peer::stays_for(&socket, peer::LONGEST, &self.world.halt);
            }
            Manner::ResetHandshake => {
                let _ = Socket(Arc::clone(&socket)).read(&mut [0; 1]);
                crate::channel::reset_on_close(&socket);
            }
        }
    }

    fn converse(&self, channel: Channel, connection: u64) {
        let mut stream = BufReader::new(channel);
        while let Ok(Some(mut request)) = Request::read_head(&mut stream) {
            let body = request.read_body(&mut stream);
            let channel = stream.get_mut();
            let socket = Arc::clone(channel.socket());
            let caller = Caller {
                world: &self.world,
                socket: &socket,
                listener: self.name,
                connection,
                https: matches!(channel, Channel::Tls(_)),
            };
            let answer = match body {
                Ok(()) => routes::answer(&caller, &request),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let response = Response::error(400, "bad_request", &error.to_string());
                    Some((response, Fault::none()))
                }
                Err(_) => return,
            };
            let Some((response, fault)) = answer else {
                return;
            };
            let wish = Wish { keep_alive: request.keep_alive(), head_only: request.method == "HEAD" };
            match deliver(channel, response, &fault, wish, &self.world.halt) {
                Ok(After::Open) => {}
                Ok(After::Close) => return channel.close(),
                Ok(After::Ended) | Err(_) => return,
            }
        }
        stream.get_mut().close();
    }
}

/// Hears the client's hello, and sends half of the answer.
fn say_half(config: &Arc<ServerConfig>, socket: &mut Socket) -> io::Result<()> {
    let mut session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    while !session.wants_write() {
        if session.read_tls(socket)? == 0 {
            return Ok(());
        }
        session.process_new_packets().map_err(io::Error::other)?;
    }
    let mut answer = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut answer)?;
    }
    socket.write_all(&answer[..answer.len() / 2])
}

impl AnswerNow for BufReader<Channel> {
    fn writer(&mut self) -> &mut dyn Write {
        self.get_mut()
    }
}
