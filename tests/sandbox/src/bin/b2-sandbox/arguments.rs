//! The command line.

use std::fs;
use std::path::PathBuf;

use b2_sandbox::{Config, Key, Script};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) const HELP: &str = "\
usage: b2-sandbox [options]

A server for tests that speaks Backblaze B2's side of b2_authorize_account on loopback, over http
and https at once. Once it is ready it prints one line of JSON: its URLs, the certificate to
trust, its keys. It ends with the process that started it, and on SIGTERM or another signal.

  --keys FILE         accept these keys (a JSON array of {\"keyId\", \"key\", ...}) and no others
  --key ID:KEY        accept this master key; may be given again, and along with --keys
  --script FILE       faults to start with: an array of {\"keyId\", \"faults\": [...]}
  --http-port PORT    listen here for http  (default: any free port)
  --https-port PORT   listen here for https (default: any free port)
  --bind ADDRESS      listen on this address (default: 127.0.0.1, and ::1 if there is one)
  --ca-file PATH      write the certificate to trust here (default: in a temporary folder)
  --ready-file PATH   write the line of JSON here too, once it is ready
  --stay              stay when the process that started it has ended
  --until-eof         end at the end of standard input too
  --help              print this text

The files are removed at the end. Exit status: 0 ended as it was told; 1 it could not start, such
as for a port in use; 2 wrong usage. The control endpoint is described in its README.
";

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) config: Config,
    pub(crate) scripts: Vec<Script>,
    pub(crate) until_eof: bool,
    pub(crate) stay: bool,
    pub(crate) ready_file: Option<PathBuf>,
}

/// A bare array, or one under the name `keys`.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeyFile {
    Bare(Vec<Key>),
    Named { keys: Vec<Key> },
}

impl Arguments {
    /// `None` if only help was asked for.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut config = Config::default();
        let mut keys = Vec::new();
        let mut scripts = Vec::new();
        let mut until_eof = false;
        let mut stay = false;
        let mut ready_file = None;
        while let Some(argument) = arguments.next() {
            // Both `--name value` and `--name=value` are usual.
            let (name, mut given) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                let next = given.take().or_else(|| arguments.next());
                next.ok_or_else(|| format!("{name} needs a value"))
            };
            match name.as_str() {
                "--keys" => keys.extend(match from_file(&value()?)? {
                    KeyFile::Bare(keys) | KeyFile::Named { keys } => keys,
                }),
                "--key" => {
                    let value = value()?;
                    let (id, key) = value.split_once(':').ok_or("--key needs ID:KEY")?;
                    keys.push(Key::master(id, key));
                }
                "--script" => scripts = from_file(&value()?)?,
                "--http-port" => config.http_port = parsed(&name, &value()?)?,
                "--https-port" => config.https_port = parsed(&name, &value()?)?,
                "--bind" => config.address = parsed(&name, &value()?)?,
                "--ca-file" => config.ca_file = Some(value()?.into()),
                "--ready-file" => ready_file = Some(value()?.into()),
                "--stay" => stay = true,
                "--until-eof" => until_eof = true,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("{name} is not an option")),
            }
        }
        if !keys.is_empty() {
            config.keys = keys;
        }
        Ok(Some(Self { config, scripts, until_eof, stay, ready_file }))
    }
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} can't be '{value}'"))
}

fn from_file<T: DeserializeOwned>(path: &str) -> Result<T, String> {
    let text = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
}
