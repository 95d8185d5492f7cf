#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authctl::fuzzing::run("config", data));
