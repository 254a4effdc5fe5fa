//! What tells one boot of this machine from another.

use once_cell::race::OnceBox;

/// Equal for all processes between two boots; `None` where the system does not say. Read once.
pub(crate) fn id() -> Option<[u8; 16]> {
    static ID: OnceBox<Option<[u8; 16]>> = OnceBox::new();
    *ID.get_or_init(|| Box::new(read()))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn read() -> Option<[u8; 16]> {
    parse(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn read() -> Option<[u8; 16]> {
    None
}

/// Reads a UUID.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn parse(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.trim_ascii().chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
    let mut id = [0; 16];
    for byte in &mut id {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_sixteen_bytes() {
        let id = parse("0123456f-89ab-cdef-0011-2233445566ff\n").expect("a UUID");
        assert_eq!((id[0], id[3], id[15]), (0x01, 0x6f, 0xff));
        for text in ["", "0123", "g123456f-89ab-cdef-0011-2233445566ff", "0123456f-89ab-cdef-0011-2233445566ff0"] {
            assert_eq!(parse(text), None, "{text}");
        }
        if cfg!(target_os = "linux") {
            assert!(super::id().is_some());
        }
    }
}
