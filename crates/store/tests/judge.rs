//! Blobs in a bucket of a server that nobody here wrote: moto's S3, over TLS with an authority made for the test, reached
//! through the same dialler as in the program.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use jiff::SignedDuration;
use kernel::{Actor, Clock as _, PersonId, SystemClock, TenantId};
use outbound::{Dialler, Register, Trust, http::Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use store::{
    BlobPlace, Config, Store, StoreError,
    blobs::{self, Credentials, Reader, Writer},
    drawings::{self, File, Kind},
    tenancy::{self, NewPerson},
};
use testkit::ScratchDir;

/// The server, running, with one bucket.
struct Judge {
    child: Child,
    url: String,
    dialler: Dialler,
    _room: tempfile::TempDir,
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Judge {
    async fn start() -> Self {
        let room = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let pair = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&pair, &authority).unwrap();
        let (certificate, key) = (room.path().join("certificate.pem"), room.path().join("key.pem"));
        std::fs::write(&certificate, leaf.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../judges/s3/serve.sh");
        let mut child = Command::new(script)
            .args([&certificate, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let url = format!("https://localhost:{}", port.trim());
        let trust = Trust::none().with_pem(&authority.pem()).unwrap();
        let dialler = Dialler::new(Register::only("localhost"), trust);
        let judge = Self { child, url, dialler, _room: room };
        judge.dialler.request(Request::put(format!("{}/drawings", judge.url)).body(Vec::new()).unwrap()).await.unwrap();
        judge
    }

    fn place(&self) -> BlobPlace {
        let known = Some("judge".to_owned());
        BlobPlace::Bucket {
            url: format!("s3://drawings?endpoint={}&region=eu-central-1", self.url),
            dialler: self.dialler.clone(),
            credentials: Credentials {
                access_key_id: known.clone(),
                secret_access_key: known,
                ..Credentials::default()
            },
        }
    }

    /// The names of the objects, as the server itself lists them.
    async fn names(&self) -> Vec<String> {
        let request = Request::get(format!("{}/drawings?list-type=2", self.url)).body(Vec::new()).unwrap();
        let text = String::from_utf8(self.dialler.request(request).await.unwrap().body).unwrap();
        text.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }
}

/// Longer than two parts of an upload.
fn bytes() -> Vec<u8> {
    (0..20_000_000_u32).map(|n| n.to_le_bytes()[1]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judges_bucket_holds_blobs_as_a_folder_does() {
    let (judge, dir) = (Judge::start().await, ScratchDir::new().unwrap());
    let config = Config { durable: false, blobs: Some(judge.place()), ..Config::at(dir.path()) };
    let store = Store::open(config).await.unwrap();
    let first = NewPerson { name: "Ada", email: "ada@example.org" };
    let ada = tenancy::create(&store, &Actor::Visitor, "T", first).await.unwrap();
    let actor = Actor::Person { id: ada.person };
    let whole = bytes();

    let mut writer = Writer::begin(&store, ada.tenant, ada.person).unwrap();
    for piece in whole.chunks(1_000_003) {
        writer.push(piece).await.unwrap();
    }
    assert!(judge.names().await.is_empty(), "half of it is visible");
    let staged = writer.finish().await.unwrap();
    assert_eq!(judge.names().await, [format!("{}/{}/{}", ada.tenant, ada.person, staged.blob.id)]);
    let reader = Reader::open(&store, staged.blob).await.unwrap();
    assert_eq!(reader.length(), whole.len() as u64);
    for range in [0..10, 65_530..65_540, 8_000_000..9_000_000, 19_999_990..30_000_000] {
        let expected = whole.get(range.start..range.end.min(whole.len())).unwrap();
        assert_eq!(*reader.range(range.start as u64..range.end as u64).await.unwrap(), expected, "{range:?}");
    }
    let mut reader = reader;
    let mut read = Vec::new();
    while let Some(part) = reader.next().await.unwrap() {
        read.extend_from_slice(&part);
    }
    assert!(read == whole, "the whole is not what was stored");

    let file = File { name: "gear", kind: Kind::Png, content: &whole[..100_000] };
    let id = drawings::upload(&store, ada.tenant, &actor, file).await.unwrap();
    let scoped = store.scoped(ada.tenant, &actor).await.unwrap();
    assert_eq!(*drawings::content(&store, scoped, id).await.unwrap().1, whole[..100_000]);

    // What nobody's row names goes with the sweep; the drawing stays.
    let swept = blobs::sweep(&store, SystemClock.now() + SignedDuration::from_hours(2)).await.unwrap();
    assert_eq!((swept.orphans, swept.seen), (1, 2));
    let lost = Reader::open(&store, staged.blob).await.unwrap_err();
    assert!(matches!(&lost, StoreError::Unexpected(why) if why.contains("missing")), "{lost}");
    assert_eq!(blobs::objects_of(&store, ada.tenant, ada.person).await.unwrap().len(), 1);
    assert_eq!(blobs::erase(&store, ada.tenant, ada.person).await.unwrap(), 1);
    assert!(judge.names().await.is_empty());
    assert!(blobs::objects_of(&store, TenantId::new(), PersonId::new()).await.unwrap().is_empty());
    store.close().await;
}
