//! The reader of the b2 tool's database.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::words::assert_own;
use crate::credentials::read_database;

/// Any bytes in place of the file.
pub fn database(bytes: &[u8]) {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("b2auth-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    });
    let path = folder.join("account_info");
    fs::write(&path, bytes).expect("a file");
    match read_database(&path) {
        Ok((key_id, key)) => {
            for (text, longest) in [(key_id.as_str(), 256), (key.as_str(), 1024)] {
                assert!((1..=longest).contains(&text.len()));
                assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            assert!(!key_id.contains(':'));
        }
        Err(reason) => assert_own(&reason),
    }
    // It reads, and nothing else.
    assert!(fs::read(&path).is_ok_and(|now| now == bytes));
    assert_eq!(fs::read_dir(folder).map(Iterator::count).ok(), Some(1));
}
