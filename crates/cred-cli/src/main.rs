//! The operator's command for stores of Google OAuth credentials

fn main() {}
