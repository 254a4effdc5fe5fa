//! The sandbox, seen from outside through bare sockets.

mod authorize;
mod binary;
mod buckets;
mod client;
mod connections;
mod control;
mod faults;
mod files;
mod tls;
