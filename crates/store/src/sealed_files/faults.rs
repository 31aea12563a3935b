//! Ways to break it, made from outside.

use promises::fault::{Bites, Fault, Make, Meddling, On};

/// The faults of this control.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "file-in-the-clear",
        about: "An object of somebody's lies in the clear under a name like all others; whatever a probe uploads is sealed.",
        breaks: &["sealed-files"],
        spares_plants: true,
        make: Make::File {
            from: "tls/ca.pem",
            to: "blobs/00000000-0000-4000-8000-00000000f001/00000000-0000-4000-8000-00000000f002/00000000-0000-4000-8000-00000000f003",
        },
        bites: Bites::File(
            "blobs/00000000-0000-4000-8000-00000000f001/00000000-0000-4000-8000-00000000f002/00000000-0000-4000-8000-00000000f003",
        ),
    },
    Fault {
        id: "file-copied-beside",
        about: "A list in the clear was left among the objects.",
        breaks: &["sealed-files"],
        spares_plants: true,
        make: Make::File { from: "tls/ca.pem", to: "blobs/index.csv" },
        bites: Bites::File("blobs/index.csv"),
    },
    Fault {
        id: "uploads-kept-in-front",
        about: "A layer in front keeps what is uploaded in a temporary folder of the system.",
        breaks: &["sealed-files", "erase"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Keep("tmp/uploads")]),
        bites: Bites::Altered,
    },
    Fault {
        id: "large-uploads-kept-in-front",
        about: "A layer in front spills large uploads to a temporary folder of the system, and leaves them there.",
        breaks: &["sealed-files"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::KeepLarge("tmp/spilled", 1 << 20)]),
        bites: Bites::Altered,
    },
    Fault {
        id: "form-uploads-kept-in-front",
        about: "A layer in front spills what is uploaded by the page's form to a temporary folder of the system, and leaves it there; what comes through the API it passes on.",
        breaks: &["sealed-files"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::KeepOn(On::Path("/drawings"), "tmp/forms")]),
        bites: Bites::Altered,
    },
];
