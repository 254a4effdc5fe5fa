//! Bodies that no client wants.

use std::io::{Read, Write};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fault::Body;
use crate::response::Response;

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Bad Gateway</title></head>\n\
    <body><h1>Bad Gateway</h1><p>The proxy could not reach the server.</p></body></html>\n";
const DEPTH: usize = 100_000;
const HUGE: usize = 64 << 20;
const BOMB: u64 = 256 << 20;

/// Makes what takes long to make, so that it does not delay the response.
pub(crate) fn prepare(kind: &Body) {
    if matches!(kind, Body::GzipBomb) {
        bomb();
    }
}

/// Replaces or spoils the response's body.
pub(crate) fn put(kind: &Body, response: &mut Response) {
    let body = &mut response.body;
    match kind {
        Body::Text(text) => *body = text.clone().into_bytes(),
        // Text that is no base64 is a slip in a test: show it rather than hide it.
        Body::Base64(text) => {
            *body = STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes());
        }
        Body::Empty => body.clear(),
        Body::Html => {
            *body = HTML.into();
            response.set("Content-Type", "text/html; charset=utf-8");
        }
        Body::Truncated => body.truncate(body.len() / 2),
        Body::NotUtf8 => {
            let colon = body.iter().position(|byte| *byte == b':').unwrap_or(0);
            let quote = body[colon..].iter().position(|byte| *byte == b'"').unwrap_or(0);
            body.insert(colon + quote + 1, 0xff);
        }
        Body::Bom => {
            body.splice(0..0, [0xef, 0xbb, 0xbf]);
        }
        Body::Array => {
            body.insert(0, b'[');
            body.push(b']');
        }
        Body::JsonBomb => *body = [vec![b'['; DEPTH], vec![b']'; DEPTH]].concat(),
        Body::Huge => *body = huge(),
        Body::GzipBomb => {
            body.clone_from(bomb());
            response.set("Content-Encoding", "gzip");
        }
    }
}

fn huge() -> Vec<u8> {
    let mut body = Vec::with_capacity(HUGE);
    body.extend_from_slice(br#"{"padding":""#);
    body.resize(HUGE - 2, b'x');
    body.extend_from_slice(br#""}"#);
    body
}

fn bomb() -> &'static Vec<u8> {
    static BOMB_BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB_BYTES.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let mut text = (&b"{"[..]).chain(std::io::repeat(b' ').take(BOMB)).chain(&b"}"[..]);
        std::io::copy(&mut text, &mut encoder).expect("memory takes every write");
        encoder.finish().expect("memory takes every write")
    })
}

/// Compresses as an ordinary server would.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// Chunks small enough that even a short answer has several.
pub(crate) fn chunk(body: &[u8]) -> Vec<u8> {
    let size = (body.len() / 8).clamp(100, 1 << 20);
    let mut chunked = Vec::with_capacity(body.len() + 64);
    for piece in body.chunks(size) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    chunked
}
