//! Development tasks: tests with real servers, lints, layer checks, benchmarks

fn main() {}
