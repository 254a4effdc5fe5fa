//! Hosts that are reached without the proxy, as `NO_PROXY` lists them. There is no standard for it; this is what most
//! programs agree on.

use std::net::IpAddr;

/// True if one of the entries of `list`, split by commas or white space, matches: `*`, a host or a suffix of it (with
/// or without a leading dot), an address, a network such as 10.0.0.0/8; each but the last with or without a port.
pub(super) fn matches(list: &str, host: &str, port: u16) -> bool {
    // A container's file of variables may keep the quotation marks around a value.
    let list = list.trim_matches(['"', '\'']);
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    list.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some(address) = address
            && let Some((network, bits)) = entry.split_once('/')
        {
            return is_within(address, network, bits).unwrap_or(false);
        }
        let (name, wanted) = split_port(entry);
        if wanted.is_some_and(|wanted| wanted != port.to_string()) {
            return false;
        }
        let name = name.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = address {
            return name.parse() == Ok(address);
        }
        let name = name.strip_prefix('*').unwrap_or(&name);
        let name = name.strip_prefix('.').unwrap_or(name);
        !name.is_empty() && host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Splits a port off, but not the last group off a bare IPv6 address.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if name.ends_with(']') || !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    }
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let same = |a: u128, b: u128, width: u32| {
        let shift = width.checked_sub(bits)?;
        Some(a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0))
    };
    match (address, network.parse().ok()?) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_match_hosts_suffixes_addresses_and_networks() {
        let table: &[(&str, &str, bool)] = &[
            ("*", "api.example.com", true),
            ("", "api.example.com", false),
            (",, ", "api.example.com", false),
            ("api.example.com", "api.example.com", true),
            ("API.EXAMPLE.COM.", "api.example.com", true),
            (".example.com", "api.example.com", true),
            ("example.com", "api.example.com", true),
            ("*.example.com", "api.example.com", true),
            ("ample.com", "api.example.com", false),
            ("api.example.com.evil", "api.example.com", false),
            ("other, example.com", "api.example.com", true),
            ("other example.com", "api.example.com", true),
            ("example.com:443", "api.example.com", true),
            ("example.com:8443", "api.example.com", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3:443", "10.1.2.3", true),
            ("10.1.2.4", "10.1.2.3", false),
            ("2.3", "10.1.2.3", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/16", "10.1.2.3", false),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("10.0.0.0/33", "10.1.2.3", false),
            ("10.0.0.0/8", "api.example.com", false),
            ("2001:db8::1", "[2001:db8::1]", true),
            ("[2001:db8::1]:443", "[2001:db8::1]", true),
            ("2001:db8::/32", "[2001:db8::1]", true),
            ("::/0", "[2001:db8::1]", true),
        ];
        for (list, host, exempt) in table {
            assert_eq!(matches(list, host, 443), *exempt, "{list:?} for {host}");
        }
    }
}
