//! Journals, and hands that meddle with them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::actor::LANES;
use super::super::journal::{FRAME_BYTES, FRAMES, FRAMES_START, HEADS};
use super::super::mac::TAG_BYTES;
use super::{Filter, Scratch, Use, Verb, actor, requests, sign, target};
use crate::id::ObjectId;

/// Changes the bytes of a journal.
type Attack<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;

/// A scratch audit with that many uses in the journal of a process that is gone.
fn with_uses(count: u64) -> (Scratch, PathBuf) {
    let mut scratch = Scratch::new();
    let (actor, target) = (actor("user"), target(5));
    for request in 1..=count {
        scratch
            .audit
            .record_use(&sign(&actor, &target, request))
            .unwrap();
    }
    let second = scratch.second();
    drop(std::mem::replace(&mut scratch.audit, second));
    let journal = scratch.journals().remove(0);
    (scratch, journal)
}

#[test]
fn uses_are_listed_before_and_after_folding() {
    let scratch = Scratch::new();
    let actors = [actor("one"), actor("two")];
    let targets = [target(5), target(6)];
    for request in 0..100_usize {
        let mut used = sign(
            &actors[request % 2],
            &targets[request / 2 % 2],
            request as u64,
        );
        if request % 3 == 0 {
            used.verb = Verb::Encrypt;
            used.mechanism = Some("GCM");
            used.result = 3;
        }
        scratch.audit.record_use(&used).unwrap();
    }
    let random = Use {
        actor: &actors[0],
        target: None,
        verb: Verb::Random,
        mechanism: None,
        request: 100,
        result: 0,
    };
    scratch.audit.record_use(&random).unwrap();
    assert_eq!(scratch.journals().len(), 1);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.journals()[0]), 0o600);
    assert_eq!(mode(&scratch.folder.path().join("audit")), 0o700);

    let look = || {
        // Another process sees the same.
        let other = scratch.second();
        let all = other.list(&Filter::default(), usize::MAX).unwrap();
        assert_eq!(
            all,
            scratch.audit.list(&Filter::default(), usize::MAX).unwrap()
        );
        let failed = requests(
            &other,
            &Filter {
                failed: true,
                ..Filter::default()
            },
        );
        assert_eq!(failed.len(), 34);
        let of_object = Filter {
            object: Some(ObjectId::from_bytes([6; 16])),
            ..Filter::default()
        };
        assert_eq!(requests(&other, &of_object).len(), 50);
        let report = other.verify().unwrap();
        assert_eq!(report.findings, []);
        assert_eq!(report.records, 101);
        all
    };
    let before = look();
    assert_eq!(before.len(), 101);
    assert_eq!(before[1].who, "two");
    assert_eq!(before[1].detail, "key 5, ECDSA");
    assert_eq!(before[3].detail, "key 6, GCM");
    assert_eq!((before[3].result, before[3].version), (3, 4));
    assert_eq!(before[3].origin, "process 9 of user 8");
    assert_eq!((before[100].verb, before[100].object), (Verb::Random, None));

    scratch.audit.fold().unwrap();
    assert!(scratch.journals().is_empty());
    assert_eq!(look(), before);

    // A new journal; what is known of the old one does not confuse it.
    scratch
        .audit
        .record_use(&sign(&actors[1], &targets[1], 101))
        .unwrap();
    let all = scratch.audit.list(&Filter::default(), 1).unwrap();
    assert_eq!((all[0].request, all[0].who.as_str()), (101, "two"));
    assert_eq!(scratch.findings(), [] as [&str; 0]);
}

#[test]
fn full_journals_are_folded_and_threads_share_few() {
    let scratch = Scratch::new();
    // Each fills a journal, and some share a lane.
    let (threads, uses) = (12, FRAMES + 500);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let audit = &scratch.audit;
            scope.spawn(move || {
                let (actor, target) = (actor("user"), target(thread % 4));
                for request in 0..uses {
                    audit.record_use(&sign(&actor, &target, request)).unwrap();
                }
            });
        }
    });
    // And two to spare.
    assert!(scratch.journals().len() <= LANES + 2);
    let report = scratch.second().verify().unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.records, uses * u64::from(threads));
    let newest = scratch.audit.list(&Filter::default(), 10).unwrap();
    assert_eq!(newest.len(), 10);
    assert!(newest.is_sorted_by_key(|record| record.time));
    assert_eq!(newest[9].request, uses - 1);
}

#[test]
fn the_file_of_a_folded_journal_is_the_next_but_one() {
    let mut scratch = Scratch::new();
    let (actor, target) = (actor("user"), target(1));
    let inode = |path: &PathBuf| fs::metadata(path).unwrap().ino();
    let record = |scratch: &Scratch, uses: std::ops::Range<u64>| {
        for request in uses {
            let used = sign(&actor, &target, request);
            scratch.audit.record_use(&used).unwrap();
        }
    };
    record(&scratch, 0..FRAMES + 10);
    let mut inodes = scratch.journals().iter().map(inode).collect::<Vec<_>>();
    record(&scratch, FRAMES + 10..2 * FRAMES + 10);
    let mut again = scratch.journals().iter().map(inode).collect::<Vec<_>>();
    inodes.sort_unstable();
    again.sort_unstable();
    assert_eq!((inodes.len(), &inodes), (2, &again));
    // The frames that stand behind its last are another journal's, and no use.
    let uses = 2 * FRAMES + 10;
    let report = scratch.second().verify().unwrap();
    assert_eq!(
        (report.findings.as_slice(), report.records),
        (&[][..], uses)
    );

    // Whoever comes after a process that died folds its journal and removes what it had to spare.
    let second = scratch.second();
    drop(std::mem::replace(&mut scratch.audit, second));
    assert_eq!(scratch.journals().len(), 2);
    scratch.audit.fold().unwrap();
    assert_eq!(scratch.journals(), [] as [PathBuf; 0]);
    let report = scratch.second().verify().unwrap();
    assert_eq!(
        (report.findings.as_slice(), report.records),
        (&[][..], uses)
    );
}

#[test]
fn a_process_that_is_gone_leaves_its_uses_to_the_next() {
    let (scratch, journal) = with_uses(20);
    assert_eq!(requests(&scratch.audit, &Filter::default()).len(), 20);
    // The first use of the next process folds it.
    scratch
        .audit
        .record_use(&sign(&actor("next"), &target(1), 21))
        .unwrap();
    assert!(!journal.exists());
    assert_eq!(
        requests(&scratch.audit, &Filter::default()),
        (1..=21).collect::<Vec<_>>()
    );
    assert_eq!(scratch.findings(), [] as [&str; 0]);
}

#[test]
fn a_journal_of_a_living_process_is_left_to_it() {
    let scratch = Scratch::new();
    scratch
        .audit
        .record_use(&sign(&actor("user"), &target(1), 1))
        .unwrap();
    scratch.second().fold().unwrap();
    assert_eq!(scratch.journals().len(), 1);
    scratch
        .audit
        .record_use(&sign(&actor("user"), &target(1), 2))
        .unwrap();
    assert_eq!(requests(&scratch.audit, &Filter::default()), [1, 2]);
}

#[test]
fn a_removed_journal_is_missed() {
    let (scratch, journal) = with_uses(3);
    fs::remove_file(&journal).unwrap();
    let found = scratch.findings();
    assert!(found[0].contains("its file was removed"), "{found:?}");
    // Folding does not make it forgotten.
    scratch.audit.fold().unwrap();
    assert_eq!(scratch.findings(), found);

    let (scratch, journal) = with_uses(3);
    fs::remove_file(journal).unwrap();
    scratch.raw().execute("DELETE FROM journal", []).unwrap();
    let found = scratch.findings();
    assert!(
        found[0].contains("unregistered without being folded"),
        "{found:?}"
    );

    let (scratch, _) = with_uses(3);
    scratch
        .raw()
        .execute("INSERT INTO journal VALUES (randomblob(16))", [])
        .unwrap();
    let found = scratch.findings();
    assert!(found[0].contains("no row says it was begun"), "{found:?}");
}

#[test]
fn uses_cannot_be_cut_off_the_end() {
    let count = |bytes: &[u8], place: usize| {
        u64::from_le_bytes(bytes[place + TAG_BYTES..][..8].try_into().unwrap())
    };
    let (scratch, journal) = with_uses(6);
    let good = fs::read(&journal).unwrap();
    let newest = HEADS
        .map(|place| count(&good, place))
        .into_iter()
        .max()
        .unwrap();
    let [even, odd] = HEADS;
    let (newer, older) = if newest % 2 == 0 {
        (even, odd)
    } else {
        (odd, even)
    };
    let put = |bytes: &mut [u8], place: usize, count: u64| {
        bytes[place + TAG_BYTES..][..8].copy_from_slice(&count.to_le_bytes());
    };
    let attacks: Vec<Attack<'_>> = vec![
        // The older head made the newer.
        Box::new(|bytes| put(bytes, newer, newest.wrapping_sub(2))),
        Box::new(|bytes| put(bytes, newer, u64::MAX)),
        Box::new(|bytes| put(bytes, newer, 0)),
        // And its frame taken away.
        Box::new(|bytes| {
            put(bytes, newer, newest - 2);
            let last = FRAMES_START + usize::try_from(newest - 1).unwrap() * FRAME_BYTES;
            bytes[last..last + FRAME_BYTES].fill(0);
        }),
        // The head before the older is not there to be had; neither will a copy of the older do.
        Box::new(|bytes| {
            bytes.copy_within(older..older + TAG_BYTES, newer);
            put(bytes, newer, newest - 2);
        }),
        Box::new(|bytes| {
            bytes.copy_within(older..older + TAG_BYTES + 8, newer);
        }),
        // A tag is not a head.
        Box::new(|bytes| {
            let tag = FRAMES_START + usize::try_from(newest - 3).unwrap() * FRAME_BYTES + 32;
            bytes.copy_within(tag..tag + TAG_BYTES, newer);
            put(bytes, newer, newest - 2);
        }),
        Box::new(|bytes| bytes.truncate(FRAMES_START + FRAME_BYTES)),
        Box::new(|bytes| bytes.truncate(10)),
        Box::new(|bytes| bytes[HEADS[0]..HEADS[1] + 24].fill(0)),
        Box::new(|bytes| bytes.fill(0)),
    ];
    for (number, attack) in attacks.iter().enumerate() {
        let mut bytes = good.clone();
        attack(&mut bytes);
        fs::write(&journal, &bytes).unwrap();
        let found = scratch.findings();
        // The first is what a process killed between head and count leaves: nothing is missing.
        if number == 0 {
            assert_eq!(found, [] as [&str; 0]);
            assert_eq!(requests(&scratch.audit, &Filter::default()).len(), 6);
        } else {
            assert_eq!(found.len(), 1, "attack {number}");
        }
    }
    fs::write(&journal, &good).unwrap();
    assert_eq!(scratch.findings(), [] as [&str; 0]);
}

#[test]
fn a_process_killed_within_a_use_leaves_the_uses_before() {
    let mut scratch = Scratch::new();
    let (actor, target) = (actor("user"), target(5));
    for request in 1..=3 {
        scratch
            .audit
            .record_use(&sign(&actor, &target, request))
            .unwrap();
    }
    let journal = scratch.journals().remove(0);
    let before = fs::read(&journal).unwrap();
    scratch.audit.record_use(&sign(&actor, &target, 4)).unwrap();
    let after = fs::read(&journal).unwrap();
    let second = scratch.second();
    drop(std::mem::replace(&mut scratch.audit, second));

    // Stores happen in this order: the frame with its tag, the head, the count.
    let changed: Vec<usize> = (0..before.len())
        .filter(|at| before[*at] != after[*at])
        .collect();
    let frame = changed.iter().copied().filter(|at| *at >= FRAMES_START);
    let head = changed.iter().copied().filter(|at| *at < FRAMES_START);
    let order: Vec<usize> = frame.chain(head).collect();
    let is_count = |at: usize| {
        HEADS
            .iter()
            .any(|place| (place + TAG_BYTES..place + TAG_BYTES + 8).contains(&at))
    };
    let mut bytes = before.clone();
    for at in order {
        let words_whole = at < FRAMES_START && !is_count(at);
        bytes[at] = after[at];
        // The processor stores heads and counts in whole words, of which some bytes may stay as they are.
        let more_of_word = |at: usize| (at + 1..(at / 8 + 1) * 8).any(|at| changed.contains(&at));
        if (words_whole || is_count(at)) && more_of_word(at) {
            continue;
        }
        fs::write(&journal, &bytes).unwrap();
        assert_eq!(scratch.findings(), [] as [&str; 0], "after byte {at}");
        let uses = requests(&scratch.audit, &Filter::default()).len();
        assert!(
            uses == 3 || (uses == 4 && at < FRAMES_START),
            "after byte {at}: {uses}"
        );
    }
    assert_eq!(bytes, after);
    assert_eq!(requests(&scratch.audit, &Filter::default()).len(), 4);
}

#[test]
fn no_byte_can_be_changed_unseen() {
    let (scratch, journal) = with_uses(5);
    let good = fs::read(&journal).unwrap();
    let used: Vec<usize> = (0..good.len())
        .rev()
        .skip_while(|at| good[*at] == 0)
        .collect();
    let end = used[0];
    // The parts that mean something: names of the journal, both heads, every frame.
    let places = (0..40_usize)
        .chain(HEADS[0]..HEADS[0] + 24)
        .chain(HEADS[1]..HEADS[1] + 24)
        .chain(FRAMES_START..=end)
        .collect::<Vec<_>>();
    proptest!(ProptestConfig::with_cases(200), |(place in prop::sample::select(places), bit in 0..8_u8)| {
        let mut bytes = good.clone();
        bytes[place] ^= 1 << bit;
        fs::write(&journal, &bytes).unwrap();
        // One count less twice is what a process killed between head and count leaves: nothing is missing.
        let intact = scratch.findings().is_empty();
        let uses = requests(&scratch.audit, &Filter::default()).len();
        prop_assert!(!intact || (uses == 5 && place < FRAMES_START), "byte {}", place);
    });
}

#[test]
fn damage_is_kept_in_the_chain_when_the_journal_is_folded() {
    let (scratch, journal) = with_uses(50);
    let mut bytes = fs::read(&journal).unwrap();
    // The thirtieth frame: behind the definitions, so some uses are proven before it.
    bytes[FRAMES_START + 30 * FRAME_BYTES + 2] ^= 1;
    fs::write(&journal, &bytes).unwrap();
    let found = scratch.findings();
    assert!(found[0].contains("frame 30 was changed"), "{found:?}");
    scratch.audit.fold().unwrap();
    assert!(!journal.exists());
    assert_eq!(scratch.findings(), found);
    let kept = requests(&scratch.audit, &Filter::default());
    assert!(!kept.is_empty() && kept.len() < 30);
}

#[test]
fn without_room_for_a_journal_uses_are_refused() {
    let scratch = Scratch::new();
    fs::write(scratch.folder.path().join("audit"), "in the way").unwrap();
    let (actor, target) = (actor("user"), target(1));
    assert!(scratch.audit.record_use(&sign(&actor, &target, 1)).is_err());
    fs::remove_file(scratch.folder.path().join("audit")).unwrap();
    scratch.audit.record_use(&sign(&actor, &target, 2)).unwrap();
    assert_eq!(requests(&scratch.audit, &Filter::default()), [2]);
    assert_eq!(scratch.findings(), [] as [&str; 0]);
}

#[test]
fn what_root_makes_belongs_to_the_stores_owner() {
    use std::os::unix::fs::{MetadataExt, chown};
    let scratch = Scratch::new();
    // Only root can, and only root need.
    if chown(scratch.folder.path(), Some(12_345), Some(12_345)).is_err() {
        return;
    }
    scratch
        .audit
        .record_use(&sign(&actor("user"), &target(1), 1))
        .unwrap();
    for path in [
        scratch.folder.path().join("audit"),
        scratch.journals().remove(0),
    ] {
        assert_eq!(fs::metadata(path).unwrap().uid(), 12_345);
    }
}
