//! Answers that have no end.

use crate::fault::Flood;

const HEADER: &[u8] = b"X-Flood: 0123456789\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// True if it comes in or behind the chunks of a body.
pub(crate) fn is_of_chunks(kind: Flood) -> bool {
    matches!(kind, Flood::Chunks | Flood::Extension | Flood::Trailers)
}

/// What comes first of this answer, and what then comes again and again, a few KiB of it.
pub(crate) fn of(kind: Flood, head: &[u8], body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let open_head = head.strip_suffix(b"\r\n").unwrap_or(head);
    let open_body = body.strip_suffix(LAST_CHUNK).unwrap_or(body);
    match kind {
        Flood::Interim => (Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(200)),
        Flood::Line => ([open_head, b"X-Flood: "].concat(), vec![b'x'; 4_096]),
        Flood::Headers => (open_head.to_vec(), HEADER.repeat(200)),
        Flood::Chunks => ([head, open_body].concat(), [&b"1000\r\n"[..], &[b' '; 4_096], b"\r\n"].concat()),
        Flood::Extension => ([head, open_body, b"1;"].concat(), vec![b'x'; 4_096]),
        Flood::Trailers => ([head, open_body, b"0\r\n"].concat(), HEADER.repeat(200)),
    }
}
