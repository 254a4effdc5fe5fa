//! Files, as far as other people's clients need them.

use b2_sandbox::{Config, Key, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, ID, KEY, authorize_as, request, send, token};

const BUCKET: &str = "d0f1e2c3b4a5968778695a4b";

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

fn call(sandbox: &Sandbox, token: &str, name: &str, body: &Value) -> Answer {
    let headers = format!("Authorization: {token}\r\n");
    let path = format!("/b2api/v3/{name}");
    send(sandbox.http(), &request("POST", &path, &headers, &body.to_string()))
}

fn upload(sandbox: &Sandbox, token: &str, name: &str, content: &str) -> Answer {
    let place = call(sandbox, token, "b2_get_upload_url", &json!({"bucketId": BUCKET})).json();
    let url = place["uploadUrl"].as_str().expect("a URL");
    let path = url.strip_prefix("http://b2.test:80").expect("the sandbox's own address");
    let token = place["authorizationToken"].as_str().expect("a token");
    let headers = format!(
        "Authorization: {token}\r\nX-Bz-File-Name: {name}\r\nX-Bz-Info-Mtime: 7\r\n\
         X-Bz-Content-Sha1: hex_digits_at_end\r\n"
    );
    let body = format!("{content}{}", "a".repeat(40));
    send(sandbox.http(), &request("POST", path, &headers, &body))
}

fn download(sandbox: &Sandbox, token: &str, method: &str, more: &str) -> Answer {
    let headers = format!("Authorization: {token}\r\n{more}");
    let path = "/file/my-bucket/dir/a%20file";
    send(sandbox.http(), &request(method, path, &headers, ""))
}

fn names(listing: &Answer) -> Vec<String> {
    let listing = listing.json();
    let files = listing["files"].as_array().expect("a list");
    files.iter().filter_map(|file| file["fileName"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_goes_up_comes_down() {
    let sandbox = sandbox();
    let token = token(&authorize_as(sandbox.http(), 3, ID, KEY));
    let file = upload(&sandbox, &token, "dir/a%20file", "0123456789").json();
    assert_eq!(file["contentLength"], 10);
    assert_eq!(file["contentSha1"], "a".repeat(40));
    assert_eq!(file["fileInfo"], json!({"mtime": "7"}));

    let whole = download(&sandbox, &token, "GET", "");
    assert_eq!((whole.status, whole.text()), (200, "0123456789"));
    assert_eq!(whole.header("X-Bz-File-Name"), Some("dir/a%20file"));
    let part = download(&sandbox, &token, "GET", "Range: bytes=2-4\r\n");
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("Content-Range"), Some("bytes 2-4/10"));
    assert_eq!(download(&sandbox, &token, "GET", "Range: bytes=-3\r\n").text(), "789");
    assert_eq!(download(&sandbox, &token, "GET", "Range: bytes=10-\r\n").status, 416);
    let head = download(&sandbox, &token, "HEAD", "");
    assert_eq!((head.header("Content-Length"), head.body.len()), (Some("10"), 0));

    let delete = json!({"fileId": file["fileId"], "fileName": file["fileName"]});
    assert_eq!(call(&sandbox, &token, "b2_delete_file_version", &delete).status, 200);
    assert_eq!(download(&sandbox, &token, "GET", "").status, 404);
}

#[test]
fn listings_fold_page_and_hide() {
    let sandbox = sandbox();
    let token = token(&authorize_as(sandbox.http(), 3, ID, KEY));
    for name in ["a", "dir/b", "dir/c", "z"] {
        assert_eq!(upload(&sandbox, &token, name, "x").status, 200);
    }
    let list = |what: &str, more: Value| {
        let mut body = json!({"bucketId": BUCKET});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        call(&sandbox, &token, what, &body)
    };
    let all = list("b2_list_file_names", json!({"delimiter": "/"}));
    assert_eq!(names(&all), ["a", "dir/", "z"]);
    assert_eq!(all.json()["nextFileName"], Value::Null);
    let inside = list("b2_list_file_names", json!({"prefix": "dir/", "delimiter": "/"}));
    assert_eq!(names(&inside), ["dir/b", "dir/c"]);
    let page = list("b2_list_file_names", json!({"maxFileCount": 2, "startFileName": "b"}));
    assert_eq!(names(&page), ["dir/b", "dir/c"]);
    assert_eq!(page.json()["nextFileName"], "z");

    let hidden = call(&sandbox, &token, "b2_hide_file", &json!({"bucketId": BUCKET, "fileName": "a"}));
    assert_eq!(hidden.json()["action"], "hide");
    assert_eq!(names(&list("b2_list_file_names", json!({}))), ["dir/b", "dir/c", "z"]);
    assert_eq!(names(&list("b2_list_file_versions", json!({"maxFileCount": 2}))), ["a", "a"]);
}

#[test]
fn a_key_keeps_to_its_bucket_its_prefix_and_its_rights() {
    let sandbox = sandbox();
    let key = Key::new("k", "k").account("4aa9865d6f00").bucket(BUCKET, Some("my-bucket"));
    sandbox.add_key(key.prefix("mine/").capabilities(["writeFiles"]));
    let token = token(&authorize_as(sandbox.http(), 3, "k", "k"));
    assert_eq!(upload(&sandbox, &token, "mine/a", "x").status, 200);
    assert_eq!(upload(&sandbox, &token, "yours/a", "x").status, 401);
    let other = json!({"bucketId": "e0f1e2c3b4a5968778695a4c"});
    assert_eq!(call(&sandbox, &token, "b2_get_upload_url", &other).status, 401);
    let list = json!({"bucketId": BUCKET, "prefix": "mine/"});
    assert_eq!(call(&sandbox, &token, "b2_list_file_names", &list).status, 401);
}
