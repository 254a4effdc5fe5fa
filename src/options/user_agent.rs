//! How the library introduces itself, as B2's integration checklist asks.

use super::Options;

/// `[the caller's] b2auth/VERSION (os; arch)`.
pub(crate) fn of(options: &Options) -> String {
    let own = format!("b2auth/{} ({}; {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    match &options.user_agent {
        Some(product) => format!("{product} {own}"),
        None => own,
    }
}
