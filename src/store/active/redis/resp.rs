//! The protocol of Redis, version 2, within narrow bounds: what a server sends is not trusted. Pure.

use zeroize::Zeroizing;

/// All replies of one exchange together.
pub(crate) const MAX_TOTAL: usize = 128 * 1024;
const MAX_LINE: usize = 4 * 1024;
/// Of an array, unless more are asked for.
pub(crate) const MAX_ITEMS: usize = 16;
const MAX_DEPTH: u32 = 2;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    /// `None` is nil.
    Bulk(Option<Vec<u8>>),
    Array(Option<Vec<Reply>>),
}

/// What was sent is not the protocol, or more than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Appends a command.
pub(crate) fn write(command: &[&[u8]], to: &mut Zeroizing<Vec<u8>>) {
    head(b'*', command.len(), to);
    for part in command {
        head(b'$', part.len(), to);
        to.extend_from_slice(part);
        to.extend_from_slice(b"\r\n");
    }
}

fn head(kind: u8, length: usize, to: &mut Vec<u8>) {
    to.push(kind);
    to.extend_from_slice(length.to_string().as_bytes());
    to.extend_from_slice(b"\r\n");
}

/// How many bytes [`write`] appends, so that no copy of a password is left behind by a buffer that grows.
pub(crate) fn written_length(command: &[&[u8]]) -> usize {
    // A number takes twenty digits at most.
    command.iter().map(|part| part.len() + 25).sum::<usize>() + 25
}

/// The first reply in `bytes` and what follows it; `None` if it is not there yet.
pub(crate) fn read(bytes: &[u8], max_items: usize) -> Result<Option<(Reply, &[u8])>, Malformed> {
    let mut rest = bytes;
    Ok(item(&mut rest, MAX_DEPTH, max_items)?.map(|reply| (reply, rest)))
}

fn item(rest: &mut &[u8], depth: u32, max_items: usize) -> Result<Option<Reply>, Malformed> {
    let Some(line) = line(rest)? else { return Ok(None) };
    let (&kind, text) = line.split_first().ok_or(Malformed)?;
    match kind {
        b'+' => Ok(Some(Reply::Simple(text.to_vec()))),
        b'-' => Ok(Some(Reply::Error(text.to_vec()))),
        b':' => Ok(Some(Reply::Integer(number(text)?))),
        b'$' => bulk(rest, number(text)?),
        b'*' => {
            let count = match number(text)? {
                -1 => return Ok(Some(Reply::Array(None))),
                count => usize::try_from(count).ok().filter(|count| *count <= max_items).ok_or(Malformed)?,
            };
            let depth = depth.checked_sub(1).ok_or(Malformed)?;
            let mut items = Vec::with_capacity(count);
            for _ in 0..count {
                match item(rest, depth, max_items)? {
                    Some(one) => items.push(one),
                    None => return Ok(None),
                }
            }
            Ok(Some(Reply::Array(Some(items))))
        }
        _ => Err(Malformed),
    }
}

fn bulk(rest: &mut &[u8], length: i64) -> Result<Option<Reply>, Malformed> {
    if length == -1 {
        return Ok(Some(Reply::Bulk(None)));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_TOTAL).ok_or(Malformed)?;
    let Some((content, after)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some((end, after)) = after.split_at_checked(2) else { return Ok(None) };
    if end != b"\r\n" {
        return Err(Malformed);
    }
    *rest = after;
    Ok(Some(Reply::Bulk(Some(content.to_vec()))))
}

/// A line without its end; `None` if that has not come.
fn line<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
    let bytes = *rest;
    let window = &bytes[..bytes.len().min(MAX_LINE)];
    match window.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let line = bytes[..end].strip_suffix(b"\r").ok_or(Malformed)?;
            *rest = &bytes[end + 1..];
            Ok(Some(line))
        }
        None if bytes.len() >= MAX_LINE => Err(Malformed),
        // What cannot become a reply is not waited for.
        None if bytes.first().is_some_and(|kind| !b"+-:$*".contains(kind)) => Err(Malformed),
        None => Ok(None),
    }
}

fn number(text: &[u8]) -> Result<i64, Malformed> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Result<Option<Reply>, Malformed> {
        Ok(read(bytes, MAX_ITEMS)?.map(|(reply, rest)| {
            assert!(rest.is_empty(), "{rest:?}");
            reply
        }))
    }

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let command: [&[u8]; 3] = [b"SET", b"a key", b"\r\n\0"];
        let mut bytes = Zeroizing::new(Vec::new());
        write(&command, &mut bytes);
        assert_eq!(bytes.as_slice(), b"*3\r\n$3\r\nSET\r\n$5\r\na key\r\n$3\r\n\r\n\0\r\n");
        assert!(bytes.len() <= written_length(&command));
    }

    #[test]
    fn each_kind_of_reply_is_read_once_it_is_whole() {
        let bulk = |text: &[u8]| Reply::Bulk(Some(text.to_vec()));
        for (bytes, expected) in [
            (&b"+OK\r\n"[..], Reply::Simple(b"OK".to_vec())),
            (b"-NOAUTH no\r\n", Reply::Error(b"NOAUTH no".to_vec())),
            (b":-2\r\n", Reply::Integer(-2)),
            (b"$-1\r\n", Reply::Bulk(None)),
            (b"$0\r\n\r\n", bulk(b"")),
            (b"$4\r\na\r\nb\r\n", bulk(b"a\r\nb")),
            (b"*-1\r\n", Reply::Array(None)),
            (b"*0\r\n", Reply::Array(Some(Vec::new()))),
            (
                b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
                Reply::Array(Some(vec![Reply::Array(Some(vec![Reply::Integer(1)])), bulk(b"x")])),
            ),
        ] {
            for end in 0..bytes.len() {
                assert_eq!(whole(&bytes[..end]), Ok(None), "{end} of {bytes:?}");
            }
            assert_eq!(whole(bytes), Ok(Some(expected)));
        }
        assert_eq!(read(b":1\r\n:2\r\n", MAX_ITEMS).map(|found| found.map(|(_, rest)| rest)), Ok(Some(&b":2\r\n"[..])));
    }

    #[test]
    fn what_is_not_the_protocol_or_too_much_is_malformed() {
        let long = [b"+".as_slice(), &[b'x'; MAX_LINE]].concat();
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\x15\x03\x01\x00\x02\x02\x0a",
            b"\r\n",
            b"+OK\n",
            b":\r\n",
            b":x\r\n",
            b":+1\r\n",
            b":99999999999999999999\r\n",
            b"$-2\r\n",
            b"$131073\r\n",
            b"$1\r\nab\r\n",
            b"*17\r\n",
            b"*-2\r\n",
            b"*1\r\n*1\r\n*1\r\n:1\r\n",
            b"%1\r\n",
            &long,
        ] {
            assert_eq!(read(bytes, MAX_ITEMS), Err(Malformed), "{bytes:?}");
        }
    }
}
