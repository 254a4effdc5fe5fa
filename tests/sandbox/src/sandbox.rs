//! A running sandbox, as a test holds it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::connection::{Manner, Service};
use crate::connections::Connections;
use crate::fault::Fault;
use crate::key::Key;
use crate::listener::Listener;
use crate::log::LogEntry;
use crate::refused::Refused;
use crate::sync::lock;
use crate::temporary::TemporaryFile;
use crate::tls_fault::TlsFault;
use crate::world::World;

/// A TLS handshake in an unoptimised build needs about half of this.
const STACK: usize = 512 << 10;

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub address: IpAddr,
    /// The port for http, 0 for any that is free.
    pub http_port: u16,
    /// The port for https, 0 for any that is free.
    pub https_port: u16,
    /// The keys to accept.
    pub keys: Vec<Key>,
    /// How long a connection may be idle.
    pub idle: Duration,
    /// Where to write the authority's certificate; `None` for a temporary folder. It is removed at the end.
    pub ca_file: Option<PathBuf>,
}

impl Default for Config {
    /// Loopback, free ports, and a key of each kind.
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            http_port: 0,
            https_port: 0,
            keys: Key::defaults(),
            idle: Duration::from_secs(30),
            ca_file: None,
        }
    }
}

/// A running sandbox. It stops when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    world: Arc<World>,
    connections: Arc<Connections>,
    http_listener: Mutex<Option<Listener>>,
    other_listeners: Vec<Listener>,
    http: String,
    https: String,
    tls: HashMap<TlsFault, String>,
    refused: Refused,
    ca_file: TemporaryFile,
}

impl Sandbox {
    /// Starts one. It is ready when this returns.
    pub fn start(config: Config) -> io::Result<Self> {
        let certificates = Certificates::make().map_err(io::Error::other)?;
        let ca_file = match config.ca_file {
            Some(path) => TemporaryFile::write(path, &certificates.ca_pem)?,
            None => TemporaryFile::in_own_folder("ca.pem", &certificates.ca_pem)?,
        };
        let world = Arc::new(World::default());
        for key in config.keys {
            world.add_key(key);
        }
        let connections = Arc::new(Connections::default());
        let listen = |port, name, manner| {
            let world = Arc::clone(&world);
            let service = Arc::new(Service { world, manner, name, idle: config.idle });
            let connections = Arc::clone(&connections);
            Listener::start(config.address, port, move |socket| {
                converse(&service, &connections, socket);
            })
        };
        let http = listen(config.http_port, "http", Manner::Http)?;
        let good = Manner::Https(Arc::clone(&certificates.good));
        let https = listen(config.https_port, "https", good)?;
        let https_url = format!("https://localhost:{}", https.port());
        let mut other_listeners = vec![https];
        let mut tls = HashMap::new();
        for fault in TlsFault::ALL {
            let listener = listen(0, fault.name(), manner(fault, &certificates))?;
            tls.insert(fault, format!("https://localhost:{}", listener.port()));
            other_listeners.push(listener);
        }
        let host = match config.address {
            IpAddr::V6(address) if !address.is_unspecified() => format!("[{address}]"),
            address if address.is_unspecified() => "127.0.0.1".to_owned(),
            address => address.to_string(),
        };
        Ok(Self {
            http: format!("http://{host}:{}", http.port()),
            https: https_url,
            http_listener: Mutex::new(Some(http)),
            other_listeners,
            tls,
            refused: Refused::reserve()?,
            ca_file,
            world,
            connections,
        })
    }

    /// The base URL without TLS.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The base URL with TLS, for clients that trust [`Self::ca_file`].
    pub fn https(&self) -> &str {
        &self.https
    }

    /// The authority's certificate, as PEM.
    pub fn ca_file(&self) -> &Path {
        self.ca_file.path()
    }

    /// The base URL of the listener with this fault.
    pub fn tls_fault(&self, fault: TlsFault) -> &str {
        self.tls.get(&fault).expect("every fault has its listener from the start")
    }

    /// A base URL whose port refuses every connect, for as long as the sandbox lives.
    pub fn refused_url(&self) -> String {
        let port = self.refused.port().expect("a connected socket has an address");
        format!("http://127.0.0.1:{port}")
    }

    /// Stops listening for http: from now on connects to it are refused. Open connections stay.
    pub fn close_http_port(&self) {
        drop(lock(&self.http_listener).take());
    }

    /// Adds a key, or puts it in the place of the one with its id.
    pub fn add_key(&self, key: Key) {
        self.world.add_key(key);
    }

    /// Forgets a key; its tokens are bad from now on.
    pub fn remove_key(&self, key_id: &str) {
        self.world.remove_key(key_id);
    }

    /// The keys, in the order in which they were added.
    pub fn keys(&self) -> Vec<Key> {
        self.world.keys()
    }

    /// Adds a bucket to an account. Those that keys name are there already.
    pub fn add_bucket(&self, account_id: &str, id: &str, name: &str) {
        self.world.objects.add_bucket(account_id, id, name);
    }

    /// Has the next authorize requests of this key id go wrong, one fault each and in order; `*` is
    /// for all that have none of their own. Replaces what was scripted before.
    pub fn script(&self, key_id: &str, faults: impl IntoIterator<Item = Fault>) {
        self.world.scripts.set(key_id, faults.into_iter().collect());
    }

    /// Opens a latch, for those that wait there and for all who come later.
    pub fn release(&self, latch: &str) {
        self.world.latches.release(latch);
    }

    /// How many requests wait at a latch now.
    pub fn held(&self, latch: &str) -> usize {
        self.world.latches.held(latch)
    }

    /// True once that many requests wait at a latch, false if they did not in time.
    pub fn wait_until_held(&self, latch: &str, count: usize, patience: Duration) -> bool {
        self.world.latches.wait_until_held(latch, count, patience)
    }

    /// The requests so far, control requests left out; the newest 100,000 of them.
    pub fn log(&self) -> Vec<LogEntry> {
        self.world.log.entries()
    }

    /// Empties the log and sets its counts to nought.
    pub fn clear_log(&self) {
        self.world.log.clear();
    }

    /// How many authorize requests came with this key id, or with `*` at all.
    pub fn authorize_count(&self, key_id: &str) -> usize {
        self.world.log.authorize_count(key_id)
    }

    /// True once that many have come, false if they did not in time.
    pub fn wait_until_asked(&self, key_id: &str, count: usize, patience: Duration) -> bool {
        self.world.log.wait_for(key_id, count, patience)
    }

    /// How many connections a listener has accepted since the log was cleared: `http`, `https`, or
    /// [`TlsFault::name`]. Those count too that no request came of.
    pub fn connection_count(&self, listener: &str) -> usize {
        self.world.log.connection_count(listener)
    }

    /// Expires all tokens so far of this key, or with `*` of every key.
    pub fn expire_tokens(&self, key_id: &str) {
        self.world.tokens.expire_all_of(key_id);
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.connections.count()
    }

    /// What a program that started the binary has to know.
    pub fn ready(&self) -> Value {
        let tls: HashMap<&str, &str> =
            TlsFault::ALL.into_iter().map(|fault| (fault.name(), self.tls_fault(fault))).collect();
        let keys: Vec<Value> = self
            .keys()
            .into_iter()
            .map(|key| json!({ "keyId": key.key_id, "key": key.key, "label": key.label }))
            .collect();
        json!({
            "http": self.http,
            "https": self.https,
            "ca": self.ca_file(),
            "control": format!("{}/sandbox", self.http),
            "pid": std::process::id(),
            "keys": keys,
            "tls": tls,
            "refused": self.refused_url(),
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.world.halt.set();
        self.close_http_port();
        self.other_listeners.clear();
        self.connections.end();
    }
}

fn manner(fault: TlsFault, certificates: &Certificates) -> Manner {
    match fault {
        TlsFault::UnknownCa => Manner::Https(Arc::clone(&certificates.unknown_ca)),
        TlsFault::Expired => Manner::Https(Arc::clone(&certificates.expired)),
        TlsFault::NotYetValid => Manner::Https(Arc::clone(&certificates.not_yet_valid)),
        TlsFault::WrongName => Manner::Https(Arc::clone(&certificates.wrong_name)),
        TlsFault::ClientCertificate => Manner::Https(Arc::clone(&certificates.client_certificate)),
        TlsFault::NoHandshake => Manner::NoHandshake,
        TlsFault::HalfHandshake => Manner::HalfHandshake(Arc::clone(&certificates.good)),
        TlsFault::Reset => Manner::ResetHandshake,
    }
}

/// Gives a connection its thread. One too many is closed at once.
fn converse(service: &Arc<Service>, connections: &Arc<Connections>, socket: TcpStream) {
    let socket = Arc::new(socket);
    let Some(open) = Connections::enter(connections, &socket) else {
        return;
    };
    let service = Arc::clone(service);
    let thread = thread::Builder::new().name("b2-sandbox".to_owned()).stack_size(STACK);
    // Without a thread the connection closes, which is all that can be done.
    let _ = thread.spawn(move || service.serve(socket, &open));
}
