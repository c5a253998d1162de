//! Names and places of stored credentials: locations, user ids, document names
