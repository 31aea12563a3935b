//! Why a call did not get an answer.

/// Why a call got no answer. The texts name hosts and reasons, never contents, and may be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address cannot be used.
    #[error("`{0}` is no address that can be called: expected https://host or https://host:port")]
    Address(String),
    /// The host is not in the register of sub-processors.
    #[error("{0} is not in the register of sub-processors, so nothing is sent to it")]
    Unregistered(String),
    /// No connection came about.
    #[error("no connection to {host}: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// The operating system's reason.
        reason: String,
    },
    /// The TLS handshake failed: another version, or a certificate that does not verify.
    #[error("the TLS handshake with {host} failed: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// The TLS library's reason.
        reason: String,
    },
    /// The peer did not speak HTTP as it should.
    #[error("{host} broke off: {reason}")]
    Protocol {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer is larger than the limit.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// No answer within the deadline.
    #[error("{host} did not answer within {seconds} s")]
    Deadline {
        /// The host.
        host: String,
        /// The deadline in seconds.
        seconds: u64,
    },
    /// A root certificate cannot be read.
    #[error("the root certificate cannot be read: {0}")]
    Root(String),
}
