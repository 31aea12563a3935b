//! Outgoing TLS.
