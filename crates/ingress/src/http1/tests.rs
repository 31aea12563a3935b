use super::*;
use proptest::prelude::*;

/// What a scanner passes on when it gets `bytes` in pieces of these lengths, how many heads it saw, and how it ended.
fn scan(bytes: &[u8], pieces: &[usize]) -> (Vec<u8>, Vec<Head>, Option<Refusal>) {
    let (mut scanner, mut out, mut heads) = (Scanner::new(), Vec::new(), Vec::new());
    let mut lengths = pieces.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut piece, after) = rest.split_at(lengths.next().unwrap_or(1).clamp(1, rest.len()));
        while !piece.is_empty() {
            match scanner.feed(piece, &mut out) {
                Ok((taken, head)) => {
                    heads.extend(head);
                    piece = piece.get(taken..).unwrap_or_default();
                }
                Err(refusal) => return (out, heads, Some(refusal)),
            }
        }
        rest = after;
    }
    (out, heads, None)
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let sized = body.clone().prop_map(|body| {
        let head = format!("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), &body].concat()
    });
    let chunked = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..4).prop_map(|chunks| {
        let mut bytes = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in chunks {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(&chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    });
    let bare = Just(b"GET /?q=1 HTTP/1.1\r\nHost: [::1]:8443\r\nX: y\r\n\r\n".to_vec());
    prop::collection::vec(prop_oneof![sized, chunked, bare], 1..5).prop_map(|messages| messages.concat())
}

/// Bytes that come close to a request, so that the refusals are reached too.
fn near_misses() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.0\r\n",
        "Host: x\r\n",
        "Host: y\n",
        "X: y\r",
        "Content-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "\n",
        "\r",
        " folded\r\n",
        "5\r\nabcde\r\n",
        "0\r\n\r\n",
        "ffffffffff",
        "\0",
        ":\r\n",
    ]);
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #[test]
    fn good_messages_pass_unchanged_however_they_are_cut(bytes in messages(), pieces in prop::collection::vec(1_usize..50, 1..9)) {
        let (out, heads, refusal) = scan(&bytes, &pieces);
        prop_assert_eq!(refusal, None);
        prop_assert_eq!(&out, &bytes);
        prop_assert_eq!(heads, scan(&bytes, &[usize::MAX]).1);
    }

    #[test]
    fn how_bytes_are_cut_changes_nothing(bytes in near_misses(), pieces in prop::collection::vec(1_usize..9, 1..9)) {
        prop_assert_eq!(scan(&bytes, &pieces), scan(&bytes, &[usize::MAX]));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (scan(&bytes, &[7]), parse(&bytes), is_host(&bytes));
    }
}

#[test]
fn what_is_long_is_refused_before_it_ends() {
    let endless = b"GET /".iter().copied().chain(std::iter::repeat_n(b'a', 20_000)).collect::<Vec<_>>();
    assert_eq!(scan(&endless, &[999]).2, Some(Refusal::LongTarget));
    let fields = [b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 20_000]].concat();
    let (out, _, refusal) = scan(&fields, &[999]);
    assert_eq!((out.len(), refusal), (0, Some(Refusal::LongHead)));
}

proptest! {
    #[test]
    fn a_plain_host_is_a_host(value in "[a-zA-Z0-9.:@-]{0,12}") {
        if is_plain_host(value.as_bytes()) {
            let authority: Authority = value.parse().unwrap();
            prop_assert!(!authority.host().is_empty() && (authority.port().is_none() || authority.port_u16().is_some()));
        }
    }
}

/// At the edges of a line too, where what blanks are cut off would take it along.
#[test]
fn a_control_character_is_refused_wherever_it_stands() {
    for line in ["x: a\r", "x: a\rb", "x:\r a", "x: a\x0c", "x:\x0ca", "x: \x7f", "x\r: a", "x: \x0b"] {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n").into_bytes();
        let whole = scan(&head, &[usize::MAX]);
        assert_eq!((whole.0.len(), whole.2.is_some()), (0, true), "{line:?}");
        assert_eq!(whole, scan(&head, &[1]), "{line:?}");
    }
    let sound = b"GET / HTTP/1.1\r\nHost: x\r\nx: \ta b\t \r\n\r\n";
    assert_eq!(scan(sound, &[usize::MAX]).2, None);
}

#[test]
fn a_token_has_the_characters_that_it_may_have() {
    for byte in 0..=u8::MAX {
        assert_eq!(is_token(byte), is_sign_of_token(byte), "{byte}");
    }
}

#[test]
fn hosts() {
    for good in ["localhost", "example.com:8443", "[::1]", "[::1]:8443", "127.0.0.1:1", "xn--bcher-kva.example"] {
        assert!(is_host(good.as_bytes()), "{good}");
    }
    for bad in ["", " ", "a b", "user@host", "host:", "host:port", "host:99999", "a/b", "a?b", "[::1", "a,b:"] {
        assert!(!is_host(bad.as_bytes()), "{bad}");
    }
}
