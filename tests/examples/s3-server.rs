//! Runs the embedded S3 server for other programs, with the buckets named as arguments, until standard input closes.
//!
//! It prints what a client needs, one `NAME=value` a line:
//!
//! ```sh
//! cargo run -p cred-conformance --features servers --example s3-server -- my-bucket
//! ```

use std::io::{self, Write};

use cred_conformance::S3Server;

fn main() -> io::Result<()> {
    let server = S3Server::start();
    for bucket in std::env::args().skip(1) {
        server.objects().create_bucket(&bucket);
    }
    let mut out = io::stdout();
    for (name, value) in server.variables() {
        writeln!(out, "{name}={value}")?;
    }
    out.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
