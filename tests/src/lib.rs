//! The promises of a document store as a test suite that any backend can run
