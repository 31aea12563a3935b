use super::*;

fn cheap() -> Params {
    Params::new(64, 1, 1).unwrap()
}

#[tokio::test]
async fn the_right_password_verifies_and_another_does_not() {
    let hasher = Hasher::new(cheap(), 2).unwrap();
    let stored = hasher.hash("correct horse battery staple").await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
    assert_eq!(
        hasher.verify(Some(&stored), "correct horse battery staple").await.unwrap(),
        Verified { ok: true, rehash: false }
    );
    for wrong in ["Correct horse battery staple", "", "correct horse battery staple "] {
        assert_eq!(hasher.verify(Some(&stored), wrong).await.unwrap(), Verified { ok: false, rehash: false });
    }
    let again = hasher.hash("correct horse battery staple").await.unwrap();
    assert_ne!(stored, again, "each hash has its own salt");
}

/// The reference implementation's own vector: `argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32` for `password`.
#[tokio::test]
async fn the_reference_implementations_hash_verifies() {
    let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hasher = Hasher::new(Params::LEAST, 1).unwrap();
    assert_eq!(hasher.verify(Some(stored), "password").await.unwrap(), Verified { ok: true, rehash: true });
    assert_eq!(hasher.verify(Some(stored), "Password").await.unwrap(), Verified { ok: false, rehash: false });
}

#[tokio::test]
async fn a_keyboard_makes_no_difference() {
    let hasher = Hasher::new(cheap(), 2).unwrap();
    let stored = hasher.hash("Zu\u{308}rich\u{a0}am See").await.unwrap();
    assert!(hasher.verify(Some(&stored), "Z\u{fc}rich am See").await.unwrap().ok);
    assert!(!hasher.verify(Some(&stored), "Zurich am See").await.unwrap().ok);
}

#[tokio::test]
async fn nobody_and_unreadable_hashes_never_match() {
    let hasher = Hasher::new(cheap(), 2).unwrap();
    for stored in
        [None, Some(""), Some("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"), Some("plain")]
    {
        assert_eq!(hasher.verify(stored, "plain").await.unwrap(), Verified { ok: false, rehash: false });
    }
    let stored = hasher.hash("").await.unwrap();
    assert!(
        !hasher.verify(Some(&stored), &"x".repeat(LONGEST + 1)).await.unwrap().ok,
        "not taken for the empty password"
    );
    assert_eq!(hasher.hash(&"x".repeat(LONGEST + 1)).await, Err(HashError::TooLong));
}

#[tokio::test]
async fn no_password_beyond_the_longest_matches_even_its_own_hash() {
    let hasher = Hasher::new(cheap(), 1).unwrap();
    for (length, ok) in [(LONGEST, true), (LONGEST + 1, false)] {
        let password = "x".repeat(length);
        let mut phc = hasher.0.nobody.clone();
        phc.hash = hasher.compute(phc.clone(), Zeroizing::new(password.clone())).await.unwrap().to_vec();
        assert_eq!(hasher.verify(Some(&phc.to_string()), &password).await.unwrap().ok, ok, "{length}");
    }
}

#[tokio::test]
async fn changed_parameters_ask_for_a_new_hash() {
    let stored = Hasher::new(cheap(), 1).unwrap().hash("word").await.unwrap();
    let dearer = Hasher::new(Params::new(128, 1, 1).unwrap(), 1).unwrap();
    assert_eq!(dearer.verify(Some(&stored), "word").await.unwrap(), Verified { ok: true, rehash: true });
}

/// What this process has computed so far, in nanoseconds: unlike the clock on the wall, it does not see what else runs.
fn computed() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    threads.map(spent).sum()
}

/// Without an account, and with a hash that cannot be read, the work is that of a comparison.
#[tokio::test]
async fn an_absent_account_costs_as_much() {
    let hasher = Hasher::new(Params::new(8 * 1024, 2, 1).unwrap(), 1).unwrap();
    let stored = hasher.hash("word").await.unwrap();
    let mut spent = [0; 3];
    for _ in 0..20 {
        for (spent, stored) in spent.iter_mut().zip([Some(stored.as_str()), None, Some("unreadable")]) {
            let before = computed();
            assert!(!hasher.verify(stored, "wrong").await.unwrap().ok);
            *spent += computed() - before;
        }
    }
    let [with, without, unreadable] = spent;
    for other in [without, unreadable] {
        assert!(other > with / 2 && other < with * 2, "{with} ns with an account, else {other} ns");
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Two thousand wrong passwords at once, of which two are computed at a time: memory is that of two hashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_of_wrong_passwords_keeps_memory_flat() {
    let hasher = Hasher::new(Params::new(8 * 1024, 1, 1).unwrap(), 2).unwrap();
    hasher.hash("warm").await.unwrap();
    let before = resident_kib();
    let load: Vec<_> = (0..2_000)
        .map(|n| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.verify(None, &format!("wrong {n} {}", "x".repeat(500))).await })
        })
        .collect();
    let (mut most, mut refused, mut answered) = (0, 0, 0);
    for call in load {
        most = most.max(resident_kib());
        match call.await.unwrap() {
            Ok(verified) => {
                assert!(!verified.ok);
                answered += 1;
            }
            Err(HashError::Busy) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(answered >= 2 * WAITING, "{answered} were served");
    assert!(refused > 0, "the queue has an end");
    // Two hashes cost 16 MiB; two thousand would cost 16 GiB.
    assert!(most < before + 48 * 1024, "{before} KiB before, {most} KiB at most");
    assert!(hasher.0.memory.lock().unwrap().len() <= 2);
    assert!(hasher.verify(None, "and later others are served").await.is_ok());
}

#[tokio::test]
async fn who_goes_away_while_waiting_leaves_the_queue() {
    let hasher = Hasher::new(cheap(), 1).unwrap();
    let turn = Arc::clone(&hasher.0.turns).acquire_owned().await.unwrap();
    for _ in 0..WAITING * 4 {
        assert!(timeout(Duration::from_millis(1), hasher.verify(None, "word")).await.is_err());
    }
    drop(turn);
    assert!(hasher.verify(None, "word").await.is_ok());
    assert_eq!(hasher.0.places.available_permits(), WAITING + 1);
}
