//! The workflow action, text in and text out: a JSON request, or an array of them, and a JSON response to each.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::batch::{self, BatchLimits, Item, ItemResult};
use crate::authorize::Runtime;
use crate::diag::error::{Error, Status};
use crate::json::error::JsonError;
use crate::json::{self, Members, Value};
use crate::model::session::Session;
use crate::options::{self, Options};

/// The longest array. Each item has a response of some hundred bytes, so a few megabytes of commas would fill the memory.
const MAX_ITEMS: usize = 100_000;

/// A response and its status: for an array, the status of the first item that failed.
pub(crate) struct ActionResponse {
    pub(crate) status: Status,
    pub(crate) text: Zeroizing<String>,
}

/// Responds to a request, whatever it is.
pub(crate) fn respond(runtime: Runtime<'_>, request: &[u8]) -> ActionResponse {
    match json::read(or_empty(request)) {
        Ok(Value::Object(members)) => one(runtime, members),
        Ok(Value::List(list)) if list.len() > MAX_ITEMS => {
            failed(&Error::invalid(format!("a batch has at most {MAX_ITEMS} requests, not {}", list.len())))
        }
        Ok(Value::List(list)) => many(runtime, list),
        Ok(other) => failed(&not_an_object(&other)),
        Err(error) => failed(&invalid_json(&error)),
    }
}

/// A blank request is an empty object.
fn or_empty(request: &[u8]) -> &[u8] {
    if request.trim_ascii().is_empty() { b"{}" } else { request }
}

/// All that is wrong with a request, without sending any.
#[cfg(fuzzing)]
pub(crate) fn validate(request: &[u8]) -> Vec<Error> {
    let problem = |value| match value {
        Value::Object(members) => read(members, &mut OptionsInterner::new()).err(),
        other => Some(not_an_object(&other)),
    };
    match json::read(or_empty(request)) {
        Ok(Value::List(list)) => list.into_iter().filter_map(problem).collect(),
        Ok(value) => problem(value).into_iter().collect(),
        Err(error) => vec![invalid_json(&error)],
    }
}

/// What one object of a request asks for.
struct ActionRequest {
    key_id: Zeroizing<String>,
    key: Zeroizing<String>,
    options: Rc<Options>,
    /// Of a batch, if this says so much of it.
    concurrency: Option<u32>,
}

/// The options of the requests so far, by what was set in them: names, and digests of values, since one may be a proxy's
/// password. Requests that set the same share their options, by which the batch recognises equal items.
type OptionsInterner = HashMap<Vec<(&'static str, u128)>, Rc<Options>>;

impl ActionRequest {
    fn item(&self) -> Item<'_> {
        Item { key_id: self.key_id.as_bytes(), key: self.key.as_bytes(), options: &self.options }
    }
}

fn one(runtime: Runtime<'_>, members: Members) -> ActionResponse {
    match read(members, &mut OptionsInterner::new()) {
        Ok(request) => {
            let limits = BatchLimits { concurrency: 1, timeout: Duration::ZERO };
            let mut results = batch::authorize_many(runtime, &[request.item()], limits);
            response_of(&results.remove(0), &request.options)
        }
        Err(error) => failed(&error),
    }
}

/// The concurrency and the time of an array are the largest that any of its items gives.
fn many(runtime: Runtime<'_>, list: Vec<Value>) -> ActionResponse {
    let mut interner = OptionsInterner::new();
    let requests: Vec<Result<ActionRequest, Error>> = list
        .into_iter()
        .map(|value| match value {
            Value::Object(members) => read(members, &mut interner),
            other => Err(not_an_object(&other)),
        })
        .collect();
    let good: Vec<&ActionRequest> = requests.iter().flatten().collect();
    let given = good.iter().filter_map(|request| request.concurrency).max();
    let limits = BatchLimits {
        // Where none is given, each has the default.
        concurrency: given.or(good.first().map(|request| request.options.concurrency)).unwrap_or(1),
        timeout: good.iter().map(|request| request.options.batch_timeout).max().unwrap_or_default(),
    };
    let items: Vec<Item<'_>> = good.iter().map(|request| request.item()).collect();
    let mut results = batch::authorize_many(runtime, &items, limits).into_iter();
    let mut response = ActionResponse { status: Status::Ok, text: Zeroizing::new("[".to_owned()) };
    for (index, request) in requests.iter().enumerate() {
        let item = match request {
            Ok(request) => {
                let result = results.next().expect("each good request has a result");
                response_of(&result, &request.options)
            }
            Err(error) => failed(error),
        };
        if response.status == Status::Ok {
            response.status = item.status;
        }
        if index > 0 {
            response.text.push(',');
        }
        response.text.push_str(&item.text);
    }
    response.text.push(']');
    response
}

/// Reads one object. Its values are not repeated: one may be a key in the wrong field.
fn read(members: Members, interner: &mut OptionsInterner) -> Result<ActionRequest, Error> {
    let (mut key_id, mut key, mut options) = (blank(), blank(), Options::new());
    let mut settings = Vec::new();
    let mut seen: Vec<&str> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let name = known(&name)?;
        if seen.contains(&name) {
            return Err(Error::invalid(format!("the request has \"{name}\" twice")));
        }
        seen.push(name);
        let setting = match (name, value) {
            ("keyId" | "applicationKeyId", value) => {
                credential(&mut key_id, "keyId", "applicationKeyId", value)?;
                continue;
            }
            ("key" | "applicationKey", value) => {
                credential(&mut key, "key", "applicationKey", value)?;
                continue;
            }
            (_, Value::Null) => continue,
            (_, Value::Text(text)) => text,
            (_, Value::Whole(number)) => Zeroizing::new(number.to_string()),
            (_, other) => {
                let kind = other.kind();
                return Err(Error::invalid(format!("\"{name}\" is {kind}, not a string or a whole number")));
            }
        };
        options.set(name, Some(&setting))?;
        settings.push((name, options.scope().digest(setting.as_bytes())));
    }
    let concurrency = settings.iter().any(|(name, _)| *name == "concurrency").then_some(options.concurrency);
    let options = Rc::clone(interner.entry(settings).or_insert_with(|| Rc::new(options)));
    Ok(ActionRequest { key_id, key, options, concurrency })
}

/// The field of that name.
fn known(name: &str) -> Result<&'static str, Error> {
    let fields = || ["keyId", "applicationKeyId", "key", "applicationKey"].into_iter().chain(Options::names());
    fields().find(|field| *field == name).ok_or_else(|| {
        let shown = options::quoted_if_a_name(name);
        Error::invalid(format!("the request has an unknown field{shown}"))
            .append_hint(options::did_you_mean(fields(), name))
    })
}

/// A field that has two spellings. Both may be there if they agree, or if one of them is blank.
fn credential(field: &mut Zeroizing<String>, name: &str, spelling: &str, value: Value) -> Result<(), Error> {
    let text = match value {
        Value::Null => return Ok(()),
        Value::Text(text) => text,
        other => return Err(Error::invalid(format!("\"{name}\" is {}, not a string", other.kind()))),
    };
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    if !field.is_empty() && field.trim_ascii() != text.trim_ascii() {
        return Err(Error::invalid(format!("the request has \"{name}\" and \"{spelling}\", and they differ")));
    }
    *field = text;
    Ok(())
}

fn blank() -> Zeroizing<String> {
    Zeroizing::new(String::new())
}

fn invalid_json(error: &JsonError) -> Error {
    Error::invalid(format!("the request cannot be read: {error}"))
}

fn not_an_object(value: &Value) -> Error {
    Error::invalid(format!("a request is a JSON object, not {}", value.kind()))
        .with_hint("for example {\"keyId\": \"…\", \"key\": \"…\"}, or {} to have the key found")
}

fn response_of(result: &ItemResult, options: &Options) -> ActionResponse {
    match result {
        Ok(session) => ActionResponse { status: Status::Ok, text: session_json(session, options.all_fields) },
        Err(error) => failed(error),
    }
}

fn session_json(session: &Arc<Session>, all_fields: bool) -> Zeroizing<String> {
    if all_fields {
        return Zeroizing::new(session.json().to_owned());
    }
    session.action_json()
}

fn failed(error: &Error) -> ActionResponse {
    ActionResponse { status: error.status(), text: Zeroizing::new(error.to_json()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_set_the_same_share_their_options() {
        let Ok(Value::List(list)) = json::read(
            br#"[{"cache": "refresh", "max_attempts": 2}, {"keyId": "id", "cache": "refresh", "max_attempts": "2"},
                 {"cache": "refresh", "max_attempts": 3}, {"cache": "bypass", "max_attempts": 2}, {"cache": null}, {}]"#,
        ) else {
            panic!("it is an array")
        };
        let mut interner = OptionsInterner::new();
        let mut options = Vec::new();
        for value in list {
            let Value::Object(members) = value else { panic!("they are objects") };
            options.push(read(members, &mut interner).expect("they are valid").options);
        }
        let shares = |index: usize| options.iter().position(|other| Rc::ptr_eq(other, &options[index]));
        assert_eq!((0..6).map(shares).collect::<Vec<_>>(), [0, 0, 2, 3, 4, 4].map(Some));
    }
}
