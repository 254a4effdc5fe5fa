//! Redis servers that a test starts, stops and spoils, and one that says what the test wants.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::b2_database::TempDir;
use super::fixture::TEST_TIMEOUT;

/// A server of its own, which ends with it.
pub struct RedisServer {
    child: Child,
    options: Vec<String>,
    pub port: u16,
    /// Its folder.
    dir: TempDir,
}

impl RedisServer {
    /// `None`, and a line that says so, where there is no Redis.
    pub fn start(options: &[&str]) -> Option<Self> {
        let version = Command::new(program()).arg("--version").stdout(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            println!("SKIP store_redis: there is no redis-server here");
            return None;
        }
        let dir = TempDir::new();
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        // A free port may be taken by another test before the server has it.
        for _ in 0..10 {
            let port = free_port();
            if let Some(child) = run(&dir, port, &options) {
                return Some(Self { child, options, port, dir });
            }
        }
        panic!("redis-server does not start with {options:?}");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path("socket")
    }

    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// What redis-cli prints for a command.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.raw(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The same for a command that the server may refuse.
    pub fn raw(&self, arguments: &[&str]) -> Output {
        Command::new("redis-cli").arg("-s").arg(self.socket()).args(arguments).output().expect("redis-cli runs")
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.command(&["KEYS", "*"]).lines().map(str::to_owned).collect();
        keys.retain(|key| !key.is_empty());
        keys.sort();
        keys
    }

    /// The key of the one record in it.
    pub fn record(&self) -> String {
        let mut records: Vec<_> = self.keys().into_iter().filter(|key| key.ends_with(":r")).collect();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a process ID");
        // SAFETY: the process is a child of this one that was not waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// Ends it, without what it had.
    pub fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
        drop(fs::remove_file(self.socket()));
    }

    /// The same and starts it again, empty.
    pub fn restart(&mut self) {
        self.stop();
        self.child = run(&self.dir, self.port, &self.options).expect("its port is free");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Redis, or another server that speaks as it does.
fn program() -> OsString {
    std::env::var_os("B2AUTH_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Starts a server and waits until it takes commands.
fn run(dir: &TempDir, port: u16, options: &[String]) -> Option<Child> {
    let socket = dir.path("socket");
    let mut command = Command::new(program());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--loglevel", "warning", "--maxclients", "4000", "--dir"]).arg(dir.path("."));
    command.arg("--unixsocket").arg(&socket).args(options).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().expect("redis-server starts");
    let is_up = || {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut reply = [0; 1];
        stream.read_exact(&mut reply).ok()
    };
    let start = std::time::Instant::now();
    while start.elapsed() < TEST_TIMEOUT {
        if is_up().is_some() {
            return Some(child);
        }
        if child.try_wait().expect("a child").is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// A CA, and the certificates of a server and of a client that it signed.
pub struct Certificates {
    dir: TempDir,
}

impl Certificates {
    /// The server's is for that name.
    pub fn new(name: &str) -> Self {
        let dir = TempDir::new();
        let root_key = KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new([]).expect("no names");
        root.distinguished_name.push(DnType::CommonName, "A CA of this test");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(dir.path("ca.pem"), root.self_signed(&root_key).expect("a certificate").pem()).expect("ours");
        let issuer = Issuer::new(root, root_key);
        for (file, name) in [("server", name), ("client", "client.test")] {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            fs::write(dir.path(&format!("{file}.pem")), certificate.pem()).expect("ours");
            fs::write(dir.path(&format!("{file}.key")), key.serialize_pem()).expect("ours");
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path(name).to_str().expect("ASCII").to_owned()
    }

    /// A server that speaks TLS, on a port of its own.
    pub fn server(&self, asks_for_client: bool) -> Option<(RedisServer, u16)> {
        let port = free_port();
        let (text, clients) = (port.to_string(), if asks_for_client { "yes" } else { "no" });
        let (certificate, key, ca) = (self.path("server.pem"), self.path("server.key"), self.path("ca.pem"));
        let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
        let server = RedisServer::start(&[&["--tls-port", &text, "--tls-auth-clients", clients], &files[..]].concat())?;
        Some((server, port))
    }
}

/// A server that says the same to each connection, once that has sent something.
pub struct FakeServer {
    pub port: u16,
    pub connections: Arc<AtomicUsize>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl FakeServer {
    /// Byte by byte if there is a pause between them. Then it leaves the connection open, or closes it.
    pub fn start(reply: impl Into<Vec<u8>>, pause: Option<Duration>, closes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (reply, connections, streams) =
            (reply.into(), Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (count, open) = (Arc::clone(&connections), Arc::clone(&streams));
        // It ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                count.fetch_add(1, Ordering::SeqCst);
                let (reply, open) = (reply.clone(), Arc::clone(&open));
                std::thread::spawn(move || {
                    let mut chunk = [0; 4096];
                    let is_asked = stream.read(&mut chunk).is_ok_and(|read| read > 0);
                    if is_asked && pause.is_none() {
                        drop(stream.write_all(&reply));
                    }
                    for byte in reply.iter().filter(|_| is_asked && pause.is_some()) {
                        if stream.write_all(&[*byte]).is_err() {
                            return;
                        }
                        std::thread::sleep(pause.unwrap_or_default());
                    }
                    if !closes {
                        open.lock().expect("no panic").push(stream);
                    }
                });
            }
        });
        Self { port, connections, streams }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.streams.lock().expect("no panic").clear();
    }
}

/// A path as a part of a URL.
pub fn in_url(path: &str) -> String {
    assert!(Path::new(path).is_absolute() && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.-_".contains(&b)));
    path.to_owned()
}
