//! Ways to open the link.

use promises::{
    Fault,
    fault::{Bites, Make},
};

const BREAKS: &[&str] = &["tls-database"];

/// The faults of this control. Each takes effect when the server is started again.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "database-socket-trusts-everybody",
        about: "the socket's directory is open and the server believes whoever comes",
        breaks: BREAKS,
        spares_plants: false,
        make: Make::Server {
            hba: Some("local all all trust\n"),
            settings: &[("unix_socket_permissions", "0777")],
            socket_mode: Some(0o777),
        },
        bites: Bites::Sql(
            "SELECT count(*) > 0 AND current_setting('unix_socket_permissions') = '0777'
             FROM pg_hba_file_rules WHERE type = 'local' AND auth_method = 'trust'",
        ),
    },
    Fault {
        id: "database-listens-on-tcp",
        about: "the server listens on TCP without TLS and believes whoever comes",
        breaks: BREAKS,
        spares_plants: false,
        make: Make::Server {
            hba: Some("local all all peer map=wordbond\nhost all all 127.0.0.1/32 trust\n"),
            settings: &[("listen_addresses", "127.0.0.1")],
            socket_mode: None,
        },
        bites: Bites::Sql(
            "SELECT count(*) > 0 AND current_setting('listen_addresses') <> ''
             FROM pg_hba_file_rules WHERE type = 'host' AND auth_method = 'trust'",
        ),
    },
    Fault {
        id: "database-listens-at-another-address",
        about: "the server listens on TCP at a loopback address that nobody thinks of",
        breaks: BREAKS,
        spares_plants: false,
        make: Make::Server {
            hba: Some("local all all peer map=wordbond\nhost all all 127.0.0.0/8 scram-sha-256\n"),
            settings: &[("listen_addresses", "127.0.0.2")],
            socket_mode: None,
        },
        bites: Bites::Sql("SELECT current_setting('listen_addresses') = '127.0.0.2'"),
    },
];
