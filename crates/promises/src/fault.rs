//! Sabotage as data: a real fault made from outside the program, how to see independently that it bites, and how to
//! undo it. A control declares its faults; the runner in `testkit` carries them out on a scratch copy. No shipped code
//! reacts to them.

/// One way to make a promise false.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name, unique in the catalogue: `hsts-stripped-on-one-route`.
    pub id: &'static str,
    /// What is broken, in one sentence.
    pub about: &'static str,
    /// The controls whose promises must turn Broken, and no others.
    pub breaks: &'static [&'static str],
    /// Whether it leaves alone what a probe plants itself, so that only an attack on everybody's data finds it.
    pub spares_plants: bool,
    /// How it is made and undone.
    pub make: Make,
    /// How it is seen to bite, by other means than the probe.
    pub bites: Bites,
}

/// How a fault is made.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// SQL as the owner of the scratch database, in one transaction each.
    Sql {
        /// Makes the fault.
        make: &'static str,
        /// Undoes it.
        undo: &'static str,
    },
    /// The same of something that only some services have: it is made where it is there.
    SqlWhere {
        /// SQL that yields one boolean: whether it is there.
        there: &'static str,
        /// Makes the fault.
        make: &'static str,
        /// Undoes it.
        undo: &'static str,
    },
    /// A proxy between the public address and the listener, which meddles with what passes.
    Middle(&'static [Meddling]),
    /// A change of the scratch database server: access rules replaced, settings, permissions of its socket directory.
    Server {
        /// `pg_hba.conf`, whole; `None` leaves it.
        hba: Option<&'static str>,
        /// Settings for `ALTER SYSTEM`, name and value; made before a restart.
        settings: &'static [(&'static str, &'static str)],
        /// Permission bits for the socket directory; `None` leaves them.
        socket_mode: Option<u32>,
    },
    /// The application behind the proxy can also be reached at this machine's other addresses, past the gate.
    AroundTheGate,
    /// A file copied inside the scratch data directory, and the system restarted; undo removes it.
    File {
        /// The file to copy, relative to the data directory.
        from: &'static str,
        /// Where to, relative to the data directory.
        to: &'static str,
    },
    /// Files are moved aside inside the scratch data directory, as somebody does who tidies up; undo moves them back.
    Moving {
        /// SQL that yields the path of each file, relative to the data directory: one text in each row.
        which: &'static str,
        /// The folder into which they are moved, relative to the data directory.
        aside: &'static str,
    },
    /// Whatever appears in a folder of the scratch data directory is copied to another one at once, and stays there.
    Copying {
        /// The folder, relative to the data directory.
        from: &'static str,
        /// Where to, relative to the data directory; undoing removes it.
        to: &'static str,
        /// In which form.
        form: Form,
    },
    /// Whatever disappears from this folder of the scratch data directory is put back at once; undoing removes it again.
    Restoring(&'static str),
}

/// In which form a copy is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    AsItIs,
    /// In hexadecimal digits.
    Digits,
    /// Packed with gzip.
    Packed,
}

/// What a proxy in the middle does.
#[derive(Clone, Copy, Debug)]
pub enum Meddling {
    /// Removes a response header.
    DropHeader(On, &'static str),
    /// Sets a response header to a value, replacing what is there.
    SetHeader(On, &'static str, &'static str),
    /// Adds a response header before those of that name that are there, as a careless layer in front would.
    AddHeader(On, &'static str, &'static str),
    /// Answers with another status, as a layer in front does that has an opinion of its own.
    SetStatus(On, u16),
    /// Sets a request header to a value before it is passed on, replacing what is there.
    SetRequestHeader(On, &'static str, &'static str),
    /// Removes a request header before it is passed on.
    DropRequestHeader(On, &'static str),
    /// Passes each request on from another address, so that no caller is known by theirs.
    Scatter,
    /// Also accepts TLS 1.2.
    AcceptTls12,
    /// Also accepts TLS 1.2 from clients that name no server, as a forgotten default host does.
    AcceptTls12WithoutName,
    /// Serves pages on plain HTTP instead of redirecting.
    ServePlain,
    /// Answers a POST to the path itself, with 204, and forwards nothing.
    Swallow(&'static str),
    /// Replaces a text in response bodies.
    Replace(On, &'static str, &'static str),
    /// Answers with what it recorded when the fault began, for paths that match.
    Freeze(On),
    /// Keeps what it passes on, bodies included, in this file below the data directory; undoing it removes the file.
    Keep(&'static str),
    /// The same of bodies that are at least so many bytes long, as whoever spills large ones to the disk does.
    KeepLarge(&'static str, usize),
    /// The same of what goes to paths that match.
    KeepOn(On, &'static str),
}

/// Which requests or responses a meddling touches. Of requests only the path is known.
#[derive(Clone, Copy, Debug)]
pub enum On {
    /// Every response.
    All,
    /// Responses to paths that begin so.
    Path(&'static str),
    /// Responses with at least this status code.
    Status(u16),
}

/// An independent look at whether a fault bites.
#[derive(Clone, Copy, Debug)]
pub enum Bites {
    /// SQL that yields one boolean, run as the database's superuser.
    Sql(&'static str),
    /// A GET of the path at the public address: the response lacks the header, or does not carry the value.
    HeaderNot(&'static str, &'static str, &'static str),
    /// A GET of the path at the public address: the body contains the text.
    Body(&'static str, &'static str),
    /// A handshake with `openssl s_client` and these arguments succeeds.
    Handshake(&'static [&'static str]),
    /// A plain HTTP GET of the path answers with this status.
    Plain(&'static str, u16),
    /// A POST to the path answers 204 while the listener behind the proxy never sees it.
    Swallowed(&'static str),
    /// A request to the public address is answered with this status.
    Answer {
        /// The method.
        method: &'static str,
        /// The path.
        path: &'static str,
        /// Headers, each as `name: value`.
        headers: &'static [&'static str],
        /// The body.
        body: &'static str,
        /// The status.
        status: u16,
    },
    /// A bare connection to the application behind the proxy succeeds at an address of this machine other than loopback.
    Around,
    /// The proxy has altered at least one request or response since the fault began.
    Altered,
    /// At least one file that had disappeared was put back since the fault began.
    PutBack,
    /// The file exists below the data directory.
    File(&'static str),
}
