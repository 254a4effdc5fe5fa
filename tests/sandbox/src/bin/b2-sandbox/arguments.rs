//! The command line.

use std::fs;

use b2_sandbox::{Config, Key, Script};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) const HELP: &str = "\
usage: b2-sandbox [options]

Speaks Backblaze B2's side of b2_authorize_account on loopback, over http and https at once. Prints
one line of JSON when ready: its URLs, the file to trust, its keys. Ends on SIGTERM, or with its
parent.

  --keys FILE         accept these keys (a JSON array of {\"keyId\", \"key\", ...}) and no others
  --key ID:KEY        accept this master key; may be given again, and along with --keys
  --script FILE       faults to start with: an array of {\"keyId\", \"faults\": [...]}
  --http-port PORT    listen here for http  (default: any free port)
  --https-port PORT   listen here for https (default: any free port)
  --bind ADDRESS      listen on this address (default: 127.0.0.1, and ::1 if there is one)
  --until-eof         end at the end of standard input too
  --help              this text
";

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) config: Config,
    pub(crate) scripts: Vec<Script>,
    pub(crate) until_eof: bool,
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
                "--until-eof" => until_eof = true,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("{name} is not an option")),
            }
        }
        if !keys.is_empty() {
            config.keys = keys;
        }
        Ok(Some(Self { config, scripts, until_eof }))
    }
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} can't be {value}"))
}

fn from_file<T: DeserializeOwned>(path: &str) -> Result<T, String> {
    let text = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
}
