//! Typed JSON documents with compare-and-swap in S3 and other object stores
