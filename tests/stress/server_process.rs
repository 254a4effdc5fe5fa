//! The server in a process of its own, so that a fork of the test does not inherit its sockets.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longer than the server takes for anything but a scripted wait.
const SERVER_TIMEOUT: Duration = Duration::from_secs(60);

pub struct Server {
    process: Child,
    pub http: String,
    pub https: String,
    pub ca: String,
    pub refused: String,
}

impl Server {
    pub fn start() -> Self {
        let program = std::env::var_os("STRESS_SANDBOX").map_or_else(built_server, PathBuf::from);
        let mut process = Command::new(&program)
            .arg("--until-eof")
            // The server uses the real clock.
            .env_remove("LD_PRELOAD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error} (cargo build -p b2-sandbox)", program.display()));
        let mut line = String::new();
        let read = BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line);
        read.expect("the server prints its addresses");
        let ready: Value = serde_json::from_str(&line).expect("its line is JSON");
        let text = |name: &str| ready[name].as_str().expect("it is in the line").to_owned();
        Self { process, http: text("http"), https: text("https"), ca: text("ca"), refused: text("refused") }
    }

    pub fn port(&self) -> &str {
        self.http.rsplit(':').next().expect("the URL has a port")
    }

    pub fn control(&self) -> Control {
        Control { host: host(&self.http).to_owned(), stream: None }
    }

    pub fn stop(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it is this process's child");
    }
}

/// `target/debug/deps/stress-…` has its server in `target/debug`.
fn built_server() -> PathBuf {
    let exe = std::env::current_exe().expect("this program has a path");
    exe.parent().and_then(|deps| deps.parent()).expect("it is in a folder of Cargo's").join("b2-sandbox")
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").expect("control goes over http")
}

/// A connection to the server's control endpoint. It is reopened if the server has closed it.
pub struct Control {
    host: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Control {
    pub fn get<T: DeserializeOwned>(&mut self, what: &str) -> T {
        self.ask("GET", what, "")
    }

    pub fn post(&mut self, what: &str, body: &Value) {
        let _: Value = self.ask("POST", what, &body.to_string());
    }

    pub fn delete(&mut self, what: &str) {
        let _: Value = self.ask("DELETE", what, "");
    }

    fn ask<T: DeserializeOwned>(&mut self, method: &str, what: &str, body: &str) -> T {
        let path = format!("/sandbox/{what}");
        for _ in 0..3 {
            let stream = self.stream.take().map_or_else(|| connect(&self.host), Ok);
            let response = stream.and_then(|mut stream| {
                send(stream.get_mut(), method, &self.host, &path, "", body)?;
                let (status, length) = head(&mut stream)?;
                assert_eq!(status, 200, "{method} {path}");
                let answer = serde_json::from_reader(stream.by_ref().take(length))?;
                self.stream = Some(stream);
                Ok(answer)
            });
            if let Ok(answer) = response {
                return answer;
            }
        }
        panic!("the server does not answer {method} {path}");
    }
}

/// Uses a token as a program would. Returns the status, and the code if that is not 200.
pub fn use_token(api_url: &str, account: &str, token: &str) -> io::Result<(u16, Option<String>)> {
    let host = host(api_url);
    let mut stream = connect(host)?;
    let body = format!("{{\"accountId\":\"{account}\"}}");
    let headers = format!("Authorization: {token}\r\nConnection: close\r\n");
    send(stream.get_mut(), "POST", host, "/b2api/v4/b2_list_buckets", &headers, &body)?;
    let (status, length) = head(&mut stream)?;
    let answer: Value = serde_json::from_reader(stream.take(length))?;
    Ok((status, answer["code"].as_str().map(str::to_owned)))
}

fn connect(host: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(SERVER_TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn send(to: &mut TcpStream, method: &str, host: &str, path: &str, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    to.write_all(request.as_bytes())
}

fn head(from: &mut BufReader<TcpStream>) -> io::Result<(u16, u64)> {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok((status, length));
        }
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).and_then(|number| number.parse().ok()).unwrap_or(0);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}
