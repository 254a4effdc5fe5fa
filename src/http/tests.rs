use super::testing::*;
use std::io::Write;
#[test]
fn a_request_is_what_b2_expects() {
    let (port, request) = once(|mut stream| {
        let request = head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        request
    });
    let answer = Ask::port(port).go().expect("an answer");
    assert_eq!(answer.status, 200);
    println!("{}", request.recv().expect("x"));
}
