//! A directory as a document store: atomic, durable, private
