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
    writeln!(out, "AWS_ENDPOINT_URL_S3={}", server.endpoint())?;
    writeln!(out, "AWS_ACCESS_KEY_ID={}", server.access_key_id())?;
    writeln!(out, "AWS_SECRET_ACCESS_KEY={}", server.secret_access_key())?;
    writeln!(out, "AWS_REGION={}", server.region())?;
    out.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
