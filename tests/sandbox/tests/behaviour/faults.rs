//! That each fault does what it says, to the byte.

use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

use b2_sandbox::{Body, Config, DateFault, Fault, Flood, How, Length, Sandbox};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::client::{End, ID, KEY, PATIENCE, authorize, authorize_as, authorize_request, connect, drain, parse};

fn sandbox(faults: impl IntoIterator<Item = Fault>) -> Sandbox {
    let sandbox = Sandbox::start(Config::default()).expect("loopback has free ports");
    sandbox.script(ID, faults);
    sandbox
}

/// Every byte that comes, and how it ends.
fn raw(sandbox: &Sandbox) -> (Vec<u8>, End) {
    let mut stream = connect(sandbox.http());
    stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    drain(&mut stream)
}

fn seconds_from(earlier: &str, later: &str) -> i64 {
    let date = |text| httpdate::parse_http_date(text).expect("an HTTP date");
    match date(later).duration_since(date(earlier)) {
        Ok(ahead) => ahead.as_secs().cast_signed(),
        Err(behind) => -behind.duration().as_secs().cast_signed(),
    }
}

#[test]
fn faults_are_taken_one_by_one() {
    let sandbox = sandbox([Fault::status(503).times(2), Fault::none(), Fault::status(429)]);
    sandbox.script("*", [Fault::status(500).forever()]);
    let statuses: Vec<u16> = (0..6).map(|_| authorize(sandbox.http()).status).collect();
    assert_eq!(statuses, [503, 503, 200, 429, 500, 500]);
    assert_eq!(authorize_as(sandbox.http(), 4, "nobody", "k").status, 500);
    assert_eq!(sandbox.authorize_count(ID), 6);
    assert_eq!(sandbox.authorize_count("*"), 7);
    assert_eq!(sandbox.log().last().and_then(|entry| entry.status), Some(500));
}

#[test]
fn an_error_is_said_in_b2_s_words() {
    let fault = Fault::status(503).code("busy").message("later").retry_after("2");
    let sandbox = sandbox([fault, Fault::status(429), Fault::status(401)]);
    let answer = authorize(sandbox.http());
    assert_eq!(answer.json(), json!({"code": "busy", "message": "later", "status": 503}));
    assert_eq!(answer.header("Retry-After"), Some("2"));
    assert_eq!(authorize(sandbox.http()).json()["code"], "too_many_requests");
    assert!(authorize(sandbox.http()).header("WWW-Authenticate").is_some());
}

#[test]
fn dates_are_what_they_should_not_be() {
    let sandbox = sandbox([
        Fault::status(503).retry_after_date(7),
        Fault::status(503).retry_after_date(-7).date(DateFault::OffsetS(3600)),
        Fault::none().date(DateFault::Omit),
        Fault::none().date(DateFault::Raw("yesterday".to_owned())),
        Fault::none().without_header("x-bz-request-id"),
    ]);
    let answer = authorize(sandbox.http());
    let date = answer.header("Date").expect("a date");
    assert_eq!(seconds_from(date, answer.header("Retry-After").expect("a wait")), 7);
    let answer = authorize(sandbox.http());
    let date = answer.header("Date").expect("a date");
    assert_eq!(seconds_from(date, answer.header("Retry-After").expect("a wait")), -7);
    let now = httpdate::fmt_http_date(SystemTime::now());
    assert!((3590..=3600).contains(&seconds_from(&now, date)));
    assert_eq!(authorize(sandbox.http()).header("Date"), None);
    assert_eq!(authorize(sandbox.http()).header("Date"), Some("yesterday"));
    assert_eq!(authorize(sandbox.http()).header("X-Bz-Request-Id"), None);
}

#[test]
fn an_answer_ends_at_the_byte_that_was_named() {
    let sandbox = sandbox([
        Fault::reset_after(0),
        Fault::reset_after(10),
        Fault::close_after(20),
        Fault::drop_after(1),
        Fault::none().cut(How::Close, 5).of_body(),
        Fault::none().cut(How::Reset, 1_000_000),
    ]);
    assert_eq!(raw(&sandbox), (Vec::new(), End::Reset));
    assert_eq!(sandbox.log()[0].status, None, "nobody has seen a status");
    assert_eq!(raw(&sandbox), (b"HTTP/1.1 2".to_vec(), End::Reset));
    assert_eq!(raw(&sandbox), (b"HTTP/1.1 200 OK\r\nCac".to_vec(), End::Closed));
    assert_eq!(raw(&sandbox), (b"H".to_vec(), End::Closed));
    let (bytes, end) = raw(&sandbox);
    let answer = parse(&bytes, end);
    assert_eq!((answer.text(), answer.end), ("{\n  \"", End::Closed));
    let (bytes, end) = raw(&sandbox);
    assert_eq!((parse(&bytes, end).json()["accountId"].is_string(), end), (true, End::Reset));
}

#[test]
fn text_goes_out_as_it_stands() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let fault =
        Fault::none().before(interim).status_line("HTTP/1.0 299 Odd").header("X-Odd", "a\r\n b\0").after("more");
    let sandbox = sandbox([fault, Fault::none().before(interim).cut(How::Close, 1).of_body()]);
    let (bytes, _) = raw(&sandbox);
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.starts_with(&format!("{interim}HTTP/1.0 299 Odd\r\n")), "{text}");
    assert!(text.contains("\r\nX-Odd: a\r\n b\0\r\n") && text.ends_with("}more"), "{text}");
    let (bytes, _) = raw(&sandbox);
    assert!(bytes.ends_with(b"\r\n\r\n{"), "what stands before it belongs to the head");
}

#[test]
fn floods_have_no_end() {
    for (kind, start, again) in [
        (Flood::Interim, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"),
        (Flood::Line, "\r\nX-Flood: ", "xxxxxxxxxx"),
        (Flood::Headers, "HTTP/1.1 200 OK\r\n", "\r\nX-Flood: 0123456789\r\n"),
        (Flood::Chunks, "}\r\n1000\r\n ", "\r\n1000\r\n "),
        (Flood::Extension, "}\r\n1;x", "xxxxxxxxxx"),
        (Flood::Trailers, "}\r\n0\r\nX-Flood: 0", "\r\nX-Flood: 0123456789\r\n"),
    ] {
        let sandbox = sandbox([Fault::none().flood(kind)]);
        let mut stream = connect(sandbox.http());
        stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
        let mut bytes = vec![0; 1 << 20];
        stream.read_exact(&mut bytes).expect("a MiB and more");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text[..4_096].contains(start), "{kind:?}: {}", &text[..4_096]);
        assert!(text[text.len() - 8_192..].contains(again), "{kind:?}");
        assert!(kind == Flood::Interim || text.starts_with("HTTP/1.1 200 OK\r\n"), "{kind:?}");
    }
}

#[test]
fn lengths_lie() {
    let sandbox = sandbox([
        Fault::none().length(Length::OffBy(-9)),
        Fault::none().length(Length::OffBy(9)),
        Fault::none().length(Length::Omit),
        Fault::none().length(Length::Raw("many".to_owned())),
    ]);
    let length = |answer: &crate::client::Answer| -> Option<i64> { answer.header("Content-Length")?.parse().ok() };
    let short = authorize(sandbox.http());
    let long = authorize(sandbox.http());
    let true_length = i64::try_from(short.body.len()).expect("a short body");
    assert_eq!(length(&short), Some(true_length - 9));
    assert_eq!(length(&long), Some(true_length + 9));
    assert_eq!((long.end, long.body.len()), (End::Closed, short.body.len()));
    let none = authorize(sandbox.http());
    assert_eq!((none.header("Content-Length"), none.end), (None, End::Closed));
    assert!(none.json().is_object());
    assert_eq!(authorize(sandbox.http()).header("Content-Length"), Some("many"));
}

#[test]
fn bodies_come_in_other_clothes() {
    let sandbox = sandbox([Fault::none().chunked(), Fault::none().gzip()]);
    let chunked = authorize(sandbox.http());
    assert_eq!(chunked.header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(chunked.header("Content-Length"), None);
    let text = chunked.text();
    assert!(text.ends_with("\r\n0\r\n\r\n") && text.matches("\r\n").count() > 6);

    let zipped = authorize(sandbox.http());
    assert_eq!(zipped.header("Content-Encoding"), Some("gzip"));
    let body: Value =
        serde_json::from_reader(GzDecoder::new(zipped.body.as_slice())).expect("the gzip holds the true body");
    assert_eq!(body["accountId"], "4aa9865d6f00");
}

#[test]
fn bodies_are_what_no_client_wants() {
    let kinds = [
        Body::Empty,
        Body::Html,
        Body::Truncated,
        Body::NotUtf8,
        Body::Bom,
        Body::Array,
        Body::JsonBomb,
        Body::Text("plain".to_owned()),
    ];
    let sandbox = sandbox(kinds.into_iter().map(Fault::with_body));
    let next = || {
        let answer = authorize(sandbox.http());
        assert_eq!(answer.status, 200);
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("Content-Length"), Some(length.as_str()));
        answer
    };
    let is_json = |body: &[u8]| serde_json::from_slice::<Value>(body).is_ok();
    assert!(next().body.is_empty());
    let html = next();
    assert!(html.header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")));
    assert!(!is_json(&next().body), "half of it is no JSON");
    assert!(std::str::from_utf8(&next().body).is_err());
    let bom = next();
    assert!(bom.body.starts_with(&[0xef, 0xbb, 0xbf]) && is_json(&bom.body[3..]));
    assert!(next().json().is_array());
    assert!(next().body.starts_with(&[b'['; 100_000]));
    assert_eq!(next().body, b"plain");
}

#[test]
fn bodies_are_larger_than_any_client_wants() {
    let sandbox = sandbox([Body::Huge, Body::GzipBomb].map(Fault::with_body));
    let huge = authorize(sandbox.http());
    assert_eq!(huge.body.len(), 64 << 20);
    assert!(huge.body.starts_with(b"{\"") && huge.body.ends_with(b"\"}"));
    let bomb = authorize(sandbox.http());
    assert_eq!(bomb.header("Content-Encoding"), Some("gzip"));
    assert!(bomb.body.len() < 2 << 20);
    let size = std::io::copy(&mut GzDecoder::new(bomb.body.as_slice()), &mut std::io::sink());
    assert_eq!(size.ok(), Some((256 << 20) + 2));
}

#[test]
fn the_true_answer_can_be_edited() {
    let sandbox = sandbox([
        Fault::account("ffffffffffff"),
        Fault::none()
            .remove("/apiInfo/storageApi/apiUrl")
            .set("/authorizationToken", json!(7))
            .merge(json!({"apiInfo": {"storageApi": {"allowed": null}}})),
        Fault::shape(2),
        Fault::status(503).set("/status", json!("503")),
    ]);
    assert_eq!(authorize(sandbox.http()).json()["accountId"], "ffffffffffff");
    let body = authorize(sandbox.http()).json();
    let storage = &body["apiInfo"]["storageApi"];
    assert!(storage.get("apiUrl").is_none() && storage.get("allowed").is_none());
    assert!(storage.get("downloadUrl").is_some());
    assert_eq!(body["authorizationToken"], 7);
    assert!(authorize(sandbox.http()).json()["allowed"].is_object());
    assert_eq!(authorize(sandbox.http()).json()["status"], "503");
}

#[test]
fn a_redirect_leads_elsewhere() {
    let sandbox = sandbox([Fault::redirect(307, "http://elsewhere.example/")]);
    let answer = authorize(sandbox.http());
    assert_eq!((answer.status, answer.header("Location")), (307, Some("http://elsewhere.example/")));
}

#[test]
fn a_held_answer_waits_for_its_latch() {
    let sandbox = sandbox([Fault::hold("gate"), Fault::hold("gate")]);
    let url = sandbox.http();
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| authorize(url)), scope.spawn(|| authorize(url))];
        assert!(sandbox.wait_until_held("gate", 2, PATIENCE));
        assert!(sandbox.log().iter().all(|entry| entry.status.is_none()));
        sandbox.release("gate");
        for one in both {
            assert_eq!(one.join().expect("no panic").status, 200);
        }
    });
    assert_eq!(sandbox.held("gate"), 0);
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let sandbox = sandbox([Fault::hold("gate"), Fault::delay(Duration::from_secs(60))]);
    let mut stream = connect(sandbox.http());
    stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    assert!(sandbox.wait_until_held("gate", 1, PATIENCE));
    drop(stream);
    let mut stream = connect(sandbox.http());
    stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
    assert!(sandbox.wait_until_asked(ID, 2, PATIENCE));
    drop(stream);
    let end = Instant::now() + PATIENCE;
    while !sandbox.log().iter().all(|entry| entry.client_left) {
        assert!(Instant::now() < end, "both have left");
        std::thread::yield_now();
    }
    assert_eq!(sandbox.held("gate"), 0);
}

#[test]
fn slow_answers_are_slow_where_they_should_be() {
    let minute = Duration::from_secs(60);
    let body = || Fault::with_body(Body::Text("123456".to_owned()));
    let sandbox = sandbox([Fault::delay(minute), Fault::none().head_pause(minute), body().body_drip(minute)]);
    for expected in ["", "HTTP/1.1 200 OK\r\n", "\r\n\r\n1"] {
        let mut stream = connect(sandbox.http());
        stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
        let mut before = Vec::new();
        while !String::from_utf8_lossy(&before).contains(expected) {
            let mut byte = [0; 1];
            stream.read_exact(&mut byte).expect("so much comes at once");
            before.extend_from_slice(&byte);
        }
        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("above zero");
        let (after, end) = drain(&mut stream);
        assert_eq!(end, End::TimedOut);
        assert!(!after.ends_with(b"\r\n\r\n"), "the head has no end yet, or is over");
    }
}

#[test]
fn slow_answers_come_in_the_end() {
    let step = Duration::from_millis(60);
    let body = || Fault::with_body(Body::Text("123456".to_owned()));
    let sandbox = sandbox([body().delayed(step), body().head_pause(step), body().body_drip(step / 6)]);
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(authorize(sandbox.http()).body, b"123456");
        assert!(start.elapsed() >= step);
    }
}

#[test]
fn silence_lasts_until_the_client_leaves() {
    let sandbox = sandbox([Fault::silent(), Fault::none().cut(How::Silence, 12)]);
    for expected in [&b""[..], b"HTTP/1.1 200"] {
        let mut stream = connect(sandbox.http());
        stream.set_read_timeout(Some(Duration::from_millis(150))).expect("above zero");
        stream.write_all(&authorize_request(4, ID, KEY)).expect("the sandbox reads");
        assert_eq!(drain(&mut stream), (expected.to_vec(), End::TimedOut));
    }
    let end = Instant::now() + PATIENCE;
    while sandbox.open_connections() > 0 {
        assert!(Instant::now() < end, "the connections end with their clients");
        std::thread::yield_now();
    }
}
