//! Everything that the sandbox can do wrong by itself.

mod bodies;
mod broken_connections;
mod echoed_key;
mod malformed_http;
mod statuses;

use super::{Row, times};

pub fn rows() -> Vec<Row> {
    times::rows(
        [statuses::cases(), bodies::cases(), broken_connections::cases(), malformed_http::cases(), echoed_key::cases()]
            .into_iter()
            .flatten()
            .collect(),
    )
}

const BAD: &str = "B2_BAD_CREDENTIALS";
const CAP: &str = "B2_CAP_EXCEEDED";
const DENIED: &str = "B2_ACCESS_DENIED";
const LIMITED: &str = "B2_RATE_LIMITED";
const NETWORK: &str = "B2_NETWORK_ERROR";
const OTHER_KEY: &str = "B2_KEY_NOT_SUPPORTED";
const OUTAGE: &str = "B2_SERVICE_UNAVAILABLE";
const PROTOCOL: &str = "B2_PROTOCOL_ERROR";
const TIMEOUT: &str = "B2_TIMEOUT";
