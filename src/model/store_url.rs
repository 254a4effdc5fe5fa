//! Where a shared token store is, as the option `store` and the variable `B2_TOKEN_STORE` say it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::redis_url::{RedisAddress, RedisUrl, Scheme};
use super::{absolute_path, cache_key};

/// Which store a call uses.
#[derive(Clone, Debug, Default)]
pub(crate) enum StoreChoice {
    /// The one that the environment names, if it does.
    #[default]
    Environment,
    None,
    At(Arc<StoreUrl>),
}

/// Where a session's token is stored, as far as that is known without the application key.
#[cfg_attr(not(any(feature = "store-file", feature = "store-redis")), allow(dead_code, reason = "for an engine"))]
#[derive(Clone)]
pub(crate) struct StoredAt {
    pub(crate) url: Arc<StoreUrl>,
    /// What the call trusted besides, on the way to the store as well.
    pub(crate) ca_file: Option<PathBuf>,
    /// The record's name.
    pub(crate) name: [u8; 16],
    /// The token's tag.
    pub(crate) tag: [u8; 16],
}

/// Where a store is.
#[cfg_attr(not(any(feature = "store-file", feature = "store-redis")), allow(dead_code, reason = "for an engine"))]
pub(crate) struct StoreUrl {
    pub(crate) place: StorePlace,
    id: u128,
}

/// The engine, and what it needs.
pub(crate) enum StorePlace {
    /// A folder of this machine.
    Files(PathBuf),
    /// A Redis or Valkey server.
    Redis(RedisUrl),
}

impl StoreUrl {
    /// Reads a store's place; `none` is not one.
    ///
    /// # Errors
    /// Says what is wrong without repeating the text, which may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim_ascii();
        let id = cache_key::digest(text.as_bytes());
        let place = match text.split_once(':') {
            Some(("file", path)) => StorePlace::Files(absolute_path::parse(path)?),
            Some(("redis", rest)) => StorePlace::Redis(RedisUrl::parse(rest, Scheme::Plain)?),
            Some(("rediss", rest)) => StorePlace::Redis(RedisUrl::parse(rest, Scheme::Tls)?),
            Some(("redis+unix", rest)) => StorePlace::Redis(RedisUrl::parse(rest, Scheme::Unix)?),
            _ => return Err("must be none, file:DIR, or a URL with rediss, redis or redis+unix"),
        };
        Ok(Self { place, id })
    }

    /// What this build lacks for it, and what to do about that; `None` if nothing.
    pub(crate) fn missing_engine(&self) -> Option<(String, String)> {
        let (is_there, feature, what) = match &self.place {
            StorePlace::Files(_) => (cfg!(feature = "store-file"), "store-file", "token stores in files"),
            StorePlace::Redis(_) => (cfg!(feature = "store-redis"), "store-redis", "token stores in Redis"),
        };
        let is_socket =
            matches!(&self.place, StorePlace::Redis(redis) if matches!(redis.address, RedisAddress::Unix(_)));
        if is_there && is_socket && cfg!(not(unix)) {
            return Some(("this system has no Unix sockets".to_owned(), "use rediss:// or file:".to_owned()));
        }
        let hint = || format!("build b2auth with the feature {feature}, or leave the store out");
        (!is_there).then(|| (format!("{what} are not in this build"), hint()))
    }

    /// Equal for equal texts within this process, and tells nothing about them.
    #[cfg_attr(not(any(feature = "store-file", feature = "store-redis")), allow(dead_code, reason = "for an engine"))]
    pub(crate) fn id(&self) -> u128 {
        self.id
    }
}

impl fmt::Display for StoreUrl {
    /// The path, or host and port: nothing secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            StorePlace::Files(folder) => write!(f, "{}", folder.display()),
            StorePlace::Redis(redis) => write!(f, "{}", redis.address),
        }
    }
}

impl fmt::Debug for StoreUrl {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_folder_is_an_absolute_path() {
        let store = StoreUrl::parse(" file:/var/lib/b2 auth ").expect("a folder");
        assert!(matches!(&store.place, StorePlace::Files(path) if path == Path::new("/var/lib/b2 auth")));
        assert_eq!(store.to_string(), "/var/lib/b2 auth");
        for text in
            ["file:", "file:tokens", "file:~/tokens", "file:./x", "none", "", "/var/lib", "sqlite:/x", "FILE:/x"]
        {
            assert!(StoreUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_invalid_url_is_rejected_without_being_repeated() {
        for text in [
            "redis:127.0.0.1",
            "redis://example.com",
            "redis://10.0.0.1",
            "redis://127.0.0.1.example.com",
            "rediss://",
            "rediss://SECRET@",
            "rediss://:SECRET@ho st",
            "rediss://:@host",
            "rediss://:SECRET%zz@host",
            "rediss://:SECRET%ff@host",
            "rediss://host:0",
            "rediss://host:SECRET",
            "rediss://host/SECRET",
            "rediss://host/-1",
            "rediss://host?SECRET=1",
            "rediss://host?prefix",
            "rediss://host?prefix=a&prefix=b",
            "rediss://host?prefix={x}",
            "rediss://host?cert=/c.pem",
            "rediss://host?ca_file=ca.pem",
            "rediss://host?db=1",
            "rediss://host#SECRET",
            "redis://localhost?ca_file=/ca.pem",
            "redis+unix://host/run/r.sock",
            "redis+unix:///run/r.sock?db=x",
            "redis+unix://run/r.sock",
            "rediss://:SECRET@[::g]",
        ] {
            let reason = StoreUrl::parse(text).expect_err(text);
            assert!(!reason.contains("SECRET"), "{text}");
        }
    }

    #[test]
    fn neither_display_nor_debug_shows_the_login() {
        let store = StoreUrl::parse("rediss://user:secret@host/1").expect("valid");
        assert_eq!(format!("{store} {store:?}"), "host:6379 StoreUrl(host:6379)");
    }

    #[test]
    fn equal_texts_have_equal_ids() {
        let id = |text| StoreUrl::parse(text).expect("valid").id();
        assert_eq!(id("file:/a"), id(" file:/a"));
        assert_ne!(id("redis://:a@localhost"), id("redis://:b@localhost"));
    }
}
