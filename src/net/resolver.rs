//! Where this machine's resolver is told to look: for a diagnosis, since the C library does not say whom it asked.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::platform::blocking::BlockingTasks;
use crate::platform::file;
use crate::ports::limits::{Limits, Stop};

/// Reads that are pending: such a file may lie on a file system that hangs.
pub(super) static READS: BlockingTasks<String, ResolverFiles> =
    BlockingTasks::new("b2auth resolver", 2, Duration::ZERO);

/// More than such a file has on any machine that works.
const MAX_SIZE: u64 = 1024 * 1024;

/// What the resolver's files say.
#[derive(Clone, Default)]
pub(crate) struct ResolverFiles {
    /// The name servers, as `/etc/resolv.conf` names them.
    pub(crate) name_servers: Vec<String>,
    /// `/etc/hosts` has the name, which then usually decides.
    pub(crate) is_in_hosts: bool,
}

/// What the files say about a host; nothing if they cannot be read in time.
pub(crate) fn files(host: &str, limits: &Limits<'_>) -> ResolverFiles {
    let check = || match limits.stop() {
        Some(stop) => Err::<_, Stop>(stop),
        None => Ok(limits.poll_interval()),
    };
    let name = host.to_ascii_lowercase();
    READS.run(name.clone(), check, move || read(&name)).unwrap_or_default()
}

fn read(host: &str) -> ResolverFiles {
    ResolverFiles {
        name_servers: name_servers(&text("/etc/resolv.conf")),
        is_in_hosts: names(&text("/etc/hosts")).any(|name| name.eq_ignore_ascii_case(host)),
    }
}

fn text(path: &str) -> String {
    let mut bytes = Vec::new();
    let file = file::open(Path::new(path)).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    let read = file.map(|file| file.take(MAX_SIZE).read_to_end(&mut bytes));
    if matches!(read, Some(Ok(_))) { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() }
}

/// The C library asks the first three.
fn name_servers(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default().split_ascii_whitespace());
    let servers = lines.filter_map(|mut words| (words.next() == Some("nameserver")).then(|| words.next()).flatten());
    servers.take(3).map(str::to_owned).collect()
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('#').next().unwrap_or_default().split_ascii_whitespace().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_name_servers_are_found() {
        let text = "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1 # the first\n nameserver\t2001:db8::1\n\
                    nameserver\nnameserver 192.0.2.3;x\nnameserver 192.0.2.4\n";
        assert_eq!(name_servers(text), ["192.0.2.1", "2001:db8::1", "192.0.2.3"]);
        assert!(name_servers("").is_empty());
    }

    #[test]
    fn names_and_aliases_are_found() {
        let text = "127.0.0.1 localhost\n# 192.0.2.1 no.example\n192.0.2.2 a.example b.example # c.example\n";
        assert_eq!(names(text).collect::<Vec<_>>(), ["localhost", "a.example", "b.example"]);
    }
}
