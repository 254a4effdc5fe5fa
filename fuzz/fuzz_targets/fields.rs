#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| println!("{}", b2auth::fuzzing::fields(data)));
