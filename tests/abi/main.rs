//! Tests of the C ABI against the sandbox.
//!
//! Each test loads its own copy of the shared library, so it has its own cache, rate limiter, counters and clocks.

#![allow(unreachable_pub, reason = "a test program has no public interface")]
#![allow(clippy::result_large_err, reason = "tests read every part of a failure")]

mod support;

#[cfg(feature = "b2-tool")]
mod b2_tool;
#[cfg(feature = "b2-tool")]
mod b2_tool_hostile;
#[cfg(feature = "b2-tool")]
mod b2_tool_location;
#[cfg(feature = "b2-tool")]
mod b2_tool_locked;
mod batch;
mod cache_identity;
mod cancel;
mod clock_skew;
mod coalescing;
mod connection_reuse;
mod credentials;
mod deadlines;
mod diagnosis;
mod environment;
mod expiry;
mod fault_matrix;
mod handoff;
mod hostile_replies;
mod in_flight;
mod isolation;
mod json_action;
mod json_batch;
mod json_invalid;
mod log;
mod negative_cache;
mod network;
mod option_effects;
mod options;
mod outages;
mod rate_limit;
mod realm_hints;
mod redaction;
mod redirects;
mod refresh_failures;
mod refresh_schedule;
mod refusal_hints;
mod rejected_tokens;
mod reply_limits;
mod reply_shapes;
mod requests;
mod restrictions;
mod retry_after;
mod retry_after_block;
mod secrets;
mod statuses;
#[cfg(feature = "store-file")]
mod store_clocks;
#[cfg(feature = "store-file")]
mod store_contents;
#[cfg(feature = "store-file")]
mod store_diagnosis;
#[cfg(feature = "store-file")]
mod store_files;
#[cfg(feature = "store-file")]
mod store_processes;
#[cfg(feature = "store-redis")]
mod store_redis;
#[cfg(any(feature = "store-file", feature = "store-redis"))]
mod store_sharing;
mod terminal_escapes;
mod tls_trust;
