//! What a fault makes of the answer that B2 would have given. How it then goes over the wire is
//! for `deliver`.

use serde_json::Value;

use crate::body;
use crate::fault::Fault;
use crate::patch;
use crate::response::{Response, usual_code};

/// `truth` is asked only if the answer is made from it: a refused request is given no token.
pub(crate) fn apply(fault: &Fault, truth: impl FnOnce() -> Response) -> Response {
    let mut response = match fault.status {
        Some(status) if !(200..300).contains(&status) => {
            let code = fault.code.as_deref().unwrap_or_else(|| usual_code(status));
            Response::error(status, code, fault.message.as_deref().unwrap_or(""))
        }
        Some(status) => Response { status, ..truth() },
        None => truth(),
    };
    if !fault.patch.is_empty() {
        edit(fault, &mut response);
    }
    if let Some(kind) = &fault.body {
        body::put(kind, &mut response);
    }
    if fault.gzip {
        response.body = body::gzip(&response.body);
        response.set("Content-Encoding", "gzip");
    }
    for (name, value) in &fault.headers {
        response.set(name, value);
    }
    response
}

fn edit(fault: &Fault, response: &mut Response) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else {
        return;
    };
    patch::apply(&fault.patch, &mut body);
    response.body = serde_json::to_vec_pretty(&body).expect("a JSON value can always be printed");
}
