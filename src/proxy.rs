//! The proxy that a call goes through, as its options say.

/// How a request leaves the building.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Env,
    /// Straight to B2.
    None,
    /// Through this proxy.
    Through(ProxyUrl),
}

/// A proxy's address, with the user and password it may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrl {}

impl Proxy {
    /// Reads `env`, `none`, or a URL (http, https, socks5).
    ///
    /// # Errors
    /// Says what is wrong without repeating the text, which may hold a password.
    pub fn parse(_text: &str) -> Result<Self, &'static str> {
        Err("not yet")
    }
}
